"""A classifier of small images: how good, how exact, how it is kept."""

import keras
import numpy as np
import pytest

from kerasgan import features
from kerasgan.features import classifier as classifier_module
from kerasgan.features.classifier import (
    Classifier,
    load_classifier,
    train_classifier,
)


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.round(data.images * (255 / 16)).astype("uint8")
    return images[..., None], data.target


@pytest.fixture(scope="module")
def trained(digits):
    return train_classifier(*digits, 10, steps=200, held_out_share=0.3)


def _stripes(count, shape=(12, 9, 2), seed=0):
    """Images of two classes, one of them striped."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 100, (count, *shape))
    images[labels == 1, ::2] += 100
    return images.astype("uint8"), labels


class TestTraining:
    def test_knows_digits_it_has_not_seen(self, trained):
        assert trained.held_out_accuracy > 0.95

    def test_its_accuracy_is_that_of_its_predictions(self, trained, digits):
        images, labels = digits[0][:300], digits[1][:300]
        right = trained.predict(images) == labels
        assert trained.accuracy(images, labels) == right.mean()

    def test_the_same_seed_gives_the_same_weights(self):
        first, again, other = (
            train_classifier(*_stripes(64), 2, steps=4, batch_size=16, seed=s)
            for s in (1, 1, 2)
        )
        assert first.weights_sha256 == again.weights_sha256
        assert first.weights_sha256 != other.weights_sha256

    def test_a_training_leaves_earlier_classifiers_alone(self, trained, digits):
        before = trained.features(digits[0][:8], ["logits"])["logits"]
        train_classifier(*digits, 10, steps=2, seed=5)
        after = trained.features(digits[0][:8], ["logits"])["logits"]
        np.testing.assert_array_equal(before, after)

    def test_global_draws_are_left_alone(self):
        keras.utils.set_random_seed(3)
        expected = np.array(keras.random.normal((3,)))
        keras.utils.set_random_seed(3)
        train_classifier(*_stripes(32), 2, steps=2, batch_size=16)
        np.testing.assert_array_equal(keras.random.normal((3,)), expected)

    def test_fewer_images_than_a_batch(self):
        classifier = train_classifier(
            *_stripes(10), 2, steps=30, batch_size=32, held_out_share=0
        )
        assert classifier.held_out_accuracy is None
        assert classifier.accuracy(*_stripes(50, seed=1)) > 0.9

    @pytest.mark.parametrize(
        "labels",
        [[0, 1, 2, 2], [0, 1, 1, -1], [0, 1, 1], [0.0, 1.0, 1.0, 0.0]],
        ids=["too_great", "negative", "too_few", "floats"],
    )
    def test_labels_must_fit(self, labels):
        images, _ = _stripes(4)
        with pytest.raises(ValueError, match="`labels` must be an integer"):
            train_classifier(images, labels, 2)


class TestFeatures:
    def test_shapes_and_names(self, trained, digits):
        found = trained.features(digits[0][:5], ["features", "logits"])
        assert trained.dimensions == {"features": 64, "logits": 10}
        assert found["features"].shape == (5, 64)
        assert found["logits"].dtype == np.float32
        assert trained.describe() == {
            "name": "classifier",
            "weights_sha256": trained.weights_sha256,
            "resize": None,
            "held_out_accuracy": trained.held_out_accuracy,
        }
        assert not trained.flags()

    def test_a_bad_one_is_flagged(self):
        images, labels = _stripes(60)
        guessing = train_classifier(images, labels, 2, steps=1)
        guessing.held_out_accuracy = 0.5
        assert "right on 50.0%" in guessing.flags()[0]

    @pytest.mark.parametrize("batch_size", [1, 3, 7, 64])
    def test_the_batch_size_does_not_matter(self, trained, digits, batch_size):
        images = digits[0][:7]
        whole = trained.features(images, ["features"], batch_size=7)
        parts = trained.features(images, ["features"], batch_size=batch_size)
        scale = np.abs(whole["features"]).max()
        np.testing.assert_allclose(
            parts["features"], whole["features"], rtol=0, atol=1e-6 * scale
        )

    def test_images_must_be_those_it_was_trained_on(self, trained, digits):
        with pytest.raises(ValueError, match="must be uint8"):
            trained.predict(digits[0][:2] / 255.0)
        with pytest.raises(ValueError, match=r"\[n, 8, 8, 1\]"):
            trained.predict(digits[0][:2].repeat(3, -1))
        with pytest.raises(ValueError, match="Did you mean 'logits'"):
            trained.features(digits[0][:2], ["logit"])

    def test_is_trained_alike_whatever_the_policy(self, digits):
        images, labels = digits[0][:200], digits[1][:200]
        before = keras.config.dtype_policy()
        weights = []
        for policy in ("float32", "mixed_float16"):
            classifier_module._trainer.cache_clear()
            keras.config.set_dtype_policy(policy)
            try:
                found = train_classifier(images, labels, 10, steps=3)
            finally:
                keras.config.set_dtype_policy(before)
            weights.append(found.model.get_weights())
        classifier_module._trainer.cache_clear()
        for one, other in zip(*weights, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_low_precision_policies_do_not_reach_it(self, trained, digits):
        images = digits[0][:4]
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            mixed = Classifier((8, 8, 1), 10)
            mixed.model.set_weights(trained.model.get_weights())
            logits = mixed.model(mixed.prepare(images))["logits"]
        finally:
            keras.config.set_dtype_policy(before)
        np.testing.assert_array_equal(
            logits, trained.model(trained.prepare(images))["logits"]
        )


class TestFiles:
    def test_saved_and_loaded(self, trained, digits, tmp_path):
        path = tmp_path / "digits.npz"
        trained.save(path)
        assert [file.name for file in tmp_path.iterdir()] == ["digits.npz"]
        loaded = features.load("classifier", path)
        assert loaded.weights_sha256 == trained.weights_sha256
        assert loaded.held_out_accuracy == trained.held_out_accuracy
        np.testing.assert_array_equal(
            loaded.predict(digits[0][:50]), trained.predict(digits[0][:50])
        )

    def test_changed_weights_are_refused(self, trained, tmp_path):
        path = tmp_path / "digits.npz"
        trained.save(path)
        with np.load(path) as file:
            arrays = dict(file)
        arrays["logits/bias"] = arrays["logits/bias"] + np.float32(1e-3)
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match="those that were saved"):
            load_classifier(path)

    @pytest.mark.parametrize("share", [0.0, 0.5])
    def test_torn_files_are_refused(self, trained, tmp_path, share):
        path = tmp_path / "digits.npz"
        trained.save(path)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match="Classifier.save wrote"):
            load_classifier(path)

    def test_a_file_is_needed(self):
        with pytest.raises(ValueError, match="must be the file"):
            features.load("classifier")
        with pytest.raises(FileNotFoundError):
            features.load("classifier", "nowhere.npz")
