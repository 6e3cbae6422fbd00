"""Maximum mean discrepancies against official numbers and brute force."""

import numpy as np
import pytest
from golden_features import GOLDEN, golden_sets
from keras import ops

from kerasgan.metrics import kernel
from kerasgan.metrics.kernel import (
    clip_mmd,
    kernel_distance,
    kernel_distance_unbiased,
)

KID = np.load(GOLDEN / "kid.npz")
CMMD = np.load(GOLDEN / "cmmd.npz")
SETS = ["main_d64", "relu_d256", "rank_deficient_d256", "identical_d64"]
# Name -> seed, subsets, rows of each.
RUNS = {
    "seed2020_n100_m100": (2020, 100, 100),
    "seed7_n13_m57": (7, 13, 57),
}


def _cubes(x, y):
    return (np.einsum("nd,md->nm", x, y) / x.shape[1] + 1.0) ** 3


def _brute_force(real, fake):
    def others(x):
        values = _cubes(x, x)
        count = len(x)
        return (values.sum() - values.trace()) / (count * (count - 1))

    return others(real) + others(fake) - 2.0 * _cubes(real, fake).mean()


class TestGoldenKernelDistance:
    @pytest.mark.parametrize("run", RUNS)
    @pytest.mark.parametrize("name", SETS)
    def test_torch_fidelity(self, name, run):
        seed, subsets, size = RUNS[run]
        prefix = f"{name}/torch_fidelity_{run}/float64"
        sets = golden_sets(name)
        values = kernel._of_subsets(
            **sets,
            subsets=subsets,
            subset_size=size,
            seed=seed,
            kernel=kernel._polynomial,
        )
        np.testing.assert_allclose(
            values, KID[f"{prefix}/per_subset"], rtol=0, atol=1e-9
        )
        value = kernel_distance(
            **sets, subsets=subsets, subset_size=size, seed=seed
        )
        expected = KID[f"{prefix}/mean"], KID[f"{prefix}/std"]
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-9)
        theirs = KID[f"{name}/torch_fidelity_{run}/float32/per_subset"]
        np.testing.assert_allclose(values, theirs, rtol=0, atol=5e-6)

    def test_torch_fidelity_of_the_default_size(self):
        prefix = "main_d64/torch_fidelity_seed2020_n100_m1000/float64"
        # In float16 as it is stored: it is cast, not used.
        sets = golden_sets("main_d64", dtype="float16")
        value = kernel_distance(**sets, seed=2020)
        expected = KID[f"{prefix}/mean"], KID[f"{prefix}/std"]
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-9)

    @pytest.mark.parametrize("theirs", ["clean_fid", "nvidia"])
    @pytest.mark.parametrize("name", SETS)
    def test_implementations_in_float32(self, name, theirs):
        value = kernel_distance(
            **golden_sets(name), subsets=10, subset_size=100, seed=7
        )
        expected = float(KID[f"{name}/{theirs}_npseed7_n10_m100"])
        assert value.mean == pytest.approx(expected, rel=0, abs=5e-6)

    @pytest.mark.parametrize("name", SETS)
    def test_all_rows(self, name):
        value = kernel_distance_unbiased(**golden_sets(name))
        expected = float(KID[f"{name}/full_unequal_unbiased_own_f64"])
        assert value == pytest.approx(expected, rel=0, abs=1e-9)

    @pytest.mark.parametrize("name", SETS)
    def test_equally_many_rows(self, name):
        rows = min(len(x) for x in golden_sets(name).values())
        sets = golden_sets(name, rows)
        value = kernel_distance_unbiased(**sets)
        for theirs in ("unbiased", "dgm_eval"):
            expected = float(KID[f"{name}/full_equal_size/{theirs}"])
            assert value == pytest.approx(expected, rel=0, abs=1e-9)
        value = kernel._discrepancy(
            **sets, kernel=kernel._polynomial, biased=True
        )
        expected = float(KID[f"{name}/full_equal_size/biased"])
        assert value == pytest.approx(expected, rel=0, abs=1e-9)

    @pytest.mark.parametrize("name", SETS)
    def test_normal_kernel(self, name):
        values = kernel._of_subsets(
            **golden_sets(name),
            subsets=13,
            subset_size=57,
            seed=7,
            kernel=kernel._normal,
        )
        prefix = f"{name}/torch_fidelity_rbf10_seed7"
        np.testing.assert_allclose(
            [np.mean(values), np.std(values)],
            [KID[f"{prefix}/mean"], KID[f"{prefix}/std"]],
            rtol=0,
            atol=1e-9,
        )


