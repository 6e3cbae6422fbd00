"""Frechet distances against official numbers, formulas and properties."""

import numpy as np
import pytest
from golden_features import FEATURES, GOLDEN, golden_sets
from keras import ops

from kerasgan.metrics import frechet
from kerasgan.metrics.frechet import (
    Moments,
    frechet_distance,
    frechet_distance_infinity,
    frechet_distance_of_moments,
    moments,
)

EXPECTED = np.load(GOLDEN / "frechet.npz")
INFINITY = np.load(GOLDEN / "fd_infinity.npz")
# Relative, or absolute for the last two: by singular values, and by the
# eigenvalues that moments and wide features leave.
TOLERANCES = {
    "main_d64": (1e-12, 1e-6),
    "relu_d256": (1e-12, 1e-6),
    "rank_deficient_d256": (1e-12, 2e-6),
    "far_apart_d64": (1e-12, 1e-6),
    "ties_d2": (1e-12, 1e-6),
    "near_singular_d64": (1e-9, 5e-5),
    "identical_d64": (1e-8, 1e-8),
}
ABSOLUTE = ("near_singular_d64", "identical_d64")


def _near(name, expected, way):
    tolerance = TOLERANCES[name][way]
    if name in ABSOLUTE:
        return pytest.approx(expected, rel=0, abs=tolerance)
    return pytest.approx(expected, rel=tolerance, abs=0)


def _normal(count, width, seed=0, rank=None):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(rank or width, width)) / np.sqrt(width)
    return rng.normal(size=(count, len(mix))) @ mix + rng.normal(size=width)


@pytest.mark.parametrize("name", TOLERANCES)
class TestGolden:
    @pytest.mark.parametrize("ddof", [0, 1])
    def test_exact(self, name, ddof):
        expected = EXPECTED[f"{name}/exact_ddof{ddof}"]
        value = frechet_distance(**golden_sets(name), ddof=ddof)
        assert value == _near(name, expected, 0)

    def test_as_stored_and_as_tensors(self, name):
        # Low precision is cast, not used.
        expected = EXPECTED[f"{name}/exact_ddof1"]
        sets = golden_sets(name, dtype=FEATURES[f"{name}/real"].dtype)
        assert frechet_distance(**sets) == _near(name, expected, 0)
        sets = {key: ops.convert_to_tensor(x) for key, x in sets.items()}
        assert frechet_distance(**sets) == _near(name, expected, 0)

    def test_by_eigenvalues(self, name, monkeypatch):
        monkeypatch.setattr(frechet, "WIDEST_ROOT", 0)
        value = frechet_distance(**golden_sets(name))
        assert value == _near(name, EXPECTED[f"{name}/exact_ddof1"], 1)

    def test_of_moments(self, name):
        sets = {key: moments(x) for key, x in golden_sets(name).items()}
        value = frechet_distance_of_moments(**sets)
        expected = EXPECTED[f"{name}/exact_ddof1"]
        assert value == _near(name, expected, 1)

    def test_implementations(self, name):
        value = frechet_distance(**golden_sets(name))
        for theirs in ("pytorch_fid", "torch_fidelity_f64", "dgm_eval"):
            # Theirs are off by 1e-5 without full rank.
            assert value == pytest.approx(
                EXPECTED[f"{name}/{theirs}"], rel=1e-7, abs=2e-5
            )
        value = frechet_distance(**golden_sets(name), ddof=0)
        assert value == pytest.approx(
            EXPECTED[f"{name}/nvidia_stylegan3"], rel=1e-7, abs=2e-5
        )


