"""Where prepared images are: all in memory, or decoded when they are wanted.

Both give uint8 [n, h, w, c], to NumPy by `take` and to TensorFlow by `gather`.
"""

import concurrent.futures
import os

import numpy as np
import tensorflow as tf

from kerasgan.data import decoding

THREADS = max(2, os.cpu_count() or 1)


class Memory:
    """All images, prepared, in one tensor."""

    in_memory = True

    def __init__(self, pixels):
        # A captured tensor is an input of the pipeline's functions, not a
        # constant of its graph (which holds 2 GB at most).
        with tf.device("/CPU:0"):
            self._tensor = tf.constant(pixels)

    def take(self, indices):
        # The buffer itself: `.numpy()` would copy all of it.
        return np.asarray(memoryview(self._tensor))[indices]

    def gather(self, indices):
        return tf.gather(self._tensor, indices)


class OnDemand:
    """Images decoded and prepared each time that they are asked for."""

    in_memory = False

    def __init__(self, source, kept, size, channels, crop):
        self._source = source
        self._kept = kept
        self._arguments = (size, channels, crop)
        self._shape = (*size, channels)
        self._threads = concurrent.futures.ThreadPoolExecutor(THREADS)

    def take(self, indices):
        items = self._kept[np.asarray(indices)]
        images = np.empty((len(items), *self._shape), "uint8")

        def fill(places):
            for place in places:
                images[place] = self._image(items[place])

        # A part for each thread: to hand over single images takes as long as
        # to read them.
        parts = np.array_split(np.arange(len(items)), THREADS)
        for _ in self._threads.map(fill, parts):
            pass  # Raises what a thread has raised.
        return images

    def gather(self, indices):
        images = tf.numpy_function(self.take, [indices], tf.uint8)
        return tf.ensure_shape(images, (*indices.shape, *self._shape))

    def _image(self, index):
        try:
            image, _ = self._source.image(index)
            return decoding.prepare(image, *self._arguments)
        except decoding.Unreadable as error:
            raise ValueError(
                f"{self._source.item_name(index)!r} was readable when the data "
                f"was loaded, and no longer is: {error}"
            ) from error