class TestKernelDistance:
    def test_is_brute_force(self):
        rng = np.random.default_rng(0)
        real, fake = rng.normal(size=(31, 5)), rng.uniform(size=(17, 5))
        expected = _brute_force(real, fake)
        value = kernel_distance_unbiased(real=real, fake=fake)
        assert value == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("biased", [False, True])
    @pytest.mark.parametrize("of", [kernel._polynomial, kernel._normal])
    def test_size_of_blocks_changes_nothing(self, of, biased, monkeypatch):
        sets = golden_sets("main_d64", rows=200)
        expected = kernel._discrepancy(**sets, kernel=of, biased=biased)
        for rows in (17, 64, 199):
            monkeypatch.setattr(kernel, "ROWS", rows)
            value = kernel._discrepancy(**sets, kernel=of, biased=biased)
            assert value == pytest.approx(expected, rel=1e-12, abs=1e-13)

    def test_is_unbiased_and_may_be_negative(self):
        rng = np.random.default_rng(0)
        values = np.array(
            [
                kernel_distance_unbiased(real=real, fake=fake)
                for real, fake in rng.normal(size=(200, 2, 20, 4))
            ]
        )
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 3.0 * error
        assert 0.3 < np.mean(values < 0.0) < 0.8

    def test_is_symmetric(self):
        sets = golden_sets("main_d64", rows=300)
        value = kernel_distance_unbiased(real=sets["fake"], fake=sets["real"])
        expected = kernel_distance_unbiased(**sets)
        assert value == pytest.approx(expected, rel=1e-10)

    def test_smaller_sets_make_smaller_subsets(self):
        sets = golden_sets("main_d64", rows=40)
        all_rows = kernel_distance(**sets, subsets=3)
        assert all_rows == kernel_distance(**sets, subsets=3, subset_size=40)
        assert all_rows.mean == pytest.approx(kernel_distance_unbiased(**sets))
        assert all_rows.standard_deviation == pytest.approx(0.0, abs=1e-12)

    def test_is_a_function_of_its_seed(self):
        sets = golden_sets("main_d64", rows=100)
        one, again, other = (
            kernel_distance(**sets, subsets=5, subset_size=20, seed=seed)
            for seed in (0, 0, 1)
        )
        assert one == again != other

    def test_tensors(self):
        sets = golden_sets("main_d64", rows=50, dtype="float32")
        tensors = {key: ops.convert_to_tensor(x) for key, x in sets.items()}
        assert kernel_distance(**tensors) == kernel_distance(**sets)

    def test_one_row_has_no_pairs(self):
        with pytest.raises(ValueError, match="two rows or more"):
            kernel_distance(real=np.ones((1, 3)), fake=np.ones((5, 3)))

    def test_widths_differ(self):
        with pytest.raises(ValueError, match="same d"):
            kernel_distance_unbiased(real=np.ones((5, 3)), fake=np.ones((5, 4)))

    def test_arguments_are_keywords(self):
        with pytest.raises(TypeError):
            kernel_distance(np.ones((5, 3)), np.ones((5, 3)))


class TestClipMMD:
    @pytest.mark.parametrize(
        "name", ["normalised_d64", "raw_d64", "raw_far_d32"]
    )
    def test_golden(self, name):
        value = clip_mmd(real=CMMD[f"{name}/x"], fake=CMMD[f"{name}/y"])
        for theirs in ("official_float64", "own_float64_direct"):
            expected = float(CMMD[f"{name}/{theirs}"])
            assert value == pytest.approx(expected, rel=1e-9, abs=0)
        expected = float(CMMD[f"{name}/official_float32"])
        assert value == pytest.approx(expected, rel=0, abs=5e-3)

    def test_two_points_by_hand(self):
        value = clip_mmd(real=np.zeros((1, 2)), fake=np.array([[6.0, 8.0]]))
        assert value == pytest.approx(2000.0 * (1.0 - np.exp(-0.5)))

    def test_zero_of_a_set_with_itself_and_symmetric(self):
        real, fake = CMMD["raw_d64/x"], CMMD["raw_d64/y"]
        assert clip_mmd(real=real, fake=real) == pytest.approx(0.0, abs=1e-9)
        value = clip_mmd(real=fake, fake=real)
        assert value == pytest.approx(clip_mmd(real=real, fake=fake), rel=1e-12)
