"""Mode coverage against PacGAN's code, and what a truncated Gaussian has."""

import pathlib

import numpy as np
import pytest
import scipy.stats
from keras import ops

from kerasgan.metrics.modes import (
    GOOD_WITHIN,
    kl_to_uniform,
    mode_counts,
    mode_coverage,
    stacked_mode_coverage,
)

GOLDEN = pathlib.Path(__file__).parent / "golden" / "modes.npz"
MIXTURES = [
    f"{mixture}/{case}"
    for mixture in ("ring", "grid")
    for case in ("ideal", "skewed_noisy", "collapsed", "single_hit")
]
RING = np.stack(
    [np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], 1
)


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


def _ring(per_mode, std=0.01, modes=8, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(modes, per_mode, 2))
    return (RING[:modes, None] + std * noise).reshape(-1, 2)


class TestGolden:
    @pytest.mark.parametrize("case", MIXTURES)
    def test_mixtures(self, golden, case):
        given = {
            "samples": golden[f"{case}/points"],
            "means": golden[f"{case}/means"],
            "std": float(golden[f"{case}/std"]),
        }
        np.testing.assert_array_equal(
            mode_counts(**given), golden[f"{case}/counts"]
        )
        result = mode_coverage(**given)
        assert result.modes == golden[f"{case}/modes"]
        np.testing.assert_allclose(
            result[1:3],
            [
                golden[f"{case}/high_quality_fraction"],
                golden[f"{case}/reverse_kl"],
            ],
            rtol=0,
            atol=1e-9,
        )

    @pytest.mark.parametrize("case", ["uniform", "skewed", "tiny"])
    def test_stacked(self, golden, case):
        key = f"stacked_mnist/{case}"
        result = stacked_mode_coverage(labels=golden[f"{key}/labels"])
        assert result.modes == golden[f"{key}/modes"]
        assert result.kl == pytest.approx(golden[f"{key}/kl"], abs=1e-9)


class TestModeCoverage:
    def test_perfect_sampler(self):
        result = mode_coverage(samples=_ring(20_000), means=RING, std=0.01)
        assert result.modes == 8
        # P(r < 3) of the Rayleigh distribution.
        good = 1 - np.exp(-(GOOD_WITHIN**2) / 2)
        assert result.high_quality == pytest.approx(good, abs=1e-3)
        assert result.reverse_kl < 1e-4
        # E[r^2 / 2 | r < 3], r^2 / 2 being exponential and cut at 4.5.
        expected = np.sqrt((1 - 5.5 * np.exp(-4.5)) / (1 - np.exp(-4.5)))
        assert expected == pytest.approx(0.97440, abs=1e-5)
        assert result.within_mode_std == pytest.approx(expected, abs=4e-3)

    @pytest.mark.parametrize("size", [1, 3, 5])
    def test_perfect_sampler_in_other_dimensions(self, size):
        samples = np.random.default_rng(0).normal(size=(100_000, size))
        result = mode_coverage(
            samples=samples, means=np.zeros((1, size)), std=1.0
        )
        good = scipy.stats.chi2.cdf(9, size)
        assert result.high_quality == pytest.approx(good, abs=3e-3)
        expected = np.sqrt(scipy.stats.chi2.cdf(9, size + 2) / good)
        assert result.within_mode_std == pytest.approx(expected, abs=6e-3)

    @pytest.mark.parametrize("beside", [0.0, 0.02])
    def test_modes_that_are_points_have_no_spread(self, beside):
        samples = np.repeat(RING + [beside, 0], 50, axis=0)
        result = mode_coverage(samples=samples, means=RING, std=0.01)
        assert result[:3] == (8, 1.0, 0.0)
        assert result.within_mode_std == pytest.approx(0.0, abs=1e-9)

    def test_spread_by_hand(self):
        # Of (0, 0), (2, 0): 1 and 1; of (10, 1), (10, 1), (10, 4): 2, 1, 1.
        samples = [[0, 0], [2, 0], [10, 1], [10, 1], [10, 4]]
        means = [[0, 0], [10, 1]]
        result = mode_coverage(samples=samples, means=means, std=2.0)
        # (2 + 6) squares; (1 + 2) degrees in two dimensions.
        assert result.within_mode_std == pytest.approx(np.sqrt(8 / 6) / 2)
        assert result.reverse_kl == pytest.approx(
            0.4 * np.log(0.8) + 0.6 * np.log(1.2)
        )

    def test_collapse_to_some_modes(self):
        samples = _ring(500, modes=2)
        result = mode_coverage(samples=samples, means=RING, std=0.01)
        assert result.modes == 2
        assert result.reverse_kl == pytest.approx(np.log(4), abs=1e-3)

    def test_three_std_are_too_far(self):
        samples = [[3.0, 0.0], [2.999, 0.0]]
        result = mode_coverage(samples=samples, means=[[0, 0]], std=1.0)
        assert result.high_quality == 0.5

    def test_no_good_sample(self):
        result = mode_coverage(
            samples=np.full((9, 2), 5.0), means=RING, std=0.01
        )
        assert result[:3] == (0, 0.0, np.inf)
        assert np.isnan(result.within_mode_std)

    def test_single_samples_have_no_spread_to_speak_of(self):
        result = mode_coverage(samples=RING, means=RING, std=0.01)
        assert result[:3] == (8, 1.0, 0.0)
        assert np.isnan(result.within_mode_std)

    def test_scale_and_place_do_not_matter(self):
        samples = _ring(100)
        before = mode_coverage(samples=samples, means=RING, std=0.01)
        after = mode_coverage(
            samples=4 * samples + 8, means=4 * RING + 8, std=0.04
        )
        np.testing.assert_allclose(after, before, rtol=1e-9)

    def test_tensors_and_types(self):
        samples = _ring(10).astype("float32")
        result = mode_coverage(
            samples=ops.convert_to_tensor(samples), means=RING, std=0.01
        )
        assert result == mode_coverage(samples=samples, means=RING, std=0.01)
        assert [type(value) for value in result] == [int, float, float, float]

    def test_mistakes(self):
        with pytest.raises(ValueError, match="of the same d"):
            mode_coverage(samples=_ring(2), means=[[0, 0, 0]], std=1.0)
        with pytest.raises(ValueError, match="`std` must be above 0"):
            mode_coverage(samples=_ring(2), means=RING, std=0.0)
        with pytest.raises(TypeError):
            mode_coverage(_ring(2), RING, 0.01)


class TestStacked:
    def test_one_of_each(self):
        labels = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), 1)
        assert stacked_mode_coverage(labels=labels) == (1000, 0.0)

    def test_always_the_same(self):
        result = stacked_mode_coverage(labels=[[3, 1, 4]] * 7)
        assert result.modes == 1
        assert result.kl == pytest.approx(np.log(1000))

    def test_the_order_of_digits_counts(self):
        result = stacked_mode_coverage(labels=[[1, 2, 3], [3, 2, 1]])
        assert result.modes == 2

    @pytest.mark.parametrize(
        "labels",
        [[[1, 2]], [[1, 2, 10]], [[1, 2, -1]], [[0.5, 1, 2]], [1, 2, 3]],
    )
    def test_mistakes(self, labels):
        with pytest.raises(ValueError, match="digits 0 to 9"):
            stacked_mode_coverage(labels=labels)


def test_kl_to_uniform():
    assert kl_to_uniform([5, 5, 5]) == 0.0
    assert kl_to_uniform([1, 0]) == pytest.approx(np.log(2))
    assert kl_to_uniform([0, 0]) == np.inf
