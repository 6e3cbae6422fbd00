"""The Inception network of 2015 against those who publish its numbers.

With pseudo-random weights: `inception_weight_checks` tells whether they are
the same ones.
"""

import copy
import pathlib

import numpy as np
import pseudo_weights
import pytest
from keras import ops

from kerasgan import features, pictures
from kerasgan.cli.main import main
from kerasgan.features import inception
from kerasgan.features.weights import assign
from kerasgan.metrics import records
from kerasgan.metrics.frechet import frechet_distance
from kerasgan.metrics.kernel import kernel_distance
from kerasgan.metrics.neighbours import precision_recall
from kerasgan.metrics.scores import inception_score

FOLDER = pathlib.Path(__file__).parent / "golden"
GOLDEN = np.load(FOLDER / "inception.npz")
RUN = np.load(FOLDER / "inception_e2e.npz")
CHECKS = np.load(FOLDER / "inception_weight_checks.npz")
# Relative to the greatest value of a tap.
TOLERANCES = {
    "64": 5e-6,
    "192": 5e-6,
    "768": 2e-4,
    "2048": 2e-4,
    "logits_unbiased": 2e-4,
    "logits": 2e-4,
    "sfid": 2e-4,
}


@pytest.fixture(scope="module")
def state():
    shapes = [
        tuple(int(n) for n in text.strip("()").split(",") if n.strip())
        for text in CHECKS["shapes"]
    ]
    return pseudo_weights.state(
        "inception", dict(zip(CHECKS["names"], shapes, strict=True))
    )


@pytest.fixture(scope="module")
def file(state, tmp_path_factory):
    """A file of our own with the pseudo-random weights."""
    path = tmp_path_factory.mktemp("inception") / "pseudo.weights.h5"
    model = inception.build()
    assign(model, inception.from_torch(state))
    model.save_weights(path)
    return path


@pytest.fixture(scope="module")
def pseudo(file):
    """Resize protocol -> the network; all share one compiled model."""
    network = features.load("inception_2015", file)

    def of(resize):
        other = copy.copy(network)
        other.resize = resize
        return other

    return of


def _assert_near(values, expected, tolerance):
    expected = np.asarray(expected, "float64")
    np.testing.assert_allclose(
        values, expected, rtol=0, atol=tolerance * np.abs(expected).max()
    )


def test_the_weights_are_those_of_the_golden_files(state):
    for name, (total, squares, *first) in zip(
        CHECKS["names"], CHECKS["sum_sumsq_first3"], strict=True
    ):
        array = state[name].astype("float64").ravel()
        # A centred kernel's sum is nothing but rounding.
        rounding = 1e-12 * np.abs(array).sum()
        assert array.sum() == pytest.approx(total, rel=1e-12, abs=rounding)
        assert np.sum(array**2) == pytest.approx(squares, rel=1e-12)
        np.testing.assert_array_equal(array[:3], first[: len(array)])


class TestNumbers:
    @pytest.mark.parametrize("index", [0, 3, 4])
    def test_legacy_tf(self, pseudo, index):
        image = GOLDEN[f"img{index}/uint8"][None]
        found = pseudo("legacy_tf").features(image, TOLERANCES, 1)
        assert set(found) == set(TOLERANCES)
        for tap, tolerance in TOLERANCES.items():
            for column in ("legacy_tf", "legacy_tf_f64"):
                expected = GOLDEN[f"img{index}/{column}/{tap}"]
                assert found[tap].dtype == np.float32
                _assert_near(found[tap][0], expected, tolerance)

    @pytest.mark.parametrize("index", [1, 2])
    def test_legacy_torch(self, pseudo, index):
        image = GOLDEN[f"img{index}/uint8"][None]
        taps = ["64", "192", "768", "2048"]
        found = pseudo("legacy_torch").features(image, taps, 1)
        for tap in taps:
            expected = GOLDEN[f"img{index}/legacy_torch/{tap}"]
            _assert_near(found[tap][0], expected, TOLERANCES[tap])
        other = GOLDEN[f"img{index}/legacy_torch_cleanfid/2048"]
        _assert_near(found["2048"][0], other, TOLERANCES["2048"])

    @pytest.mark.parametrize("index", [2, 3])
    def test_clean(self, pseudo, index):
        image = GOLDEN[f"img{index}/uint8"][None]
        found = pseudo("clean").features(image, "2048", 1)["2048"][0]
        for column in ("clean", "clean_f64"):
            expected = GOLDEN[f"img{index}/{column}/2048"]
            _assert_near(found, expected, TOLERANCES["2048"])

    def test_protocols_differ_by_more_than_their_tolerance(self):
        ours, theirs = (
            GOLDEN[f"img0/{protocol}/2048"]
            for protocol in ("legacy_tf", "clean")
        )
        assert np.abs(ours - theirs).max() > 0.01 * np.abs(ours).max()


