"""Datasets of TensorFlow Datasets, by a small one written here."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from data_files import noise

import kerasgan.data


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """25 images of 7x6 with labels, in train and test; returns data_dir."""
    folder = tmp_path_factory.mktemp("tfds")
    pixels = np.stack([noise(7, 6, seed=i) for i in range(25)])
    labels = np.arange(25) % 3

    def split(start, stop):
        return tf.data.Dataset.from_tensor_slices(
            {"image": pixels[start:stop], "label": labels[start:stop]}
        )

    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_pictures",
        version="1.0.0",
        data_dir=folder,
        split_datasets={"train": split(0, 20), "test": split(20, 25)},
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "label": tfds.features.ClassLabel(names=["a", "b", "c"]),
            }
        ),
        disable_shuffling=True,
    )
    return folder


def test_records_are_the_images_and_labels(tiny):
    for cache_bytes in None, 0:
        data = kerasgan.data.load(
            "tiny_pictures", data_dir=tiny, cache_bytes=cache_bytes
        )
        assert data.in_memory == (cache_bytes is None)
        assert (data.count, data.image_shape) == (20, (7, 6, 3))
        assert (data.name, data.class_names) == (
            "tiny_pictures",
            ("a", "b", "c"),
        )
        for index in range(20):
            pixels = data.pixels([index])[0]
            np.testing.assert_array_equal(pixels, noise(7, 6, seed=index))
        np.testing.assert_array_equal(data.labels(range(20)), np.arange(20) % 3)


def test_parts_of_splits(tiny):
    def load(split):
        return kerasgan.data.load("tiny_pictures", data_dir=tiny, split=split)

    part = load("train[15:18]+test[1:]")
    seeds = [15, 16, 17, 21, 22, 23, 24]
    expected = np.stack([noise(7, 6, seed=seed) for seed in seeds])
    np.testing.assert_array_equal(part.pixels(range(7)), expected)
    assert load("train").fingerprint != load("test").fingerprint
    with pytest.raises(ValueError, match="one of train, test of .*split='val'"):
        load("val")


def test_a_damaged_shard_is_an_error(tiny, tmp_path):
    import shutil

    copy = shutil.copytree(tiny, tmp_path / "copy")
    (shard,) = copy.glob("**/*train*tfrecord*")
    shard.write_bytes(shard.read_bytes()[:-5])
    with pytest.raises(ValueError, match="damaged after 19 records"):
        kerasgan.data.load("tiny_pictures", data_dir=copy)


def test_what_is_not_prepared_is_explained(tmp_path, monkeypatch):
    def offline(*_):
        raise OSError("no address")

    monkeypatch.setattr("socket.getaddrinfo", offline)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with pytest.raises(ValueError, match="must be prepared in") as caught:
        kerasgan.data.load("cifar10", data_dir=tmp_path)
    assert f"data_dir={str(tmp_path)!r}" in str(caught.value)
    assert "tfds build cifar10" in str(caught.value)
    with pytest.raises(ValueError, match="image dataset. .*'imdb_reviews'"):
        kerasgan.data.load("imdb_reviews", data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


def test_mnist_equals_what_tfds_gives(data_dir):
    folder = data_dir / "tfds"
    arguments = {"data_dir": folder, "split": "test"}
    cached = kerasgan.data.load("mnist", **arguments)
    demanded = kerasgan.data.load("mnist", cache_bytes=0, **arguments)
    expected, labels = tfds.load(
        "mnist",
        split="test",
        data_dir=folder,
        batch_size=-1,
        as_supervised=True,
    )
    assert cached.fingerprint == demanded.fingerprint
    indices = range(cached.count)
    np.testing.assert_array_equal(cached.pixels(indices), expected)
    np.testing.assert_array_equal(cached.labels(indices), labels)
    np.testing.assert_array_equal(demanded.pixels(indices), expected)
