"""VGG16's last hidden layer, and LPIPS, against their own packages."""

import math
import pathlib

import keras
import numpy as np
import pseudo_weights
import pytest
from keras import ops

from kerasgan import features, gradients
from kerasgan.features import lpips as lpips_file
from kerasgan.features import torch_files, vgg
from kerasgan.features import weights as weight_files
from kerasgan.metrics import perceptual

FOLDER = pathlib.Path(__file__).parent / "golden"
FC2 = np.load(FOLDER / "vgg16_fc2.npz")
GOLDEN = np.load(FOLDER / "lpips.npz")
PAIRS = ["pair_a", "pair_b", "pair_c", "pair_d"]


def _convolutions(place):
    """PyTorch's names and shapes of VGG16's convolutions."""
    shapes, channels = {}, 3
    for stage, (width, numbers) in enumerate(vgg.STAGES, 1):
        for number in numbers:
            name = place.format(stage=stage, number=number)
            shapes[f"{name}.weight"] = (width, channels, 3, 3)
            shapes[f"{name}.bias"] = (width,)
            channels = width
    return shapes


@pytest.fixture(scope="module")
def state():
    shapes = _convolutions("net.slice{stage}.{number}")
    for number, (width, _) in enumerate(vgg.STAGES):
        shapes[f"lin{number}.model.1.weight"] = (1, width, 1, 1)
    return pseudo_weights.state("lpips-vgg", shapes)


@pytest.fixture(scope="module")
def network(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("lpips") / "pseudo.pth"
    path.write_bytes(b"PK")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_files, "read", lambda path: state)
        return features.load("lpips_vgg", path)


def _pair(name):
    return {
        side: GOLDEN[f"{name}/{letter}"][None]
        for side, letter in (("real", "x"), ("fake", "y"))
    }