class TestFeatures:
    def test_one_image_depends_on_no_other(self, pseudo):
        images = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3))
        images = images.astype("uint8")
        network = pseudo("legacy_tf")
        whole, parts = (
            network.features(images, "192", size)["192"] for size in (3, 2)
        )
        _assert_near(parts, whole, 1e-6)
        (alone,) = network.features(images[2:], "192", 2)["192"]
        np.testing.assert_array_equal(alone, parts[2])

    def test_only_what_the_taps_need_is_computed(self, pseudo):
        network = pseudo("legacy_tf")
        network.features(np.zeros((1, 8, 8, 3), "uint8"), "64", 1)
        assert len(network._model_of(("64",)).weights) == 3 * 5
        assert network.dimensions == {
            tap: GOLDEN[f"img0/legacy_tf/{tap}"].shape[0] for tap in TOLERANCES
        }

    def test_grey_and_transparent_images(self, pseudo):
        grey = np.arange(64, dtype="uint8").reshape(1, 8, 8, 1) * 4
        rgb = grey.repeat(3, -1)
        half = np.concatenate([rgb, np.full_like(grey, 128)], -1)
        over_white = np.round(rgb * (128 / 255) + 255 * (127 / 255))
        network = pseudo("legacy_tf")
        for images, same in (
            (grey, rgb),
            (half, over_white.astype("uint8")),
        ):
            np.testing.assert_array_equal(
                network.features(images, "64", 1)["64"],
                network.features(same, "64", 1)["64"],
            )

    @pytest.mark.parametrize(
        "images",
        [
            np.zeros((1, 8, 8, 3)),
            np.zeros((1, 8, 8, 3), "int32"),
            np.zeros((8, 8, 3), "uint8"),
            np.zeros((0, 8, 8, 3), "uint8"),
            np.zeros((1, 8, 8, 2), "uint8"),
        ],
        ids=["floats", "int32", "one_image", "none", "two_channels"],
    )
    def test_images_of_another_kind(self, pseudo, images):
        with pytest.raises(ValueError, match="`images` must .* Received: im"):
            pseudo("legacy_tf").features(images, "64", 1)

    def test_unknown_names(self, pseudo):
        with pytest.raises(ValueError, match="Did you mean 'logits'"):
            pseudo("clean").features(np.zeros((1, 8, 8, 3), "uint8"), ["logit"])
        with pytest.raises(ValueError, match="Did you mean 'legacy_tf'"):
            features.load("inception_2015", resize="legacytf")
        with pytest.raises(ValueError, match="Did you mean 'inception_2015'"):
            features.load("inception")


class TestWeights:
    def test_graph_and_state_dict_give_the_same(self, state, pseudo):
        constants = {
            "softmax/weights": state["fc.weight"].T,
            "softmax/biases": state["fc.bias"],
        }
        names = {
            "gamma": "weight",
            "beta": "bias",
            "moving_mean": "running_mean",
            "moving_variance": "running_var",
        }
        for unit, scope in inception.SCOPES.items():
            kernel = state[f"{unit}.conv.weight"].transpose(2, 3, 1, 0)
            constants[f"{scope}/conv2d_params"] = kernel
            for name, theirs in names.items():
                constants[f"{scope}/batchnorm/{name}"] = state[
                    f"{unit}.bn.{theirs}"
                ]
        assert len(inception.SCOPES) == len(set(inception.SCOPES.values()))
        assert len(inception.SCOPES) == 94
        by_graph = inception.from_graph(constants)
        for weight in pseudo("clean").model.weights:
            np.testing.assert_array_equal(
                by_graph[weight.path], ops.convert_to_numpy(weight)
            )

    def test_saved_weights_keep_their_hash(self, pseudo, tmp_path):
        path = tmp_path / "copy.weights.h5"
        pseudo("clean").save_weights(path)
        assert [file.name for file in tmp_path.iterdir()] == [path.name]
        model = inception.build()
        model.load_weights(path)
        copied = copy.copy(pseudo("clean"))
        copied.model, copied._sha256 = model, None
        assert copied.weights_sha256 == pseudo("clean").weights_sha256
        first = model.weights[0]
        first.assign(first + 1e-6)
        copied._sha256 = None
        assert copied.weights_sha256 != pseudo("clean").weights_sha256

    def test_description(self, pseudo):
        said = pseudo("clean").describe()
        assert said["name"] == "inception_2015"
        assert said["resize"] == "clean"
        assert len(said["weights_sha256"]) == 64


