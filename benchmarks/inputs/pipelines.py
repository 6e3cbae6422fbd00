"""Batches from the same images by kerasgan, by plain tf.data, and by torch.

All shuffle, bring images to one size, flip by chance, and scale to [-1, 1].
tf.data is written as its guides write it, and resizes bilinearly without
antialiasing; kerasgan and torch (by Pillow) use Lanczos, which costs more.
"""

import json
import pathlib
import subprocess

import psutil
import tensorflow as tf
import tensorflow_datasets as tfds
import timing

from kerasgan import data

AUTOTUNE = tf.data.AUTOTUNE
AHEAD = 5  # Batches that are read before time is taken.
_ALL = 10**12  # Bytes: whatever fits is kept.


def kerasgan(source, size, batch_size, *, kept, data_dir=None):
    """kerasgan's own; `kept` in memory, or decoded each time."""
    images = data.load(
        source, size=size, data_dir=data_dir, cache_bytes=_ALL if kept else 0
    )
    return images.dataset(batch_size, flip=True)


def tf_folder(folder, size, batch_size, *, kept):
    """tf.data of a folder; `kept` by `cache()`, or decoded each time."""

    def decode(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, [size, size])

    images = tf.data.Dataset.list_files(str(folder / "*.jpg"))
    images = images.map(decode, num_parallel_calls=AUTOTUNE)
    if kept:
        images = images.cache()
        for _ in images:  # An epoch fills it, once for all iterators.
            pass
    return _finish(images, batch_size)


def tf_tfds(name, size, batch_size, *, data_dir):
    """tfds as its guide reads it, decoded each time."""
    images = tfds.load(
        name, split="train", data_dir=data_dir, shuffle_files=True
    )
    images = images.map(
        lambda example: tf.image.resize(example["image"], [size, size]),
        num_parallel_calls=AUTOTUNE,
    )
    return _finish(images, batch_size)


def tf_arrays(pixels, batch_size):
    with tf.device("/CPU:0"):
        return _finish(tf.data.Dataset.from_tensor_slices(pixels), batch_size)


def _finish(images, batch_size):
    """Shuffles, augments, batches."""

    def augment(image):
        image = tf.image.random_flip_left_right(image)
        return tf.cast(image, tf.float32) / 127.5 - 1.0

    return (
        images.shuffle(1000)
        .repeat()
        .map(augment, num_parallel_calls=AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
        .prefetch(AUTOTUNE)
    )


def reader(dataset, batches):
    """A dataset -> a function that reads so many batches, and their `Cost`.

    By a new iterator each time: one that waits for its next turn would go on
    reading ahead. Its start, which fills buffers, is not counted.
    """

    def read():
        iterator = iter(dataset)
        _take(iterator, AHEAD)
        return timing.time_once(lambda: _take(iterator, batches))

    return read


def _take(iterator, batches):
    for _ in range(batches):
        next(iterator)


class TorchReader:
    """A DataLoader in a process of torch's own interpreter.

    Called, it takes so many more batches and gives their `Cost`, which counts
    the loader's worker processes.

    Args:
        python: An interpreter that has torch, NumPy and Pillow.
        source: A folder of JPEGs, or an .npy file of pixels.
        workers: Processes beside the one that reads; 0 for none.
    """

    def __init__(self, python, source, size, batch_size, batches, workers):
        script = pathlib.Path(__file__).with_name("torch_loader.py")
        words = [python, script, source, size, batch_size, workers]
        self._process = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._batches = batches
        self._answer()  # It is ready.

    def __call__(self):
        self._read(AHEAD)
        before = self._cpu()
        return timing.Cost(self._read(self._batches), self._cpu() - before)

    def close(self):
        self._process.stdin.close()
        self._process.wait()

    def _read(self, batches):
        self._process.stdin.write(f"{batches}\n")
        self._process.stdin.flush()
        return self._answer()["seconds"]

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("torch's process has ended: see its message")
        return json.loads(line)

    def _cpu(self):
        main = psutil.Process(self._process.pid)
        times = [p.cpu_times() for p in (main, *main.children(recursive=True))]
        return sum(time.user + time.system for time in times)
