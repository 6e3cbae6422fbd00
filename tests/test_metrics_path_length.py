"""Path length: torch-fidelity's and NVIDIA's numbers, and known paths."""

import pathlib
import sys
import types

import numpy as np
import pytest
from keras import ops

from kerasgan import features
from kerasgan.features import lpips as lpips_file
from kerasgan.features import vgg
from kerasgan.features import weights as weight_files
from kerasgan.features.resizing import resize
from kerasgan.metrics.path_length import (
    INTERPOLATIONS,
    LATENTS,
    lerp,
    normal_latents,
    perceptual_path_length,
    positive_unit_latents,
    slerp,
    trimmed,
    unit_latents,
    unit_slerp,
)
from kerasgan.metrics.perceptual import lpips
from tests import pseudo_weights

GOLDEN = pathlib.Path(__file__).parent / "golden" / "ppl.npz"


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


class TestGolden:
    @pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 1.0])
    @pytest.mark.parametrize(
        "ours, theirs",
        [
            (lerp, "lerp"),
            (slerp, "slerp_any"),
            (unit_slerp, "slerp_unit"),
        ],
    )
    def test_torch_fidelity_interpolates(self, golden, ours, theirs, share):
        # Rows 1 to 3 are parallel, opposite, and zero.
        found = ours(golden["interp/a"], golden["interp/b"], share)
        expected = golden[f"interp/torch_fidelity_{theirs}_t{share}"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)

    @pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 1.0])
    def test_nvidia_interpolates(self, golden, share):
        a, b = (golden[f"interp/{which}"][[0, 4, 5]] for which in "ab")
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
        expected = golden[f"interp/nvidia_slerp_rows045_t{share}"]
        np.testing.assert_allclose(
            unit_slerp(a, b, share), expected, rtol=0, atol=1e-9
        )

    @pytest.mark.parametrize(
        "draw, name",
        [(normal_latents, "normal"), (positive_unit_latents, "unit")],
    )
    def test_noise(self, golden, draw, name):
        found = draw(np.random.RandomState(2020), (4, 5))
        assert found.dtype == np.float32
        expected = golden[f"noise/{name}_seed2020"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)

    @pytest.mark.parametrize("count", [1000, 337, 50])
    def test_trimming(self, golden, count):
        kept = trimmed(golden[f"trim/n{count}/distances"])
        assert len(kept) == golden[f"trim/n{count}/kept"]
        np.testing.assert_array_equal(
            [kept.min(), kept.max()], golden[f"trim/n{count}/lo_hi"]
        )
        assert kept.mean(dtype="float64") == pytest.approx(
            golden[f"trim/n{count}/nvidia_ppl"], rel=1e-6
        )


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """LPIPS-VGG with the pseudo-random weights of the golden files."""
    shapes, before = {}, 3
    for stage, (width, numbers) in enumerate(vgg.STAGES, 1):
        for number in numbers:
            key = f"net.slice{stage}.{number}"
            shapes[f"{key}.weight"] = (width, before, 3, 3)
            shapes[f"{key}.bias"] = (width,)
            before = width
        shapes[f"lin{stage - 1}.model.1.weight"] = (1, width, 1, 1)
    state = pseudo_weights.state("lpips-vgg", shapes)
    path = tmp_path_factory.mktemp("lpips") / "pseudo.weights.h5"
    model = lpips_file._build()
    weight_files.assign(model, lpips_file._from_torch(state, None))
    model.save_weights(path)
    return features.load("lpips_vgg", path)


def _end_to_end():
    """Cases of the golden file; two of them are run every time."""
    for interpolation in ("lerp", "slerp_any"):
        for epsilon in (0.1, 0.01):
            for size in (None, 64):
                name = f"{interpolation}_eps{epsilon}_resize{size}"
                fast = size is None and (epsilon == 0.1) == (
                    interpolation == "lerp"
                )
                yield pytest.param(
                    interpolation.removesuffix("_any"),
                    epsilon,
                    size,
                    id=name,
                    marks=[] if fast else [pytest.mark.slow],
                )