class TestFormula:
    def test_golden_diagonal_normals(self):
        def normal(index):
            return Moments(
                1000,
                EXPECTED[f"analytic/mu{index}"],
                np.diag(EXPECTED[f"analytic/diag{index}"]),
            )

        value = frechet_distance_of_moments(real=normal(1), fake=normal(2))
        expected = EXPECTED["analytic/closed_form"]
        assert value == pytest.approx(expected, rel=1e-12)

    def test_commuting_covariances(self):
        rng = np.random.default_rng(0)
        basis, _ = np.linalg.qr(rng.normal(size=(9, 9)))
        one, two = rng.uniform(0.1, 3.0, (2, 9))
        one[:2] = 0.0
        value = frechet_distance_of_moments(
            real=Moments(50, np.zeros(9), basis * one @ basis.T),
            fake=Moments(50, np.full(9, 2.0), basis * two @ basis.T),
        )
        expected = 36.0 + np.sum((np.sqrt(one) - np.sqrt(two)) ** 2)
        assert value == pytest.approx(expected, rel=1e-7)

    def test_a_shift_costs_its_square(self):
        real = _normal(500, 8)
        shift = np.arange(8.0)
        value = frechet_distance(real=real, fake=real + shift)
        assert value == pytest.approx(np.sum(shift**2), rel=1e-12)

    def test_a_scale_costs_the_variance(self):
        real = _normal(500, 8)
        real -= real.mean(axis=0)
        value = frechet_distance(real=real, fake=3.0 * real)
        expected = 4.0 * np.sum(np.var(real, axis=0, ddof=1))
        assert value == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("counts", [(90, 80), (20, 80), (80, 20), (20, 15)])
    def test_agrees_with_the_matrix_square_root(self, counts, monkeypatch):
        linalg = pytest.importorskip("scipy.linalg")
        real, fake = _normal(counts[0], 30), _normal(counts[1], 30, 1)
        one, two = (np.cov(x, rowvar=False) for x in (real, fake))
        expected = (
            np.sum((real.mean(0) - fake.mean(0)) ** 2)
            + np.trace(one + two)
            - 2 * np.trace(linalg.sqrtm(one @ two).real)
        )
        exact = frechet_distance(real=real, fake=fake)
        assert exact == pytest.approx(expected, rel=1e-6)
        monkeypatch.setattr(frechet, "WIDEST_ROOT", 0)
        value = frechet_distance(real=real, fake=fake)
        assert value == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize("widest_root", [0, 256])
@pytest.mark.parametrize("counts", [(300, 200), (25, 200), (25, 20)])
class TestProperties:
    @pytest.fixture(autouse=True)
    def _way(self, widest_root, monkeypatch):
        monkeypatch.setattr(frechet, "WIDEST_ROOT", widest_root)

    def test_zero_of_a_set_with_itself(self, counts):
        real = _normal(counts[0], 40)
        assert abs(frechet_distance(real=real, fake=real)) < 1e-6

    def test_symmetric(self, counts):
        real, fake = _normal(counts[0], 40), _normal(counts[1], 40, 1)
        value = frechet_distance(real=fake, fake=real)
        assert value == pytest.approx(frechet_distance(real=real, fake=fake))

    def test_rotation_and_shift_change_nothing(self, counts):
        real, fake = _normal(counts[0], 40), _normal(counts[1], 40, 1)
        rng = np.random.default_rng(2)
        turn, _ = np.linalg.qr(rng.normal(size=(40, 40)))
        value = frechet_distance(real=real @ turn + 5.0, fake=fake @ turn + 5.0)
        expected = frechet_distance(real=real, fake=fake)
        assert value == pytest.approx(expected, rel=1e-7)

    def test_order_of_rows_changes_nothing(self, counts):
        real, fake = _normal(counts[0], 40), _normal(counts[1], 40, 1)
        value = frechet_distance(real=real[::-1], fake=fake)
        expected = frechet_distance(real=real, fake=fake)
        assert value == pytest.approx(expected, rel=1e-7)


