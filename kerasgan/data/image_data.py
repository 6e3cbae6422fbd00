"""Images with a count: batches for training, single ones for looking at."""

import numbers

import numpy as np
import tensorflow as tf

from kerasgan.data import pipeline
from kerasgan.data import report as reports


class ImageData:
    """What `kerasgan.data.load` returns.

    Attributes:
        name: Short, for folder names: "digits", "fashion_mnist", the folder's.
        count: Readable images.
        image_shape: `(height, width, channels)`.
        classes: Number of classes, or None without labels.
        class_names: Tuple of names, or None.
        fingerprint: Hex SHA-256 of the images' content, names, labels and
            preparation. Where the files lie does not matter.
        unreadable: Tuple of (name, reason).
        item_names: Tuple of file names, or None where items have no names.
    """

    def __init__(self, store, image_shape, *, name, count, fingerprint, found):
        self._store = store
        self._labels = found.labels
        self._found = found
        self.name = name
        self.count = count
        self.image_shape = image_shape
        self.fingerprint = fingerprint
        self.unreadable = found.unreadable
        self.item_names = found.item_names
        self.class_names = found.class_names
        self.classes = found.classes

    def __len__(self):
        return self.count

    def __repr__(self):
        shape = "x".join(str(side) for side in self.image_shape)
        classes = "" if self.classes is None else f", {self.classes} classes"
        return f"<ImageData {self.name!r}: {self.count:,} x {shape}{classes}>"

    @property
    def in_memory(self):
        """Whether all images are held decoded."""
        return self._store.in_memory

    @property
    def resized(self):
        """Whether some image had another size before it was prepared."""
        height, width, _ = self.image_shape
        found = self._found
        return bool((found.heights != height).any()) or bool(
            (found.widths != width).any()
        )

    def images(self, indices):
        """Indices [n] -> float32 [n, h, w, c] in [-1, 1], not augmented."""
        pixels = self.pixels(indices)
        return pixels.astype("float32") / np.float32(127.5) - np.float32(1)

    def pixels(self, indices):
        """Indices [n] -> uint8 [n, h, w, c], not augmented."""
        return self._store.take(self._checked(indices))

    def labels(self, indices):
        """Indices [n] -> int32 [n], or None where there are no labels."""
        indices = self._checked(indices)
        return None if self._labels is None else self._labels[indices]

    def dataset(
        self,
        batch_size,
        *,
        seed=0,
        start_images=0,
        total_images=None,
        shuffle=True,
        flip=False,
        rotate_degrees=0.0,
        translate=0.0,
        zoom=0.0,
        shard=(0, 1),
    ):
        """A tf.data.Dataset of float32 [batch_size, h, w, c] in [-1, 1].

        With labels, of {"image": those, "label": int32 [batch_size]}. The
        stream is shuffled epochs laid end to end and cut into whole batches,
        which may span two epochs. It is a function of the arguments: a stream
        that starts at some image gives bit for bit what the uninterrupted one
        gives from there.

        Args:
            seed: Of the order and of the augmentation.
            start_images: Images to skip, in milliseconds.
            total_images: Where the stream ends, counted from image 0 as
                `start_images` is; rounded up to whole batches. None: never.
            flip: Mirror left to right every second image, by chance.
            rotate_degrees: Turn by up to so many degrees, either way.
            translate: Move by up to this share of the height and width.
            zoom: Enlarge or shrink by a factor of up to 1 + zoom.
            shard: (w, n) gives part w of each batch cut into n: what worker w
                of n trains on. All parts together are the batches.
        """
        _check_integer("batch_size", batch_size, 1)
        _check_integer("seed", seed, -(2**63), 2**63 - 1)
        _check_integer("start_images", start_images, 0, 2**60)
        if total_images is not None:
            _check_integer("total_images", total_images, 0, 2**60)
        _check_number("rotate_degrees", rotate_degrees, 180)
        _check_number("translate", translate, 1)
        _check_number("zoom", zoom, 10)
        _check_shard(shard, batch_size)
        return pipeline.batches(
            self._gather,
            count=self.count,
            batch_size=int(batch_size),
            seed=int(seed),
            start_images=int(start_images),
            total_images=None if total_images is None else int(total_images),
            shuffle=shuffle,
            augmentation={
                "flip": bool(flip),
                "rotate_degrees": float(rotate_degrees),
                "translate": float(translate),
                "zoom": float(zoom),
            },
            shard=shard,
        )

    def report(self):
        """What is in the data: a `Report`, made for printing."""
        return reports.make_report(self, self._found)

    def _gather(self, indices):
        images = tf.cast(self._store.gather(indices), tf.float32) / 127.5 - 1.0
        if self._labels is None:
            return images, None
        return images, tf.gather(self._labels, indices)

    def _checked(self, indices):
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype("int64")
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            raise ValueError(
                "`indices` must be a list of integers. Received: "
                f"indices={indices!r}. Of one image, pass `[index]`"
            )
        outside = indices[(indices < 0) | (indices >= self.count)]
        if outside.size:
            raise IndexError(
                f"`indices` must be from 0 to {self.count - 1:,}. Received: "
                f"{outside[0]}"
            )
        return indices


def _check_integer(name, value, low, high=None):
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        raise ValueError(
            f"`{name}` must be an integer of at least {low}. "
            f"Received: {name}={value!r}"
        )


def _check_number(name, value, high):
    if not isinstance(value, numbers.Real) or not 0 <= value <= high:
        raise ValueError(
            f"`{name}` must be a number from 0 (off) to {high}. "
            f"Received: {name}={value!r}"
        )


def _check_shard(shard, batch_size):
    part, parts = shard
    if not 0 <= part < parts or batch_size % parts:
        raise ValueError(
            "`shard` must be (w, n) with w from 0 to n - 1, and n must divide "
            f"`batch_size`. Received: shard={shard!r}, batch_size={batch_size}"
        )