@pytest.mark.parametrize("interpolation, epsilon, size", list(_end_to_end()))
def test_torch_fidelity_end_to_end(
    golden, network, interpolation, epsilon, size, request
):
    kernel, bias = (
        (0.5 * pseudo_weights.unit(f"lpips/gen/{which}", shape)).astype("f4")
        for which, shape in (("W", (8, 1728)), ("b", (1728,)))
    )
    seen, lengths = [], []

    def generate(latents):
        seen.append(latents)
        images = np.tanh(latents @ kernel + bias).reshape(-1, 3, 24, 24)
        return images.transpose(0, 2, 3, 1)

    def distance(before, after):
        if size:
            before, after = (
                np.asarray(resize(images, size, "legacy_torch"))
                for images in (before, after)
            )
        found = lpips(real=before, fake=after, network=network)
        lengths.append(found.astype("float64") / epsilon**2)
        return found

    result = perceptual_path_length(
        generate,
        distance,
        latent_size=8,
        count=150,
        interpolation=interpolation,
        epsilon=epsilon,
        seed=2020,
        batch_size=50,
    )
    np.testing.assert_allclose(
        np.concatenate(seen[::2]), golden["end_to_end/z0"], atol=1e-9
    )
    key = f"end_to_end/{request.node.callspec.id}"
    tolerance = 1e-4 if epsilon == 0.1 else 1e-3
    assert result.mean == pytest.approx(golden[f"{key}/mean"], rel=tolerance)
    assert result.standard_deviation == pytest.approx(
        golden[f"{key}/std"], rel=tolerance
    )
    kept = golden[f"{key}/kept_distances"]
    np.testing.assert_allclose(
        trimmed(np.concatenate(lengths)), kept, atol=tolerance * kept.max()
    )


def _squared(before, after):
    return np.sum((after - before) ** 2, axis=1)


class TestKnownPaths:
    def test_a_straight_line(self):
        kernel = np.random.default_rng(0).normal(size=(3, 5))
        starts, ends = (
            np.random.RandomState(7).randn(2, 400, 3).astype("float32")
        )
        lengths = np.sum(((ends - starts).astype("f8") @ kernel) ** 2, axis=1)
        kept = trimmed(lengths)
        # Of a straight path every step of every size has the same speed.
        for epsilon, sampling in ((1e-4, "end"), (0.3, "full")):
            result = perceptual_path_length(
                lambda latents: latents @ kernel,
                _squared,
                latent_size=3,
                count=400,
                interpolation="lerp",
                epsilon=epsilon,
                sampling=sampling,
                seed=7,
                dtype="float64",
            )
            np.testing.assert_allclose(
                result, [kept.mean(), kept.std()], rtol=1e-6
            )

    def test_an_arc_of_the_unit_circle(self):
        starts, ends = np.random.RandomState(0).randn(2, 300, 2)
        starts, ends = starts.astype("float32"), ends.astype("float32")
        angles = np.arctan2(starts[:, 1], starts[:, 0]) - np.arctan2(
            ends[:, 1], ends[:, 0]
        )
        angles = np.abs((angles + np.pi) % (2 * np.pi) - np.pi)
        result = perceptual_path_length(
            lambda latents: latents,
            _squared,
            latent_size=2,
            count=300,
            interpolation="unit_slerp",
            latents="unit",
            epsilon=1e-4,
            dtype="float64",
        )
        expected = trimmed(angles.astype("float64") ** 2).mean()
        assert result.mean == pytest.approx(expected, rel=1e-4)

    def test_steps_of_uint8_measure_the_rounding(self):
        def path(generate):
            return perceptual_path_length(
                generate, _squared, latent_size=4, count=200, dtype="float64"
            ).mean

        assert path(lambda z: np.round(127.5 * z) / 127.5) > 20 * path(
            lambda z: z
        )


