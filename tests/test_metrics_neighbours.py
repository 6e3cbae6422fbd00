"""Neighbours, balls and variety against official numbers and brute force."""

import numpy as np
import pytest
from golden_features import FEATURES, GOLDEN, golden_sets
from keras import ops

from kerasgan.metrics import distances
from kerasgan.metrics.diversity import vendi_score
from kerasgan.metrics.neighbours import (
    authenticity,
    density_coverage,
    nearest,
    prdc,
    precision_recall,
    realism,
)

EXPECTED = np.load(GOLDEN / "precision_recall.npz")


def _golden(what):
    """(set, k) of all golden values called `what`; k is None without one."""
    found = []
    for key in EXPECTED.files:
        name, _, value = key.partition("/")
        value, _, k = value.partition("_k")
        if value == what:
            found.append((name, int(k.split("_")[0]) if k else None))
    assert found
    return sorted(set(found), key=str)


def _sets(name, dtype="float16"):
    return golden_sets(
        name, dtype=np.result_type(dtype, FEATURES[f"{name}/real"])
    )


def _brute_force(queries, references):
    differences = np.asarray(queries, "float64")[:, None] - references[None]
    return np.sqrt(np.sum(differences**2, axis=-1))


def _blocks(monkeypatch, rows, columns):
    monkeypatch.setattr(distances, "ROWS", rows)
    monkeypatch.setattr(distances, "COLUMNS", columns)


class TestGolden:
    @pytest.mark.parametrize("dtype", ["float16", "float64"])
    @pytest.mark.parametrize("name, k", _golden("torch_fidelity"))
    def test_precision_recall(self, name, k, dtype):
        value = precision_recall(**_sets(name, dtype), neighbours=k)
        expected = EXPECTED[f"{name}/torch_fidelity_k{k}_float64"][:2]
        # Their means are float32.
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-7)

    @pytest.mark.parametrize("dtype", ["float16", "float64"])
    @pytest.mark.parametrize("name, k", _golden("prdc"))
    def test_density_coverage(self, name, k, dtype):
        value = density_coverage(**_sets(name, dtype), neighbours=k)
        expected = EXPECTED[f"{name}/prdc_k{k}"][2:]
        np.testing.assert_allclose(value, expected, rtol=1e-12)

    @pytest.mark.parametrize("name, k", _golden("prdc"))
    def test_all_four_in_one_pass(self, name, k):
        sets = _sets(name)
        value = prdc(**sets, neighbours=k, density_neighbours=k)
        assert value[:2] == precision_recall(**sets, neighbours=k)
        assert value[2:] == density_coverage(**sets, neighbours=k)

    @pytest.mark.parametrize("name, k", _golden("dgm_realism"))
    def test_realism(self, name, k):
        value = realism(**_sets(name), neighbours=k)
        expected = EXPECTED[f"{name}/dgm_realism_k{k}"]
        np.testing.assert_allclose(value, expected, rtol=1e-5)

    @pytest.mark.parametrize("name, k", _golden("dgm_authpct"))
    def test_authenticity(self, name, k):
        value = authenticity(**_sets(name))
        expected = float(EXPECTED[f"{name}/dgm_authpct"])
        # Theirs is float32.
        assert 100.0 * value == pytest.approx(expected, rel=1e-7)

    @pytest.mark.parametrize("name, k", _golden("dgm_vendi_gen"))
    def test_vendi_score(self, name, k):
        value = vendi_score(features=_sets(name)["fake"])
        expected = float(EXPECTED[f"{name}/dgm_vendi_gen"])
        assert value == pytest.approx(expected, rel=1e-5)


