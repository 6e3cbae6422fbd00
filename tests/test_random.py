"""Draws: the published generator, right moments, and nothing but the image."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from kerasgan import random

COUNT = 20_000


def _numbers(count=COUNT, first=0):
    return ops.arange(first, first + count, dtype="int32")


def _uniform(shape=(), seed=0, purpose="test", numbers=None, **arguments):
    numbers = _numbers() if numbers is None else numbers
    values = random.uniform(
        numbers, shape, seed=seed, purpose=purpose, **arguments
    )
    return ops.convert_to_numpy(values)


def _normal(shape=(), seed=0, purpose="test", numbers=None):
    numbers = _numbers() if numbers is None else numbers
    values = random.normal(numbers, shape, seed=seed, purpose=purpose)
    return ops.convert_to_numpy(values)


class TestThreefry:
    # Random123's kat_vectors, threefry2x32 with 20 rounds.
    @pytest.mark.parametrize(
        "counter, key, expected",
        [
            ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
            (
                (0xFFFFFFFF, 0xFFFFFFFF),
                (0xFFFFFFFF, 0xFFFFFFFF),
                (0x1CB996FC, 0xBB002BE7),
            ),
            (
                (0x243F6A88, 0x85A308D3),
                (0x13198A2E, 0x03707344),
                (0xC4923A9C, 0x483DF7A0),
            ),
        ],
    )
    def test_known_answers(self, counter, key, expected):
        counters = [
            ops.convert_to_tensor(np.array([word], "uint32"))
            for word in counter
        ]
        words = [
            ops.convert_to_numpy(x)[0] for x in random.threefry(key, counters)
        ]
        assert tuple(int(word) for word in words) == expected

    def test_seed_may_be_a_tensor(self):
        for seed in (7, 2**32 - 1):
            tensor = ops.convert_to_tensor(seed, dtype="uint32")
            np.testing.assert_array_equal(
                _normal((3,), seed, numbers=_numbers(5)),
                _normal((3,), tensor, numbers=_numbers(5)),
            )

    def test_one_bit_of_counter_or_key_changes_half_the_bits(self):
        def words(key, counter):
            counters = [
                ops.convert_to_tensor(np.array([word], "uint32"))
                for word in counter
            ]
            first, second = random.threefry(key, counters)
            both = ops.convert_to_numpy(first), ops.convert_to_numpy(second)
            return int(both[0][0]) | int(both[1][0]) << 32

        start = words((1, 2), (3, 4))
        changed = [
            (start ^ words(*arguments)).bit_count()
            for bit in (0, 7, 31)
            for arguments in (
                ((1 ^ 1 << bit, 2), (3, 4)),
                ((1, 2 ^ 1 << bit), (3, 4)),
                ((1, 2), (3 ^ 1 << bit, 4)),
                ((1, 2), (3, 4 ^ 1 << bit)),
            )
        ]
        assert min(changed) > 16 and max(changed) < 48


class TestDistributions:
    @pytest.mark.parametrize("shape", [(), (3,)], ids=["scalar", "vector"])
    def test_uniform(self, shape):
        values = _uniform(shape)
        assert values.shape == (COUNT, *shape) and values.dtype == np.float32
        assert values.min() >= 0 and values.max() < 1
        for column in values.reshape(COUNT, -1).T:
            assert stats.kstest(column, "uniform").pvalue > 1e-3

    def test_uniform_between_bounds(self):
        values = _uniform((2,), low=-3.0, high=5.0)
        assert -3 <= values.min() < -2.99 and 4.99 < values.max() < 5
        np.testing.assert_allclose(values.mean(), 1.0, atol=0.05)

    @pytest.mark.parametrize("shape", [(), (3,)], ids=["scalar", "vector"])
    def test_normal(self, shape):
        values = _normal(shape)
        assert values.shape == (COUNT, *shape) and values.dtype == np.float32
        for column in values.reshape(COUNT, -1).T:
            assert stats.kstest(column, "norm").pvalue > 1e-3
            error = 1 / np.sqrt(COUNT)
            np.testing.assert_allclose(column.mean(), 0, atol=4 * error)
            np.testing.assert_allclose(column.var(), 1, atol=6 * error)
            np.testing.assert_allclose(stats.skew(column), 0, atol=10 * error)
            np.testing.assert_allclose(
                stats.kurtosis(column), 0, atol=20 * error
            )

    def test_normal_is_finite_at_the_ends_of_uniform(self, monkeypatch):
        for word in (0, 2**32 - 1):
            monkeypatch.setattr(
                random,
                "threefry",
                lambda key, counters, word=word: (
                    2 * (ops.full(counters[0].shape, word, dtype="uint32"),)
                ),
            )
            assert np.all(np.isfinite(_normal((2,), numbers=_numbers(3))))
            assert np.all(_uniform((2,), numbers=_numbers(3)) < 1)
            values = random.integers(_numbers(3), 7, seed=0, purpose="x")
            np.testing.assert_array_equal(values, 3 * [6 if word else 0])

    @pytest.mark.parametrize("high", [1, 2, 10, 1000])
    def test_integers_are_even(self, high):
        values = random.integers(_numbers(), high, seed=0, purpose="test")
        values = ops.convert_to_numpy(values)
        assert values.dtype == np.int32
        counts = np.bincount(values, minlength=high)
        assert len(counts) == high and counts.min() > 0
        if high > 1:
            assert stats.chisquare(counts).pvalue > 1e-3


class TestIndependence:
    @pytest.mark.parametrize(
        "first, second",
        [
            pytest.param({}, {"purpose": "other"}, id="purposes"),
            pytest.param({}, {"seed": 1}, id="seeds"),
            pytest.param({}, {"seed": 2**31}, id="high_bit_of_seed"),
            pytest.param(
                {}, {"numbers": _numbers(first=1)}, id="neighbouring_images"
            ),
            pytest.param(
                {"purpose": "discriminator/latents"},
                {"purpose": "generator/latents"},
                id="players",
            ),
        ],
    )
    @pytest.mark.parametrize("draw", [_uniform, _normal])
    def test_draws_do_not_correlate(self, draw, first, second):
        first, second = draw((2,), **first), draw((2,), **second)
        assert np.mean(first == second) < 1e-3
        for a in first.T:
            for b in second.T:
                correlation = np.corrcoef(a, b)[0, 1]
                assert abs(correlation) < 4.5 / np.sqrt(COUNT)

    @pytest.mark.parametrize("draw", [_uniform, _normal])
    def test_columns_do_not_correlate(self, draw):
        # Both halves of a pair, and pairs with each other.
        correlations = np.corrcoef(draw((7,)).T) - np.eye(7)
        assert np.max(np.abs(correlations)) < 4.5 / np.sqrt(COUNT)
        squares = np.corrcoef(np.square(draw((7,))).T) - np.eye(7)
        assert np.max(np.abs(squares)) < 4.5 / np.sqrt(COUNT)

    @pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3)])
    @pytest.mark.parametrize("draw", [_uniform, _normal])
    def test_a_row_depends_on_its_number_alone(self, draw, shape):
        numbers = np.array([5, 0, 123_456, 7, 2**31 - 1], "int32")
        together = draw(shape, numbers=ops.convert_to_tensor(numbers))
        for row, number in zip(together, numbers, strict=True):
            alone = draw(shape, numbers=ops.convert_to_tensor([number]))
            np.testing.assert_array_equal(alone[0], row)

    def test_integers_and_states_depend_on_their_number_alone(self):
        key = {"seed": 3, "purpose": "test"}
        many = random.integers(_numbers(9), 1000, **key)
        few = random.integers(_numbers(2, first=4), 1000, **key)
        np.testing.assert_array_equal(many[4:6], few)
        states = {
            tuple(np.array(random.key_state(ops.array(i), **key)).tolist())
            for i in range(100)
        }
        assert len(states) == 100

    def test_numbers_beyond_the_sign_of_int32_still_differ(self):
        if keras.backend.backend() == "jax":
            pytest.skip("JAX counts in int32")
        numbers = ops.convert_to_tensor([0, 2**31, 2**32 - 1], "int64")
        values = _uniform(numbers=numbers)
        assert len(set(values.tolist())) == 3

    @pytest.mark.parametrize("seed", [-1, 2**32 - 1, 2**40 + 5])
    def test_any_integer_is_a_seed(self, seed):
        values = _uniform(numbers=_numbers(3), seed=seed)
        same = _uniform(numbers=_numbers(3), seed=seed % 2**32)
        np.testing.assert_array_equal(values, same)
