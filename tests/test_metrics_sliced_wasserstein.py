"""The sliced Wasserstein distance against ProGAN's own code."""

import importlib
import pathlib

import numpy as np
import pytest
import scipy.stats
from keras import ops

from kerasgan.metrics.wasserstein import (
    distance_along,
    laplacian_pyramid,
    level_sizes,
    normalised,
    patches,
    sliced_wasserstein,
)

# The file, whatever the package calls by its name.
module = importlib.import_module("kerasgan.metrics.wasserstein")

GOLDEN = pathlib.Path(__file__).parent / "golden" / "swd.npz"


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


def _small_patches(golden, which, level):
    """The patches of the `small` case, normalised."""
    pyramid = laplacian_pyramid(golden[which], 2)
    key = f"small/{which}/level{level}"
    rows, columns = golden[f"{key}/centre_y"], golden[f"{key}/centre_x"]
    return normalised(patches(pyramid[level], rows, columns))


class TestGolden:
    def test_one_minibatch(self, golden):
        result = sliced_wasserstein(
            real=golden["real"], fake=golden["fake"], seed=6
        )
        np.testing.assert_allclose(
            [*result.levels, result.mean],
            golden["api/reals_vs_fakes"],
            rtol=1e-5,
        )
        assert type(result.mean) is float

    def test_two_minibatches(self, golden):
        result = sliced_wasserstein(
            real=golden["real"], fake=golden["fake"], seed=7, batch_size=6
        )
        np.testing.assert_allclose(
            [*result.levels, result.mean],
            golden["api/two_minibatches_reals_vs_fakes"],
            rtol=1e-5,
        )

    def test_resolutions(self, golden):
        sizes = [height for height, _ in level_sizes(32, 32)]
        assert sizes == list(golden["api/resolutions"])

    @pytest.mark.parametrize("level", [0, 1])
    def test_pyramid(self, golden, level):
        np.testing.assert_array_equal(
            laplacian_pyramid(golden["real"], 2)[level][0],
            golden[f"pyramid_real0/level{level}"],
        )

    @pytest.mark.parametrize("level", [0, 1])
    def test_patches(self, golden, level):
        np.testing.assert_allclose(
            _small_patches(golden, "real", level)[:4],
            golden[f"small/real/level{level}/descriptor_first4"],
            atol=2e-6,
        )

    @pytest.mark.parametrize("level", [0, 1])
    def test_given_draws(self, golden, level):
        distance = distance_along(
            real=_small_patches(golden, "real", level),
            fake=_small_patches(golden, "fake", level),
            directions=[
                golden[f"small/level{level}/normal_draws_repeat{repeat}"]
                for repeat in (0, 1)
            ],
        )
        np.testing.assert_allclose(
            1000 * distance, golden["small/swd_x1000_per_level"][level], 1e-5
        )

    @pytest.mark.parametrize("level", [0, 1])
    def test_patches_and_themselves(self, golden, level):
        same = _small_patches(golden, "real", level)
        draws = golden[f"small/level{level}/normal_draws_repeat0"]
        distance = distance_along(real=same, fake=same, directions=[draws])
        assert distance == golden["api/reals_vs_reals"][level]


class TestDistance:
    @pytest.mark.parametrize("counts", [(7, 7), (7, 5), (4, 12), (1, 9)])
    def test_one_dimension(self, counts):
        rng = np.random.default_rng(0)
        real, fake = (rng.normal(size=(n, 1)).astype("f4") for n in counts)
        distance = distance_along(
            real=real, fake=fake, directions=[np.array([[-3.0, 0.5]])]
        )
        expected = scipy.stats.wasserstein_distance(real[:, 0], fake[:, 0])
        assert distance == pytest.approx(expected, rel=1e-6)

    def test_repeated_rows_change_nothing(self):
        rng = np.random.default_rng(0)
        real, fake = rng.normal(size=(2, 6, 3)).astype("float32")
        draws = [rng.normal(size=(3, 20))]
        assert distance_along(
            real=real, fake=fake, directions=draws
        ) == pytest.approx(
            distance_along(
                real=real, fake=np.repeat(fake, 3, axis=0), directions=draws
            ),
            rel=1e-6,
        )