class TestDraws:
    def _run(self, generate=lambda latents: latents, **options):
        options = {"latent_size": 4, "count": 90, **options}
        return perceptual_path_length(generate, _squared, **options)

    @pytest.mark.parametrize("sampling", ["end", "full"])
    def test_the_batch_size_does_not_matter(self, sampling):
        results = [
            self._run(batch_size=size, sampling=sampling, epsilon=0.1)
            for size in (7, 90, 100)
        ]
        np.testing.assert_allclose(results[1:], results[:1] * 2, rtol=1e-9)

    def test_deterministic_by_seed(self):
        assert self._run() == self._run()
        assert self._run() != self._run(seed=1)
        assert self._run(sampling="full") != self._run()

    def test_labels_stay_with_their_paths(self):
        labels = np.arange(90)
        seen = []

        def generate(latents, labels):
            seen.append(labels)
            return latents

        self._run(generate, labels=labels, batch_size=40)
        np.testing.assert_array_equal(np.concatenate(seen[::2]), labels)
        np.testing.assert_array_equal(np.concatenate(seen[1::2]), labels)

    def test_latents_of_a_function(self):
        def mapped(random, shape):
            return ops.convert_to_tensor(random.rand(*shape) + 5.0, "float32")

        seen = []

        def generate(latents):
            seen.append(latents)
            return latents

        self._run(generate, latents=mapped, interpolation="lerp")
        seen = np.concatenate(seen)
        assert seen.dtype == np.float32
        assert 5 <= seen.min() and seen.max() <= 6

    @pytest.mark.parametrize("name", LATENTS)
    def test_named_latents(self, name):
        found = LATENTS[name](np.random.RandomState(0), (4000, 3))
        assert found.shape == (4000, 3)
        mean = {"positive_unit": 0.54}.get(name, 0.0)
        np.testing.assert_allclose(found.mean(axis=0), 3 * [mean], atol=0.05)
        if name != "normal":
            lengths = np.linalg.norm(found, axis=1)
            np.testing.assert_allclose(lengths, 1.0, rtol=1e-6)

    @pytest.mark.parametrize("interpolation", INTERPOLATIONS)
    def test_a_share_for_each_row(self, interpolation):
        rng = np.random.default_rng(0)
        start, end = rng.normal(size=(2, 6, 3))
        shares = rng.uniform(size=(6, 1))
        function = INTERPOLATIONS[interpolation]
        rows = [
            function(start[i : i + 1], end[i : i + 1], shares[i, 0])
            for i in range(6)
        ]
        np.testing.assert_allclose(
            function(start, end, shares), np.concatenate(rows), rtol=1e-12
        )

    def test_unit_latents_cover_the_sphere(self):
        found = unit_latents(np.random.RandomState(0), (1000, 3))
        assert len(np.unique(np.sign(found), axis=0)) == 8

    def test_lpips_unless_told_otherwise(self, monkeypatch):
        def stand_in(*, real, fake):
            return _squared(real, fake)

        module = types.SimpleNamespace(lpips=stand_in)
        name = "kerasgan.metrics.perceptual"
        monkeypatch.setitem(sys.modules, name, module)
        result = perceptual_path_length(
            lambda latents: latents, latent_size=4, count=90
        )
        assert result == self._run()

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"interpolation": "slurp"}, "Did you mean 'slerp'"),
            ({"sampling": "ends"}, "Did you mean 'end'"),
            ({"latents": "uniform"}, "must be one of normal"),
            ({"epsilon": 0.0}, "`epsilon` and `count` must be above 0"),
            ({"count": 0}, "`epsilon` and `count` must be above 0"),
        ],
    )
    def test_mistakes(self, options, message):
        with pytest.raises(ValueError, match=message):
            self._run(**options)

    def test_one_distance_for_each_pair(self):
        with pytest.raises(ValueError, match="one number for each pair"):
            perceptual_path_length(
                lambda latents: latents,
                lambda before, after: 0.0,
                latent_size=4,
                count=90,
            )