@pytest.fixture(scope="module")
def seen(pseudo):
    taps = ["2048", "sfid", "logits_unbiased"]
    return {
        side: pseudo("legacy_tf").features(RUN[name], taps, 4)
        for side, name in (("real", "real_uint8"), ("fake", "gen_uint8"))
    }


class TestWholeRun:
    """From images to numbers, against torch-fidelity's whole run."""

    @staticmethod
    def _sides(seen, tap):
        return {side: seen[side][tap] for side in ("real", "fake")}

    def test_means_of_features(self, seen):
        for side, name in (("real", "real"), ("fake", "gen")):
            mean = seen[side]["2048"].mean(axis=0)
            _assert_near(mean, RUN[f"{name}_pool3_mean"], 2e-4)

    @pytest.mark.parametrize("tap, name", [("2048", "fid"), ("sfid", "sfid")])
    def test_frechet_distances(self, seen, tap, name):
        value = frechet_distance(**self._sides(seen, tap))
        assert value == pytest.approx(float(RUN[f"exact_svd/{name}"]), rel=1e-4)

    def test_inception_score(self, seen):
        mean, deviation = inception_score(
            logits=seen["fake"]["logits_unbiased"], splits=4, seed=2020
        )
        expected = float(RUN["float64/inception_score_mean"])
        assert mean == pytest.approx(expected, rel=1e-5)
        expected = float(RUN["float64/inception_score_std"])
        assert deviation == pytest.approx(expected, abs=1e-5)

    def test_kernel_distance(self, seen):
        mean, deviation = kernel_distance(
            **self._sides(seen, "2048"),
            subsets=20,
            subset_size=12,
            seed=2020,
        )
        of = "float64/kernel_inception_distance"
        assert mean == pytest.approx(float(RUN[f"{of}_mean"]), rel=1e-3)
        assert deviation == pytest.approx(float(RUN[f"{of}_std"]), rel=1e-3)

    def test_precision_and_recall(self, seen):
        found = precision_recall(**self._sides(seen, "2048"), neighbours=3)
        for name, count in (("precision", 24), ("recall", 20)):
            expected = float(RUN[f"float64/{name}"])
            one_sample = 1 / count + 1e-6
            assert getattr(found, name) == pytest.approx(
                expected, abs=one_sample
            )


@pytest.mark.slow
def test_evaluate_gives_the_same_numbers_from_two_folders(file, tmp_path):
    for side, name in (("real", "real_uint8"), ("fake", "gen_uint8")):
        (tmp_path / side).mkdir()
        for index, image in enumerate(RUN[name]):
            pictures.save(tmp_path / side / f"{index:02d}.png", image)
    output = tmp_path / "out.json"
    words = [
        "evaluate",
        f"--real={tmp_path / 'real'}",
        f"--fake={tmp_path / 'fake'}",
        "--metrics=fid24,sfid24,inception_pr24,is24",
        f"--weights=inception_2015={file}",
        f"--statistics={tmp_path / 'statistics'}",
        f"--output={output}",
        "--allow_small",
    ]
    assert main(words) == 0
    fid, sfid, precision_and_recall, score = records.read(output)
    for record, name in ((fid, "fid"), (sfid, "sfid")):
        expected = float(RUN[f"exact_svd/{name}"])
        assert record.value == pytest.approx(expected, rel=1e-4)
        assert "covariances are singular" in record.flags[0]
    expected = float(RUN["float64/precision"])
    assert precision_and_recall.value == pytest.approx(expected, abs=1 / 23)
    assert score.real is None and score.value > 1
    assert fid.features["resize"] == "legacy_tf"
    assert "not known to be the published ones" in " ".join(fid.flags)
    assert (fid.real["count"], fid.fake["count"]) == (20, 24)
