"""Distances between what was made and what should have been."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import gradients
from kerasgan.reconstruction import L1, L2, FeatureMatching

CASES = {
    "l1": L1(),
    "l2": L2(),
    "feature_matching_means": FeatureMatching(),
    "feature_matching_pairs": FeatureMatching("pairs"),
}


def _pair(shape=(3, 4, 5, 2), dtype="float32"):
    rng = np.random.default_rng(0)
    return [
        ops.cast(ops.convert_to_tensor(x, "float32"), dtype)
        for x in rng.normal(size=(2, *shape))
    ]


class TestPixels:
    @pytest.mark.parametrize(
        "distance, of", [(L1(), np.abs), (L2(), np.square)], ids=["l1", "l2"]
    )
    @pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 4, 5, 2)])
    def test_is_the_mean_by_example(self, distance, of, shape):
        real, fake = _pair(shape)
        values = distance(real=real, fake=fake)
        assert values.shape == (3,)
        expected = of(np.array(fake) - np.array(real)).reshape(3, -1).mean(1)
        np.testing.assert_allclose(values, expected, rtol=1e-6)

    @pytest.mark.parametrize("distance", [L1(), L2()], ids=["l1", "l2"])
    def test_zero_and_symmetric(self, distance):
        real, fake = _pair()
        np.testing.assert_array_equal(distance(real=real, fake=real), 3 * [0])
        np.testing.assert_array_equal(
            distance(real=real, fake=fake), distance(real=fake, fake=real)
        )

    @pytest.mark.parametrize("distance", [L1(), L2()], ids=["l1", "l2"])
    def test_low_precision_is_measured_in_float32(self, distance):
        real, fake = _pair(dtype="bfloat16")
        values = distance(real=real, fake=fake)
        exact = distance(
            real=ops.cast(real, "float32"), fake=ops.cast(fake, "float32")
        )
        np.testing.assert_array_equal(values, exact)
        assert keras.backend.standardize_dtype(values.dtype) == "float32"


class TestFeatureMatching:
    def test_means_by_hand(self):
        real = [np.array([[1.0, 3.0], [3.0, 5.0]]), np.array([[1.0], [2.0]])]
        fake = [np.array([[0.0, 0.0], [0.0, 4.0]]), np.array([[1.0], [4.0]])]
        values = FeatureMatching()(real=real, fake=fake)
        # Means (2, 4) against (0, 2), and 1.5 against 2.5.
        np.testing.assert_allclose(values, 2 * [(4.0 + 1.0) / 2])

    def test_pairs_by_hand(self):
        real = [np.array([[1.0, 3.0], [3.0, 5.0]]), np.array([[1.0], [2.0]])]
        fake = [np.array([[0.0, 0.0], [0.0, 4.0]]), np.array([[1.0], [4.0]])]
        values = FeatureMatching("pairs")(real=real, fake=fake)
        np.testing.assert_allclose(values, [(2.0 + 0.0) / 2, (2.0 + 2.0) / 2])

    def test_means_ignore_the_order_of_examples_and_pairs_do_not(self):
        real, fake = _pair()
        turned = fake[::-1]
        for compare, alike in (("means", True), ("pairs", False)):
            distance = FeatureMatching(compare)
            same = np.allclose(
                distance(real=[real], fake=[fake]),
                distance(real=[real], fake=[turned]),
            )
            assert same == alike

    @pytest.mark.parametrize("compare", ["means", "pairs"])
    def test_only_fake_features_carry_gradients(self, compare):
        distance = FeatureMatching(compare)
        to_real, to_fake = gradients.of_inputs(
            lambda pair: distance(real=[pair[0]], fake=[pair[1]]),
            tuple(_pair()),
        )
        assert np.all(np.array(to_real) == 0)
        assert np.all(np.abs(to_fake) > 0)

    def test_layers_must_match(self):
        real, fake = _pair()
        with pytest.raises(ValueError):
            FeatureMatching()(real=[real, real], fake=[fake])

    def test_unknown_comparison(self):
        with pytest.raises(ValueError, match="Did you mean 'means'"):
            FeatureMatching("mean")


@pytest.mark.parametrize("distance", CASES.values(), ids=CASES)
class TestEvery:
    def test_arguments_are_keywords(self, distance):
        with pytest.raises(TypeError):
            distance(*_pair())

    def test_serialization_keeps_every_argument(self, distance):
        config = keras.saving.serialize_keras_object(distance)
        config = json.loads(json.dumps(config))
        assert keras.saving.deserialize_keras_object(config) == distance