class TestMoments:
    def test_are_numpys(self):
        features = _normal(50, 6)
        count, mean, covariance = moments(features.astype("float32"))
        features = features.astype("float32").astype("float64")
        assert count == 50
        np.testing.assert_allclose(mean, features.mean(0), rtol=1e-13)
        np.testing.assert_allclose(
            covariance, np.cov(features, rowvar=False), rtol=1e-12
        )

    @pytest.mark.parametrize("side", ["real", "gen"])
    def test_golden(self, side):
        _, mean, covariance = moments(FEATURES[f"main_d64/{side}"])
        sigma = EXPECTED[f"main_d64/sigma_{side}"]
        np.testing.assert_allclose(
            mean, EXPECTED[f"main_d64/mu_{side}"], rtol=0, atol=1e-13
        )
        np.testing.assert_allclose(covariance, sigma, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("sizes", [(100, 100), (1, 199), (3, 190, 1, 6)])
    def test_of_parts_combine(self, sizes):
        # Far from zero, where raw sums of squares would lose ten digits.
        features = _normal(200, 6) + 1e5
        parts = np.split(features, np.cumsum(sizes)[:-1])
        total = moments(parts[0])
        for part in parts[1:]:
            total = total.combine(moments(part))
        whole = moments(features)
        assert total.count == whole.count
        np.testing.assert_allclose(total.mean, whole.mean, rtol=1e-14)
        np.testing.assert_allclose(
            total.covariance, whole.covariance, rtol=1e-9, atol=1e-11
        )

    def test_combining_leaves_the_parts_alone(self):
        one, two = moments(_normal(9, 3)), moments(_normal(8, 3, 1))
        before = one.covariance.copy(), two.covariance.copy()
        one.combine(two)
        np.testing.assert_array_equal(before[0], one.covariance)
        np.testing.assert_array_equal(before[1], two.covariance)


class TestInfinity:
    @pytest.mark.parametrize("name", ["main_d64", "relu_d256"])
    def test_golden(self, name):
        sizes = INFINITY[f"{name}/sizes"]
        bounds = np.cumsum(sizes)[:-1]
        draws = np.split(INFINITY[f"{name}/indices"], bounds)
        sets = golden_sets(name)
        distances = frechet._of_draws(sets["real"], sets["fake"], draws)
        np.testing.assert_allclose(
            distances, INFINITY[f"{name}/fd_per_size"], rtol=1e-6
        )
        value = frechet._intercept(sizes, distances)
        expected = INFINITY[f"{name}/fd_infinity"]
        assert value == pytest.approx(float(expected), rel=1e-6)

    @pytest.mark.parametrize("name", ["main_d64", "relu_d256"])
    def test_sizes_are_the_official_ones(self, name):
        sizes = frechet._sizes(len(FEATURES[f"{name}/gen"]))
        np.testing.assert_array_equal(sizes, INFINITY[f"{name}/sizes"])

    def test_is_a_function_of_its_seed(self):
        sets = {"real": _normal(400, 5), "fake": _normal(300, 5, 1)}
        values = [
            frechet_distance_infinity(**sets, seed=seed) for seed in (0, 0, 1)
        ]
        assert values[0] == values[1] != values[2]
        assert values[0] == pytest.approx(values[2], rel=0.2)

    def test_removes_most_of_the_bias_of_few_samples(self):
        rng = np.random.default_rng(0)
        real, fake = rng.normal(size=(20000, 9)), rng.normal(size=(1000, 9))
        biased = frechet_distance(real=real, fake=fake)
        value = frechet_distance_infinity(
            real=real, fake=fake, sizes=range(300, 1001, 100)
        )
        assert biased > 0.02
        assert abs(value) < 0.5 * biased

    def test_a_line_is_followed(self):
        sizes = np.array([10, 20, 50])
        assert frechet._intercept(sizes, 3.0 + 7.0 / sizes) == pytest.approx(3)


class TestErrors:
    def test_widths_differ(self):
        with pytest.raises(ValueError, match="same d"):
            frechet_distance(real=np.ones((5, 3)), fake=np.ones((5, 4)))
        with pytest.raises(ValueError, match="same width"):
            frechet_distance_of_moments(
                real=moments(np.ones((5, 3))), fake=moments(np.ones((5, 4)))
            )

    def test_too_few_rows(self):
        one, more = np.ones((1, 3)), np.ones((5, 3))
        with pytest.raises(ValueError, match="more than 1 rows"):
            frechet_distance(real=more, fake=one)
        with pytest.raises(ValueError, match="more than 1 rows"):
            frechet_distance_of_moments(real=moments(one), fake=moments(more))
        with pytest.raises(ValueError, match=r"\[n, d\]"):
            moments(np.ones(3))

    def test_not_finite(self):
        features = np.eye(5)
        features[2, 3] = np.nan
        for sets in ((features, np.eye(5)), (np.eye(5), features)):
            with pytest.raises(ValueError, match="1 rows of 5 with NaN"):
                frechet_distance(real=sets[0], fake=sets[1])

    def test_sizes_out_of_range(self):
        sets = {"real": np.ones((9, 3)), "fake": np.ones((9, 3))}
        for sizes in ([5, 10], [1, 5], [5, 5]):
            with pytest.raises(ValueError, match="`sizes`"):
                frechet_distance_infinity(**sets, sizes=sizes)

    def test_arguments_are_keywords(self):
        with pytest.raises(TypeError):
            frechet_distance(np.ones((5, 3)), np.ones((5, 3)))
