"""Resize protocols against the libraries that defined them."""

import pathlib

import numpy as np
import pytest
from keras import ops

from kerasgan.features.resizing import (
    interpolation_matrix,
    pil_bicubic_uint8,
    resize,
)

GOLDEN = np.load(pathlib.Path(__file__).parent / "golden" / "resize.npz")
IMAGES = [f"img{index}" for index in range(7)]
# On the 0..255 scale.
TOLERANCES = {"legacy_tf": 1e-4, "legacy_torch": 1e-3, "clean": 5e-3}


def _summary(output):
    """What the file keeps of a resized image [h, w, c]."""
    output = np.asarray(output, "float64")
    corners = [output[:6, :6], output[:6, -6:], output[-6:, :6]]
    corners.append(output[-6:, -6:])
    middle = output.shape[0] // 2 - 3
    corners.append(output[middle : middle + 6, middle : middle + 6])
    return {
        "stride23": output[::23, ::23],
        "corners": np.stack(corners)[:4],
        "row_means": output.mean(axis=1),
        "col_means": output.mean(axis=0),
        "mean_std": np.stack([output.mean((0, 1)), output.std((0, 1))]),
    }


def _golden(name, part):
    expected = GOLDEN[f"{name}/{part}"]
    return expected[:4] if part == "corners" else expected


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("protocol", TOLERANCES)
def test_equals_the_library(name, protocol):
    image = GOLDEN[f"{name}/uint8"]
    output = ops.convert_to_numpy(resize(image[None], 299, protocol))[0]
    assert output.dtype == np.float32
    assert output.shape == (299, 299, 3)
    for part, values in _summary(output).items():
        np.testing.assert_allclose(
            values,
            _golden(f"{name}/{protocol}", part),
            rtol=0,
            atol=TOLERANCES[protocol],
            err_msg=part,
        )


@pytest.mark.parametrize("name", IMAGES)
def test_other_sizes(name):
    image = GOLDEN[f"{name}/uint8"]
    output = ops.convert_to_numpy(resize(image[None], 224, "legacy_tf"))[0]
    for part, values in _summary(output).items():
        np.testing.assert_allclose(
            values,
            _golden(f"{name}/legacy_tf_224", part),
            rtol=0,
            atol=1e-4,
            err_msg=part,
        )


@pytest.mark.parametrize("name", IMAGES)
def test_pil_is_pil(name):
    image = GOLDEN[f"{name}/uint8"]
    (output,) = pil_bicubic_uint8(image[None], 224)
    assert output.dtype == np.uint8
    for part in ("stride23", "corners"):
        expected = _golden(f"{name}/pil_bicubic_uint8_224", part)
        miss = np.abs(_summary(output)[part] - expected)
        assert miss.max() <= 1
        assert np.mean(miss > 0) <= 0.001


@pytest.mark.parametrize("protocol", TOLERANCES)
class TestEvery:
    @pytest.mark.parametrize("length", [1, 2, 17, 299, 700])
    def test_weights_sum_to_one(self, protocol, length):
        matrix = interpolation_matrix(length, 299, protocol)
        assert matrix.shape == (299, length)
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-6)

    def test_the_same_size_is_left_as_it_is(self, protocol):
        images = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3))
        output = resize(images.astype("uint8"), 9, protocol)
        np.testing.assert_array_equal(output, images)
        matrix = interpolation_matrix(9, 9, protocol)
        np.testing.assert_array_equal(matrix, np.eye(9))


def test_only_antialiasing_keeps_the_mean_of_stripes():
    """A pattern finer than the new pixels must turn grey."""
    stripes = np.zeros((1, 512, 512, 1), "uint8")
    stripes[:, ::2] = 255
    spread = {
        protocol: float(ops.std(resize(stripes, 128, protocol)))
        for protocol in TOLERANCES
    }
    mean = {
        protocol: float(ops.mean(resize(stripes, 128, protocol)))
        for protocol in TOLERANCES
    }
    assert mean["legacy_tf"] == 255.0
    assert mean["clean"] == pytest.approx(127.5, abs=0.5)
    assert spread["clean"] < 5.0


def test_unknown_protocol():
    with pytest.raises(ValueError, match="Did you mean 'legacy_torch'"):
        resize(np.zeros((1, 4, 4, 3), "uint8"), 8, "legacy_pytorch")
