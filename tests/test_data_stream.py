"""The stream of batches: order, resuming, augmentation, speed of skipping."""

import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from data_files import collect, images_folder

import kerasgan.data

AUGMENTED = {
    "flip": True,
    "rotate_degrees": 15.0,
    "translate": 0.1,
    "zoom": 0.2,
}


def numbered(count, size=2):
    """Images whose grey value is their index."""
    pixels = np.arange(count, dtype="uint8")[:, None, None, None]
    return kerasgan.data.load(np.tile(pixels, (1, size, size, 1)))


def pictures(count=7, size=9):
    random = np.random.default_rng(0)
    return kerasgan.data.load(
        random.integers(0, 256, (count, size, size + 2, 3), "uint8")
    )


def order(dataset, batches):
    values = collect(dataset, batches)[:, 0, 0, 0]
    return np.rint((values + 1) * 127.5).astype(int)


def test_batches_have_static_shape_and_range():
    data = kerasgan.data.load("digits")
    dataset = data.dataset(32)
    assert dataset.element_spec["image"].shape == (32, 8, 8, 1)
    assert dataset.element_spec["label"].shape == (32,)
    batch = next(iter(dataset))
    assert batch["image"].dtype == tf.float32
    assert batch["label"].dtype == tf.int32
    assert float(tf.reduce_min(batch["image"])) == -1
    assert float(tf.reduce_max(batch["image"])) == 1


def test_labels_follow_their_images():
    data = kerasgan.data.load(
        (np.arange(9, dtype="uint8")[:, None, None], np.arange(9)[::-1])
    )
    for batch in data.dataset(4, total_images=40):
        image = np.rint((batch["image"].numpy()[:, 0, 0, 0] + 1) * 127.5)
        np.testing.assert_array_equal(image, 8 - batch["label"].numpy())