class TestPyramid:
    @pytest.mark.parametrize("size", [(32, 48), (35, 51), (64, 17)])
    def test_levels_give_the_image_back(self, size):
        images = np.random.default_rng(0).uniform(size=(2, *size, 1))
        sizes = level_sizes(*size)
        pyramid = laplacian_pyramid(images, len(sizes))
        assert [level.shape[1:3] for level in pyramid] == sizes
        image = pyramid[-1]
        for finer in reversed(pyramid[:-1]):
            enlarged = np.zeros_like(finer)
            enlarged[:, ::2, ::2] = 4 * image
            image = finer + module._blurred(enlarged)
        np.testing.assert_allclose(image, images, atol=1e-6)

    def test_flat_images_are_their_last_level(self):
        images = np.full((1, 64, 64, 3), 7.0)
        *bands, rest = laplacian_pyramid(images, 3)
        assert all(np.abs(band).max() < 1e-5 for band in bands)
        np.testing.assert_allclose(rest, 7.0, rtol=1e-6)


class TestImages:
    def test_memory_is_saved_without_a_trace(self, golden, monkeypatch):
        pair = {"real": golden["real"], "fake": golden["fake"][:7]}
        expected = sliced_wasserstein(**pair)
        monkeypatch.setattr(module, "_CHUNK", 5)
        monkeypatch.setattr(module, "_BLOCK", 50)
        np.testing.assert_allclose(
            sliced_wasserstein(**pair).levels, expected.levels, rtol=1e-6
        )

    def test_deterministic_by_seed(self, golden):
        pair = {"real": golden["real"][:3], "fake": golden["fake"][:3]}
        assert sliced_wasserstein(**pair) == sliced_wasserstein(**pair)
        assert sliced_wasserstein(**pair) != sliced_wasserstein(**pair, seed=1)

    def test_any_range_and_any_backend(self, golden):
        images = [golden[k][:3] for k in ("real", "fake")]
        signed = [x / 127.5 - 1.0 for x in images]
        tensors = [ops.convert_to_tensor(x, "float32") for x in signed]
        expected = sliced_wasserstein(real=images[0], fake=images[1])
        for real, fake in (signed, tensors, (images[0], signed[1])):
            result = sliced_wasserstein(real=real, fake=fake)
            np.testing.assert_allclose(
                result.levels, expected.levels, rtol=1e-4
            )

    def test_noise_is_seen_where_it_is(self):
        rng = np.random.default_rng(0)
        waves = np.sin(np.linspace(0, 20, 64) + rng.uniform(0, 6, (40, 1)))
        images = waves[:, :, None, None] * waves[:, None, :, None]
        real, fake = images[:20], images[20:]
        noisy = fake + rng.normal(0, 0.1, fake.shape)
        before = sliced_wasserstein(real=real, fake=fake)
        after = sliced_wasserstein(real=real, fake=noisy)
        assert after.mean > before.mean
        rise = np.divide(after.levels, before.levels)
        assert len(rise) == 3
        assert rise[0] > 2 and rise[0] > 2 * rise[2]

    def test_a_channel_without_content_is_no_warning(self):
        real, fake = np.random.default_rng(0).normal(size=(2, 3, 16, 16, 3))
        real[..., 1] = 0
        result = sliced_wasserstein(real=real, fake=fake)
        assert np.isfinite(result.mean) and result.mean > 0

    def test_odd_sizes_and_one_channel(self):
        real, fake = np.random.default_rng(0).normal(size=(2, 4, 37, 70, 1))
        assert len(sliced_wasserstein(real=real, fake=fake).levels) == 2

    @pytest.mark.parametrize(
        "real, fake",
        [
            ((2, 32, 32, 3), (2, 32, 16, 3)),
            ((2, 32, 32, 3), (2, 32, 32, 1)),
            ((2, 15, 32, 3), (2, 15, 32, 3)),
            ((0, 32, 32, 3), (2, 32, 32, 3)),
            ((32, 32, 3), (32, 32, 3)),
        ],
    )
    def test_mistakes(self, real, fake):
        with pytest.raises(ValueError, match="of 16 px at least"):
            sliced_wasserstein(real=np.zeros(real), fake=np.zeros(fake))