class TestNearest:
    @pytest.mark.parametrize(
        "blocks", [(2048, 2048), (7, 11), (64, 3), (30, 1)]
    )
    @pytest.mark.parametrize("neighbours", [1, 4])
    @pytest.mark.parametrize("kind", ["float32", "ties", "copies", "far"])
    def test_is_brute_force(self, kind, neighbours, blocks, monkeypatch):
        rng = np.random.default_rng(0)
        references = {
            "float32": rng.normal(size=(90, 20)).astype("float32"),
            "ties": rng.integers(0, 3, (90, 3)),
            "copies": np.repeat(rng.normal(size=(9, 6)), 10, axis=0),
            # Products would keep three digits of these distances.
            "far": 1e6 * (np.arange(90) % 2)[:, None]
            + rng.normal(size=(90, 5)),
        }[kind]
        _blocks(monkeypatch, *blocks)
        for exclude_self in (False, True):
            queries = references if exclude_self else references[40:] + 0
            expected = _brute_force(queries, references)
            if exclude_self:
                np.fill_diagonal(expected, np.inf)
            order = np.argsort(expected, axis=1, kind="stable")[:, :neighbours]
            found, indices = nearest(
                queries=queries,
                references=references,
                neighbours=neighbours,
                exclude_self=exclude_self,
            )
            np.testing.assert_array_equal(indices, order)
            np.testing.assert_array_equal(
                found, np.take_along_axis(expected, order, axis=1)
            )

    @pytest.mark.parametrize("shift", [0.0, 1e4])
    @pytest.mark.parametrize("width", [1, 3, 300])
    def test_fast_distances_keep_their_bound(self, width, shift, monkeypatch):
        rng = np.random.default_rng(0)
        queries, references = rng.normal(size=(2, 80, width)) + shift
        queries[::7] *= 1e3
        _blocks(monkeypatch, 33, 47)
        squared = distances.SquaredDistances(queries, references)
        for rows, columns, fast, error in squared.blocks():
            i, j = np.indices(fast.shape).reshape(2, -1)
            exact = squared.exact(i + rows.start, j + columns.start)
            assert np.max(np.abs(fast.ravel() - exact)) <= error
            assert error <= 1e-10 * np.max(fast)

    def test_many_copies_are_measured_once(self, monkeypatch):
        rng = np.random.default_rng(0)
        modes = rng.normal(size=(3, 8))
        references = modes[rng.integers(0, 3, 500)]
        measured = []
        by_differences = distances.SquaredDistances._by_differences

        def count(self, rows, columns):
            measured.append(len(rows))
            return by_differences(self, rows, columns)

        monkeypatch.setattr(
            distances.SquaredDistances, "_by_differences", count
        )
        found, indices = nearest(
            queries=references, references=references, neighbours=2
        )
        assert sum(measured) <= 9
        np.testing.assert_array_equal(found, 0.0)
        same = np.all(references[:, None] == references[None], axis=-1)
        expected = np.argsort(~same, axis=1, kind="stable")[:, :2]
        np.testing.assert_array_equal(indices, expected)

    def test_tensors(self):
        features = _sets("main_d64", "float32")["real"][:50]
        tensor = ops.convert_to_tensor(features)
        arguments = {"neighbours": 3, "exclude_self": True}
        for one, two in zip(
            nearest(queries=tensor, references=tensor, **arguments),
            nearest(queries=features, references=features, **arguments),
            strict=True,
        ):
            np.testing.assert_array_equal(one, two)

    @pytest.mark.parametrize("neighbours", [0, 3])
    def test_as_many_neighbours_as_there_are(self, neighbours):
        features = np.eye(3)
        with pytest.raises(ValueError, match=f"neighbours={neighbours} of 2"):
            nearest(
                queries=features,
                references=features,
                neighbours=neighbours,
                exclude_self=True,
            )

    def test_queries_are_the_references_without_self(self):
        with pytest.raises(ValueError, match="2 queries, 3 references"):
            nearest(
                queries=np.eye(3)[:2], references=np.eye(3), exclude_self=True
            )

    def test_shapes(self):
        with pytest.raises(ValueError, match="same d"):
            nearest(queries=np.eye(3), references=np.eye(4))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite(self, value):
        features = np.eye(3)
        features[1, 1] = value
        for queries, references in (
            (features, np.eye(3)),
            (np.eye(3), features),
        ):
            with pytest.raises(ValueError, match="finite"):
                nearest(queries=queries, references=references)