class TestLPIPS:
    def test_the_weights_are_those_of_the_golden_file(self, state):
        assert set(state) == set(GOLDEN["vgg/keys"])
        for name, (_, squares) in zip(
            GOLDEN["vgg/keys"], GOLDEN["vgg/key_checks"], strict=True
        ):
            total = np.sum(state[name].astype("float64") ** 2)
            assert total == pytest.approx(squares, rel=1e-12)

    @pytest.mark.parametrize("name", PAIRS)
    def test_equals_the_package(self, network, name):
        pair = _pair(name)
        expected = GOLDEN[f"vgg/float64/{name}"]
        value = perceptual.lpips(**pair, network=network, batch_size=1)
        np.testing.assert_allclose(value, expected[:1], rtol=1e-4)
        floats = {side: network.prepare(pair[side]) for side in pair}
        terms = network.terms(**floats)
        np.testing.assert_allclose(terms[0], expected[1:], rtol=1e-4)
        other = GOLDEN[f"torch_fidelity/resizeNone/{name}"]
        np.testing.assert_allclose(value, [other], rtol=1e-4)

    def test_features_are_what_the_terms_are_distances_of(self, network):
        pair = _pair("pair_d")
        taps = [f"relu{number}" for number in range(1, 6)]
        both = np.concatenate([pair["real"], pair["fake"]])
        found = network.features(both, taps, batch_size=2)
        terms = [np.sum((a - b) ** 2) for a, b in found.values()]
        expected = GOLDEN["vgg/float64/pair_d"][1:]
        np.testing.assert_allclose(terms, expected, rtol=1e-4)

    def test_pairs_in_batches(self, network):
        rng = np.random.default_rng(0)
        real, fake = rng.integers(0, 256, (2, 5, 16, 24, 1)).astype("uint8")
        values = perceptual.lpips(
            real=real, fake=fake, network=network, batch_size=2
        )
        turned = perceptual.lpips(
            real=fake / 127.5 - 1, fake=real / 127.5 - 1, network=network
        )
        assert values.shape == (5,)
        assert len(set(values)) == 5
        np.testing.assert_allclose(values, turned, rtol=1e-5)
        same = perceptual.lpips(real=real, fake=real, network=network)
        np.testing.assert_array_equal(same, np.zeros(5))

    def test_gradients_pass_even_where_nothing_is_active(self, network):
        fake = np.zeros((1, 16, 16, 3), "float32")
        real = fake + 0.5
        slopes = gradients.of_inputs(
            lambda image: network.distance(real=real, fake=image),
            ops.convert_to_tensor(fake),
        )
        slopes = np.array(slopes)
        assert np.all(np.isfinite(slopes))
        step = 1e-2 * slopes / np.linalg.norm(slopes)
        before, after = (
            float(network.distance(real=real, fake=image)[0])
            for image in (fake, fake - step)
        )
        assert after < before

    @pytest.mark.parametrize(
        "real, fake, message",
        [
            (np.zeros((1, 16, 16, 3)), np.zeros((2, 16, 16, 3)), "one shape"),
            (np.zeros((1, 16, 16, 3)), np.full((1, 16, 16, 3), 9.0), "`fake`"),
            (np.zeros((1, 16, 16, 2)), np.zeros((1, 16, 16, 2)), "`real`"),
            (np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 3)), "16 px"),
            (np.full((1, 16, 16, 3), np.nan),) * 2 + ("`real`",),
            (np.zeros((1, 16, 16, 3), "int32"),) * 2 + ("uint8",),
        ],
        ids=["shapes", "range", "channels", "small", "nan", "integers"],
    )
    def test_images_of_another_kind(self, network, real, fake, message):
        with pytest.raises(ValueError, match=message):
            perceptual.lpips(real=real, fake=fake, network=network)

    def test_two_files_or_one(self, network, state, tmp_path, monkeypatch):
        """The published linear layers come without VGG16's."""
        alone = {k: v for k, v in state.items() if k.startswith("lin")}
        whole = {
            f"features.{name.split('.', 2)[2]}": array
            for name, array in state.items()
            if name.startswith("net")
        }
        files = {"lin.pth": alone, "vgg.pth": whole}
        for name in files:
            (tmp_path / name).write_bytes(b"PK")
        monkeypatch.setattr(
            torch_files, "read", lambda path: files[pathlib.Path(path).name]
        )
        monkeypatch.setenv(vgg.WEIGHTS.variable, str(tmp_path / "vgg.pth"))
        other = features.load("lpips_vgg", tmp_path / "lin.pth")
        assert other.weights_sha256 == network.weights_sha256
        alone["lin2.model.1.weight"] = -alone["lin2.model.1.weight"]
        with pytest.raises(ValueError, match="must not be negative"):
            features.load("lpips_vgg", tmp_path / "lin.pth")


def test_vgg16_fc2_equals_torch_fidelity(tmp_path, monkeypatch):
    shapes = _convolutions("features.{number}")
    for name, inputs in (("classifier.0", 25088), ("classifier.3", 4096)):
        shapes[f"{name}.weight"] = (4096, inputs)
        shapes[f"{name}.bias"] = (4096,)
    path = tmp_path / "vgg16.pth"
    path.write_bytes(b"PK")
    monkeypatch.setattr(
        torch_files,
        "read",
        lambda path: pseudo_weights.state("vgg16", shapes),
    )
    network = features.load("vgg16_fc2", path)
    assert network.dimensions == {"fc2": 4096, "fc2_relu": 4096}
    count = sum(math.prod(shape) for shape in shapes.values())
    assert network.model.count_params() == count
    for index in (0, 3):
        image = FC2[f"img{index}/uint8"][None]
        found = network.features(image, ["fc2", "fc2_relu"], 1)
        for tap, values in found.items():
            expected = FC2[f"img{index}/{tap}"]
            np.testing.assert_allclose(
                values[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max()
            )


def test_an_unusual_policy_does_not_reach_the_networks():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = lpips_file._build()
        weight_files.assign(
            model,
            {w.path: np.full(w.shape, 0.01, "float32") for w in model.weights},
        )
        low = model(np.full((1, 16, 16, 3), 0.3, "float32"))
    finally:
        keras.config.set_dtype_policy(before)
    high = model(np.full((1, 16, 16, 3), 0.3, "float32"))
    for tap in high:
        np.testing.assert_array_equal(low[tap], high[tap])
