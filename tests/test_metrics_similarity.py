"""PSNR, SSIM and MS-SSIM against four implementations, and by hand."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from kerasgan.metrics import similarity
from kerasgan.metrics.similarity import (
    ms_ssim,
    ms_ssim_diversity,
    progan_ms_ssim,
    psnr,
    ssim,
)

GOLDEN = pathlib.Path(__file__).parent / "golden"
MEASURES = {
    "psnr": psnr,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "progan_ms_ssim": progan_ms_ssim,
}


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN / "ssim.npz"))


def _pair(shape=(2, 32, 40, 3), seed=0):
    """A smooth uint8 image and a noisy copy of it."""
    rng = np.random.default_rng(seed)
    waves = np.add.outer(np.arange(shape[-3]), np.arange(shape[-2]))
    real = 128 + 90 * np.sin(waves / 7.0)[..., None] + np.zeros(shape)
    fake = real + rng.normal(0, 15, shape)
    return [np.clip(x, 0, 255).round().astype("uint8") for x in (real, fake)]


class TestGolden:
    @pytest.mark.parametrize("name", ["big0", "big1", "small0", "small1"])
    def test_scikit_image(self, golden, name):
        pair = {"real": golden[f"{name}/x"], "fake": golden[f"{name}/y"]}
        assert psnr(**pair) == pytest.approx(
            golden[f"{name}/skimage_psnr"], abs=1e-9
        )
        assert psnr(**pair) == pytest.approx(
            golden[f"{name}/torchmetrics_psnr"], abs=1e-4
        )
        assert ssim(**pair) == pytest.approx(
            golden[f"{name}/skimage_ssim_gaussian"], abs=1e-12
        )
        assert ssim(**pair) == pytest.approx(
            golden[f"{name}/pytorch_msssim_ssim"], abs=2e-7
        )

    @pytest.mark.parametrize("name", ["big0", "big1"])
    def test_pytorch_msssim(self, golden, name):
        pair = {"real": golden[f"{name}/x"], "fake": golden[f"{name}/y"]}
        expected = golden[f"{name}/pytorch_msssim_ms_ssim"]
        assert ms_ssim(**pair) == pytest.approx(expected, abs=2e-7)
        # It is another number than ProGAN's.
        assert abs(progan_ms_ssim(**pair) - expected) > 5e-7

    @pytest.mark.parametrize("name", ["big0", "big1", "small0"])
    def test_progan(self, golden, name):
        x, y = golden[f"{name}/x"], golden[f"{name}/y"]
        assert progan_ms_ssim(real=x, fake=y) == pytest.approx(
            golden[f"{name}/progan_ms_ssim"], abs=1e-6
        )

    @pytest.mark.parametrize("name", ["big0", "big1", "small0", "small1"])
    def test_contrast_term(self, golden, name):
        x, y = (golden[f"{name}/{which}"].astype("float64") for which in "xy")
        maps = similarity._similarity_and_contrast(x, y, 11, 1.5)
        np.testing.assert_allclose(
            [values.mean() for values in maps],
            golden[f"{name}/progan_ssim_cs_level0"],
            atol=1e-5,
        )

    @pytest.mark.parametrize("which", ["real", "fake"])
    def test_pairs_of_one_set(self, golden, which):
        assert ms_ssim_diversity(golden[f"batch/{which}"]) == pytest.approx(
            golden[f"batch/progan_api_ms_ssim_{which}"], abs=1e-6
        )

    def test_halving(self):
        swd = np.load(GOLDEN / "swd.npz")
        halved = [similarity.halve(x.astype("float64")) for x in swd["real"]]
        np.testing.assert_array_equal(np.round(halved), swd["downscale_lod1"])


class TestTensorFlow:
    def test_ssim(self):
        real, fake = _pair((2, 32, 41, 3))
        expected = tf.image.ssim(real, fake, 255)
        np.testing.assert_allclose(
            ssim(real=real, fake=fake), expected, atol=1e-5
        )

    def test_ms_ssim(self):
        real, fake = _pair((1, 176, 192, 1))
        expected = tf.image.ssim_multiscale(real, fake, 255)
        np.testing.assert_allclose(
            ms_ssim(real=real, fake=fake), expected, atol=1e-5
        )

    def test_psnr(self):
        real, fake = _pair()
        np.testing.assert_allclose(
            psnr(real=real, fake=fake), tf.image.psnr(real, fake, 255), 1e-6
        )


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
class TestEvery:
    @pytest.fixture
    def shape(self, measure):
        return (2, 162, 165, 3) if measure is ms_ssim else (2, 32, 35, 3)

    def test_one_number_for_each_image(self, measure, shape):
        real, fake = _pair(shape)
        values = measure(real=real, fake=fake)
        assert values.shape == (2,) and values.dtype == np.float64
        alone = measure(real=real[1], fake=fake[1])
        assert type(alone) is float
        assert alone == values[1]

    def test_equal_images(self, measure, shape):
        real, _ = _pair(shape)
        best = np.inf if measure is psnr else 1.0
        np.testing.assert_allclose(
            measure(real=real, fake=real), [best, best], rtol=1e-12
        )

    def test_symmetric(self, measure, shape):
        real, fake = _pair(shape)
        np.testing.assert_allclose(
            measure(real=real, fake=fake),
            measure(real=fake, fake=real),
            rtol=1e-12,
        )

    def test_ranges_agree(self, measure, shape):
        real, fake = _pair(shape)
        expected = measure(real=real, fake=fake)
        signed = [x / 127.5 - 1.0 for x in (real, fake)]
        unsigned = [x / 255.0 for x in (real, fake)]
        for (x, y), data_range in (
            (signed, None),
            (unsigned, 1.0),
            ([x.astype("float32") for x in (real, fake)], 255),
            ((real, signed[1]), None),
            ([x.astype("int64") * 4 for x in (real, fake)], 1020),
        ):
            values = measure(real=x, fake=y, data_range=data_range)
            np.testing.assert_allclose(values, expected, rtol=1e-9)

    def test_tensors(self, measure, shape):
        real, fake = _pair(shape)
        expected = measure(real=real, fake=fake)
        tensors = [ops.convert_to_tensor(x) for x in (real, fake)]
        values = measure(real=tensors[0], fake=tensors[1])
        np.testing.assert_array_equal(values, expected)
        signed = [ops.cast(x, "float32") / 127.5 - 1 for x in tensors]
        halves = [ops.cast(x, "bfloat16") for x in signed]
        rounded = [ops.convert_to_numpy(ops.cast(x, "float32")) for x in halves]
        np.testing.assert_array_equal(
            measure(real=halves[0], fake=halves[1]),
            measure(real=rounded[0], fake=rounded[1]),
        )

    def test_border_is_cut_off(self, measure, shape):
        real, fake = (np.pad(x, 3, mode="edge") for x in _pair(shape))
        real, fake = real[3:-3, ..., 3:-3], fake[3:-3, ..., 3:-3]
        cut = [x[:, 3:-3, 3:-3] for x in (real, fake)]
        np.testing.assert_array_equal(
            measure(real=real, fake=fake, border=3),
            measure(real=cut[0], fake=cut[1]),
        )

    def test_luma_of_grey_images_is_squeezed_grey(self, measure, shape):
        grey = [x[..., :1] for x in _pair(shape)]
        colour = [np.repeat(x, 3, axis=-1) for x in grey]
        squeezed = [16.0 + 219.0 / 255.0 * x for x in grey]
        np.testing.assert_allclose(
            measure(real=colour[0], fake=colour[1], channel="y"),
            measure(real=squeezed[0], fake=squeezed[1], data_range=255),
            rtol=1e-9,
        )

    def test_worse_images_score_less(self, measure, shape):
        real, fake = _pair(shape)
        worse = np.clip(2.0 * fake - real, 0, 255).astype("uint8")
        assert np.all(
            measure(real=real, fake=worse) < measure(real=real, fake=fake)
        )

    def test_mistakes(self, measure, shape):
        real, fake = _pair(shape)
        with pytest.raises(TypeError):
            measure(real, fake)
        with pytest.raises(ValueError, match=r"one shape.*\(1, "):
            measure(real=real, fake=fake[:1])
        with pytest.raises(ValueError, match="data_range=255"):
            measure(real=real.astype("float32"), fake=fake)
        with pytest.raises(ValueError, match="dtype=int64"):
            measure(real=real, fake=fake.astype("int64"))
        with pytest.raises(ValueError, match="`data_range`.*above 0"):
            measure(real=real, fake=fake, data_range=0)
        with pytest.raises(ValueError, match="must be one of rgb, y"):
            measure(real=real, fake=fake, channel="Y")
        with pytest.raises(ValueError, match="3 channels"):
            measure(real=real[..., :1], fake=fake[..., :1], channel="y")
        with pytest.raises(ValueError, match=r"within `border`.*-"):
            measure(real=real, fake=fake, border=100)
        with pytest.raises(ValueError, match="border=-1"):
            measure(real=real, fake=fake, border=-1)

    def test_nan_is_not_hidden(self, measure, shape):
        real, fake = (x / 127.5 - 1.0 for x in _pair(shape))
        fake[0, 15, 15, 0] = np.nan
        values = measure(real=real, fake=fake)
        assert np.isnan(values[0]) and np.isfinite(values[1])


class TestSizes:
    @pytest.mark.parametrize(
        "measure, smallest",
        [(psnr, 1), (ssim, 11), (ms_ssim, 161), (progan_ms_ssim, 16)],
    )
    def test_smallest(self, measure, smallest):
        real, fake = _pair((smallest, smallest + 1, 1))
        assert np.isfinite(measure(real=real, fake=fake))
        if smallest > 1:
            with pytest.raises(ValueError, match=f"{smallest} pixels at least"):
                measure(real=real[1:], fake=fake[1:])

    def test_progan_on_mnist_size(self):
        real, fake = _pair((28, 28, 1))
        # 28, 14, 7, 3 and 1 px: the last one is its own window.
        assert 0.5 < progan_ms_ssim(real=real, fake=fake) < 1

    def test_odd_sizes_are_padded_in_front_as_pytorch_does(self):
        image = np.arange(15.0).reshape(3, 5, 1)
        halved = similarity._halve_padded(image)[..., 0]
        # Zeros above and to the left, counted in the mean.
        np.testing.assert_allclose(
            halved,
            [[0 / 4, 3 / 4, 7 / 4], [15 / 4, 36 / 4, 44 / 4]],
        )


class TestLuma:
    @pytest.mark.parametrize(
        "rgb, y",
        [
            ((0, 0, 0), 16.0),
            ((255, 255, 255), 235.0),
            ((255, 0, 0), 81.481),
            ((0, 255, 0), 144.553),
            ((0, 0, 255), 40.966),
        ],
    )
    def test_matlab(self, rgb, y):
        value = similarity.luma(np.array(rgb, "float64"))
        np.testing.assert_allclose(value, [y], rtol=1e-12)


class TestDiversity:
    def test_a_collapsed_generator_has_one(self):
        real, _ = _pair((1, 32, 32, 3))
        assert ms_ssim_diversity(real.repeat(6, axis=0)) == pytest.approx(1.0)

    def test_the_last_odd_image_is_left_out(self, golden):
        images = golden["batch/real"]
        assert ms_ssim_diversity(images[:5]) == ms_ssim_diversity(images[:4])

    def test_one_image_has_no_pair(self, golden):
        with pytest.raises(ValueError, match="two images"):
            ms_ssim_diversity(golden["batch/real"][:1])


def test_psnr_by_hand():
    real = np.zeros((4, 4, 1), "uint8")
    fake = real + np.uint8(10)
    assert psnr(real=real, fake=fake) == pytest.approx(
        20 * np.log10(255 / 10), abs=1e-12
    )