class TestProperties:
    def test_swapping_swaps_precision_and_recall(self):
        sets = _sets("main_d64")
        precision, recall = precision_recall(**sets)
        swapped = precision_recall(real=sets["fake"], fake=sets["real"])
        assert swapped == (recall, precision)
        assert precision != recall

    def test_far_apart_is_nothing(self):
        assert prdc(**_sets("far_apart_d64")) == (0.0, 0.0, 0.0, 0.0)

    def test_a_narrow_generator_is_precise_and_covers_little(self):
        rng = np.random.default_rng(0)
        real, fake = rng.normal(size=(400, 6)), 0.3 * rng.normal(size=(300, 6))
        value = prdc(real=real, fake=fake)
        assert value.precision > 0.9
        assert value.density > 1.0
        assert value.recall < 0.3
        assert value.coverage < 0.5

    def test_a_wide_generator_recalls_and_is_imprecise(self):
        rng = np.random.default_rng(0)
        real, fake = 0.3 * rng.normal(size=(400, 6)), rng.normal(size=(300, 6))
        value = precision_recall(real=real, fake=fake)
        assert value.recall > 0.9
        assert value.precision < 0.3

    def test_a_collapsed_generator(self):
        rng = np.random.default_rng(0)
        real = rng.normal(size=(400, 6))
        fake = np.tile(real[:1] + 1e-3, (300, 1))
        value = prdc(real=real, fake=fake)
        assert value.precision == 1.0
        assert value.recall == 0.0
        assert value.coverage < 0.1

    def test_equal_distributions(self):
        rng = np.random.default_rng(0)
        real, fake = rng.normal(size=(2, 1000, 8))
        value = prdc(real=real, fake=fake)
        assert value.density == pytest.approx(1.0, abs=0.1)
        # 1 - 2^-k for as many fake as real (Naeem et al., lemma 2).
        assert value.coverage == pytest.approx(1.0 - 0.5**5, abs=0.03)

    @pytest.mark.parametrize("name", ["main_d64", "ties_d2", "identical_d64"])
    def test_size_of_blocks_changes_nothing(self, name, monkeypatch):
        sets = _sets(name)
        functions = (prdc, realism, authenticity)
        arguments = [{"neighbours": 2}, {"neighbours": 2}, {}]
        expected = [
            of(**sets, **more)
            for of, more in zip(functions, arguments, strict=True)
        ]
        _blocks(monkeypatch, 301, 337)
        for of, more, value in zip(functions, arguments, expected, strict=True):
            np.testing.assert_array_equal(of(**sets, **more), value)

    def test_copies_are_not_authentic(self):
        real = _sets("main_d64")["real"]
        assert authenticity(real=real, fake=real[::-1][:500]) == 0.0
        assert authenticity(real=real, fake=real + 50.0) == 1.0

    def test_realism_of_copies_and_of_equal_balls(self):
        real = np.array([[0.0], [1.0], [3.0], [6.0], [10.0]])
        fake = np.array([[1.0], [2.0], [100.0]])
        # Radii 1, 1, 2, 3, 4: two balls are smaller than the median one.
        value = realism(real=real, fake=fake, neighbours=1)
        np.testing.assert_allclose(value, [np.inf, 1.0, 1.0 / 99.0])
        even = np.arange(5.0)[:, None]
        np.testing.assert_array_equal(
            realism(real=even, fake=fake, neighbours=1), 0.0
        )

    def test_too_few_samples(self):
        with pytest.raises(ValueError, match="Give more samples"):
            precision_recall(real=np.eye(3), fake=np.eye(3))

    @pytest.mark.parametrize("of", [precision_recall, density_coverage, prdc])
    def test_arguments_are_keywords(self, of):
        with pytest.raises(TypeError):
            of(np.eye(9), np.eye(9))


class TestVendiScore:
    @pytest.mark.parametrize("shape", [(4, 9), (9, 9)])
    def test_counts_what_is_different(self, shape):
        features = np.eye(*shape)
        count = len(features)
        value = vendi_score(features=features)
        assert value == pytest.approx(count)
        value = vendi_score(features=np.repeat(3.0 * features, 5, axis=0))
        assert value == pytest.approx(count)

    def test_one_of_what_is_alike(self):
        features = np.outer(np.arange(1.0, 9.0), [1.0, 2.0, 3.0])
        assert vendi_score(features=features) == pytest.approx(1.0)

    def test_features_are_a_table(self):
        with pytest.raises(ValueError, match=r"\[n, d\]"):
            vendi_score(features=np.ones(3))
