"""Is a generator that hands out its training images seen? Is a fair one not?"""

import numpy as np
import pytest
import scipy.stats
from keras import ops
from sklearn.datasets import load_digits

from kerasgan.metrics.memorising import (
    closer,
    memorisation,
    nearest_neighbours,
)


@pytest.fixture(scope="module")
def digits():
    """Images of 8 x 8: training, held-out and fresh ones, flattened."""
    images = np.random.RandomState(0).permutation(load_digits().data)
    return np.split(images, [900, 1350])


class TestDigits:
    def test_fresh_images(self, digits):
        train, held_out, fresh = digits
        result = memorisation(real=train, fake=fresh, held_out=held_out)
        assert result.closer_share == pytest.approx(0.5, abs=0.05)
        assert abs(result.z) < 3
        assert result.copies < 0.04
        # As authentic as what is known to be held out.
        other = memorisation(real=train, fake=held_out, held_out=None)
        assert result.authenticity == pytest.approx(
            other.authenticity, abs=0.06
        )

    def test_training_images(self, digits):
        train, held_out, _ = digits
        result = memorisation(real=train, fake=train[::2], held_out=held_out)
        assert result[0] == result[2] == 1.0
        assert result.z > 20
        assert result.authenticity == 0.0

    @pytest.mark.parametrize("noise", [0.5, 1.0])
    def test_noisy_training_images(self, digits, noise):
        train, held_out, _ = digits
        rng = np.random.default_rng(0)
        fake = train[::2] + rng.normal(0, noise, train[::2].shape)
        result = memorisation(real=train, fake=fake, held_out=held_out)
        assert result.closer_share > 0.99
        assert result.z > 20
        assert result.copies > 0.9
        assert result.authenticity < 0.01

    def test_some_training_images_among_fresh_ones(self, digits):
        train, held_out, fresh = digits
        fake = np.concatenate([train[:100], fresh[:400]])
        result = memorisation(real=train, fake=fake, held_out=held_out)
        assert result.z > 3
        assert result.copies == pytest.approx(0.2 + 0.8 * 0.01, abs=0.03)

    def test_images_unlike_the_data(self, digits):
        train, held_out, _ = digits
        fake = np.random.default_rng(0).uniform(0, 16, (200, 64))
        result = memorisation(real=train, fake=fake, held_out=held_out)
        assert result.closer_share < 0.01 and result.z < -20
        assert result.copies == 0.0
        assert result.authenticity == 1.0

    def test_without_held_out_images(self, digits):
        train, _, fresh = digits
        *others, authenticity = memorisation(
            real=train, fake=fresh, held_out=None
        )
        assert np.isnan(others).all() and len(others) == 3
        assert 0.4 < authenticity < 0.7


def test_fresh_draws_are_what_chance_gives():
    rng = np.random.default_rng(0)
    results = [
        memorisation(real=real, fake=fake, held_out=held_out)
        for real, fake, held_out in rng.normal(size=(40, 3, 200, 4))
    ]
    share, z, copies, _ = np.mean(results, axis=0)
    assert share == pytest.approx(0.5, abs=0.02)
    assert abs(z) < 0.6
    assert copies == pytest.approx(0.01, abs=0.006)
    # Scores of fresh draws spread as a normal score does.
    assert 0.7 < np.std([result.z for result in results]) < 1.4


class TestByHand:
    # Rows at 0, 1 and 5: nearest others at 1, 1 and 4.
    real = np.array([[0.0], [1.0], [5.0]])

    def test_authenticity(self):
        fake = [[0.5], [2.0], [2.5], [-1.0], [7.0], [10.0]]
        # Distances 0.5, 1, 1.5, 1, 2, 5: two are farther than 1, 1, 4.
        result = memorisation(real=self.real, fake=fake, held_out=None)
        assert result.authenticity == pytest.approx(2 / 6)

    def test_training_images_that_occur_twice(self):
        real = np.concatenate([self.real, self.real])
        same = memorisation(real=real, fake=self.real, held_out=None)
        assert same.authenticity == 0.0
        near = memorisation(real=real, fake=self.real + 0.1, held_out=None)
        assert near.authenticity == 1.0

    def test_held_out_images_that_are_training_images(self):
        result = memorisation(
            real=self.real, fake=self.real, held_out=self.real
        )
        # Copies are then no surprise.
        assert result == (0.5, 0.0, 0.0, 0.0)

    def test_closer_share(self):
        result = memorisation(
            real=self.real, fake=[[0.25], [3.0]], held_out=[[1.25], [6.0]]
        )
        # 0.25 against 0.25 (a tie) and 1; 2 against both.
        assert result.closer_share == (0.5 + 1 + 0 + 0) / 4

    def test_neighbours(self):
        distances, indices = nearest_neighbours(
            real=self.real, fake=[[4.0], [-2.0]], neighbours=2
        )
        np.testing.assert_array_equal(distances, [[1, 3], [2, 3]])
        np.testing.assert_array_equal(indices, [[2, 1], [0, 1]])

    def test_tensors_and_types(self):
        tensor = ops.convert_to_tensor(self.real, "float32")
        result = memorisation(real=tensor, fake=tensor, held_out=tensor)
        assert result == (0.5, 0.0, 0.0, 0.0)
        assert {type(value) for value in result} == {float}

    def test_bytes_do_not_overflow(self):
        real = np.array([[0], [250]], "uint8")
        result = memorisation(
            real=real, fake=np.array([[5]], "uint8"), held_out=None
        )
        assert result.authenticity == 0.0

    def test_mistakes(self):
        with pytest.raises(ValueError, match="two rows at least"):
            memorisation(real=[[1.0]], fake=[[1.0]], held_out=None)
        with pytest.raises(ValueError, match="of the same d"):
            memorisation(real=self.real, fake=[[1.0, 2.0]], held_out=None)
        with pytest.raises(ValueError, match="of the same d"):
            memorisation(real=self.real, fake=self.real, held_out=[[1.0, 2.0]])
        with pytest.raises(TypeError):
            memorisation(self.real, self.real, self.real)


class TestCloser:
    @pytest.mark.parametrize("most", [3, 10_000], ids=["ties", "few_ties"])
    def test_mann_whitney(self, most):
        rng = np.random.default_rng(0)
        first, second = rng.integers(0, most, 60), rng.integers(1, most + 2, 80)
        share, z = closer(first, second)
        expected = scipy.stats.mannwhitneyu(
            second, first, method="asymptotic", use_continuity=False
        )
        assert share == pytest.approx(expected.statistic / (60 * 80))
        assert 2 * scipy.stats.norm.sf(abs(z)) == pytest.approx(expected.pvalue)

    def test_sides(self):
        share, z = closer([1, 2, 3], [4, 5])
        assert share == 1.0 and z > 0
        other, opposite = closer([4, 5], [1, 2, 3])
        assert other == 0.0 and opposite == pytest.approx(-z)

    def test_all_equal(self):
        assert closer([1, 1], [1, 1, 1]) == (0.5, 0.0)