@pytest.mark.parametrize("batch_size", [4, 10, 25])
def test_every_epoch_visits_each_image_once(batch_size):
    stream = order(numbered(10).dataset(batch_size), 100 // batch_size)
    epochs = stream.reshape(10, 10)
    np.testing.assert_array_equal(np.sort(epochs), [np.arange(10)] * 10)
    assert len({tuple(epoch) for epoch in epochs}) == 10


def test_order_follows_from_the_seed():
    data = numbered(50)
    first = order(data.dataset(50, seed=1), 2)
    np.testing.assert_array_equal(first, order(data.dataset(50, seed=1), 2))
    assert (first != order(data.dataset(50, seed=2), 2)).any()
    # Neither does the seed of one run give the epochs of its neighbour.
    assert (first[50:] != order(data.dataset(50, seed=2), 1)).any()


def test_without_shuffling_the_order_is_that_of_the_items():
    stream = order(numbered(5).dataset(4, shuffle=False, start_images=3), 2)
    np.testing.assert_array_equal(stream, [3, 4, 0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize("batch_size", [3, 16])  # 16: more than the images.
@pytest.mark.parametrize("start", [3, 6, 48, 250, 255, 513])
def test_resumed_stream_is_the_uninterrupted_one(batch_size, start):
    data = pictures()
    whole = collect(
        data.dataset(batch_size, seed=5, **AUGMENTED),
        -(-(start + 3 * batch_size) // batch_size),
    )
    resumed = collect(
        data.dataset(batch_size, seed=5, start_images=start, **AUGMENTED), 2
    )
    expected = whole[start : start + 2 * batch_size]
    np.testing.assert_array_equal(resumed, expected)


def test_batch_size_does_not_change_the_stream():
    data = pictures()
    one = collect(data.dataset(1, **AUGMENTED), 600)
    many = collect(data.dataset(300, **AUGMENTED), 2)
    np.testing.assert_array_equal(one, many)


def test_total_images_counts_from_image_zero_in_whole_batches():
    data = numbered(10)
    for start, total, steps in [
        (0, 12, 3),
        (0, 13, 4),
        (8, 12, 1),
        (12, 12, 0),
    ]:
        dataset = data.dataset(4, start_images=start, total_images=total)
        assert int(dataset.cardinality()) == steps
        assert len(list(dataset)) == steps
    assert int(data.dataset(4).cardinality()) == tf.data.INFINITE_CARDINALITY


def test_skipping_ten_million_images_is_fast():
    data = kerasgan.data.load("digits")
    next(iter(data.dataset(64)))
    started = time.perf_counter()
    next(iter(data.dataset(64, start_images=10_000_000)))
    assert time.perf_counter() - started < 1


def test_flip_mirrors_half_of_the_images():
    data = kerasgan.data.load(np.array([[[0, 255]]], "uint8").repeat(1, axis=0))
    left = collect(data.dataset(500, flip=True), 8)[:, 0, 0, 0]
    assert set(left) == {-1.0, 1.0}
    assert 0.45 < (left == 1).mean() < 0.55


def test_augmentation_moves_within_its_bounds():
    pixels = np.zeros((1, 41, 41, 1), "uint8")
    pixels[:, 18:23, 18:23] = 255
    data = kerasgan.data.load(pixels)
    moved = collect(data.dataset(400, translate=0.2), 1)[..., 0] + 1
    places = np.arange(41)
    weight = moved.sum(axis=(1, 2))
    y = (moved.sum(axis=2) @ places) / weight - 20
    x = (moved.sum(axis=1) @ places) / weight - 20
    for offset in y, x:
        assert 0.18 * 41 < np.abs(offset).max() <= 0.2 * 41 + 0.01
        assert abs(offset.mean()) < 1


def test_zoom_stays_within_its_bounds():
    pixels = np.zeros((1, 61, 61, 1), "uint8")
    pixels[:, 20:41, 20:41] = 255
    data = kerasgan.data.load(pixels)
    zoomed = (collect(data.dataset(400, zoom=0.5), 1) + 1) / 2
    factors = np.sqrt(zoomed.sum(axis=(1, 2, 3))) / 21
    assert 1.4 < factors.max() < 1.52
    assert 1 / 1.52 < factors.min() < 1 / 1.4
    assert 0.95 < np.median(factors) < 1.05


def test_rotation_keeps_the_centre_and_the_angle():
    pixels = np.zeros((1, 65, 65, 1), "uint8")
    pixels[:, 32, 32:] = 255  # A ray from the centre to the right.
    data = kerasgan.data.load(pixels)
    turned = collect(data.dataset(300, rotate_degrees=30), 1)[..., 0] + 1
    y, x = np.mgrid[-32:33, -32:33]
    near = np.hypot(x, y) < 25
    angles = np.degrees(
        np.arctan2(
            (turned * near * y).sum((1, 2)), (turned * near * x).sum((1, 2))
        )
    )
    assert 27 < angles.max() < 31 and -31 < angles.min() < -27
    np.testing.assert_allclose(turned[:, 32, 32], 2, atol=1e-5)


def test_on_demand_equals_memory(tmp_path):
    folder = images_folder(tmp_path, count=9, size=20)
    cached = kerasgan.data.load(folder, size=12)
    demanded = kerasgan.data.load(folder, size=12, cache_bytes=0)
    assert cached.in_memory and not demanded.in_memory
    assert cached.fingerprint == demanded.fingerprint
    np.testing.assert_array_equal(
        cached.images(range(9)), demanded.images(range(9))
    )
    spec = demanded.dataset(4).element_spec
    assert spec.shape == (4, 12, 12, 3)
    arguments = dict(seed=3, start_images=5, **AUGMENTED)
    np.testing.assert_array_equal(
        collect(cached.dataset(4, **arguments), 6),
        collect(demanded.dataset(4, **arguments), 6),
    )


_TWO_REPLICAS = """
import numpy as np, tensorflow as tf, kerasgan.data
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
dataset = kerasgan.data.load("digits").dataset(8, flip=True, total_images=40)
shared_out = strategy.experimental_distribute_dataset(dataset)
for batch, parts in zip(dataset, shared_out, strict=True):
    for key, whole in batch.items():
        local = strategy.experimental_local_results(parts[key])
        assert [len(part) for part in local] == [4, 4]
        np.testing.assert_array_equal(np.concatenate(local), whole)
"""


def test_shards_are_the_parts_of_each_batch():
    data = pictures()

    def batches(**arguments):
        dataset = data.dataset(
            6,
            seed=3,
            start_images=12,
            total_images=36,
            **AUGMENTED,
            **arguments,
        )
        return np.stack(list(dataset.as_numpy_iterator()))

    parts = [batches(shard=(part, 3)) for part in range(3)]
    assert parts[0].shape[:2] == (4, 2)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), batches())
    with pytest.raises(ValueError, match="`shard` must be"):
        data.dataset(6, shard=(0, 4))


@pytest.mark.slow
def test_two_replicas_share_out_each_batch():
    # In a process of its own: logical devices are made before anything else.
    done = subprocess.run(
        [sys.executable, "-c", _TWO_REPLICAS], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"batch_size": 0}, "`batch_size` must be .* Received: batch_size=0"),
        ({"batch_size": 2.5}, "Received: batch_size=2.5"),
        ({"start_images": -1}, "Received: start_images=-1"),
        ({"total_images": 1.5}, "Received: total_images=1.5"),
        ({"seed": "a"}, "Received: seed='a'"),
        ({"rotate_degrees": -3}, "Received: rotate_degrees=-3"),
        ({"translate": 2}, "Received: translate=2"),
        ({"zoom": "much"}, "Received: zoom='much'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        numbered(3).dataset(**{"batch_size": 2, **arguments})


def test_indices_are_checked():
    data = numbered(3)
    with pytest.raises(IndexError, match="from 0 to 2. Received: 3"):
        data.images([0, 3])
    with pytest.raises(ValueError, match=r"pass `\[index\]`"):
        data.images(0)
    assert data.images([]).shape == (0, 2, 2, 1)
    assert data.labels([0]) is None
