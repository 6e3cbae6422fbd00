"""What every network that measures images has in common."""

import abc
import hashlib
import os

import keras
import numpy as np
from keras import layers, ops

from kerasgan import devices, storage
from kerasgan.errors import unknown_name


class FeatureNetwork(abc.ABC):
    """Turns images into features, the same ones on every day and machine.

    A subclass gives a frozen float32 Keras model whose outputs are a dict,
    tap -> [n, d], and `prepare`, which makes its input of RGB images.

    Attributes:
        name: "inception_2015", ...
        model: The Keras model, with one output per tap.
        dimensions: Tap -> width of its features.
        resize: Name of the resize protocol, or None where there is none.
        published: Whether the weights' file is the one that everybody uses;
            None of networks that have no such.
    """

    name: str
    resize: str | None = None
    published: bool | None = None
    is_cheap = False  # To look once more costs less than to keep features.

    def __init__(self, model):
        model.trainable = False
        self.model = model
        self.dimensions = {
            tap: output.shape[-1] for tap, output in model.output.items()
        }
        self._of_taps = {}
        self._sha256 = None

    @abc.abstractmethod
    def prepare(self, images):
        """Images uint8 [n, h, w, c] in NumPy -> the model's input."""

    def features(self, images, taps, batch_size=32):
        """Images uint8 [n, h, w, c] -> {tap: float32 NumPy [n, d]}.

        The last batch is filled up, so that there is one compiled shape, and
        what an image gives depends on no other image.

        Args:
            images: One channel is repeated to three; of four, the fourth is
                alpha, and the image is laid over white (rounded to uint8).
            taps: Names in `dimensions`, or one of them.

        Raises:
            ValueError: An unknown tap, or images that are not uint8.
        """
        taps = (taps,) if isinstance(taps, str) else tuple(taps)
        for tap in taps:
            if tap not in self.dimensions:
                raise unknown_name("tap", tap, self.dimensions)
        images, model = self.check(images), self._model_of(taps)
        found = {tap: [] for tap in taps}
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            missing = batch_size - len(batch)
            filled = np.concatenate([batch, batch[-1:].repeat(missing, 0)])
            with devices.full_float32():
                outputs = model.predict_on_batch(self.prepare(filled))
            for tap in taps:
                found[tap].append(
                    np.asarray(outputs[tap], "float32")[: len(batch)]
                )
        return {tap: np.concatenate(parts) for tap, parts in found.items()}

    def check(self, images):
        """Images uint8 [n, h, w, c], c of 1, 3 or 4 -> RGB [n, h, w, 3]."""
        return rgb(images)

    @property
    def weights_sha256(self):
        """SHA-256 of the weights, the same whichever file they came from."""
        if self._sha256 is None:
            self._sha256 = sha256_of(
                {
                    weight.path: ops.convert_to_numpy(weight)
                    for weight in self.model.weights
                }
            )
        return self._sha256

    def describe(self):
        """What a record of a measurement must say of the network."""
        return {
            "name": self.name,
            "weights_sha256": self.weights_sha256,
            "resize": self.resize,
        }

    def flags(self):
        """What a reader must know of it to believe a number."""
        if self.published is not False:
            return []
        return [
            f"{self.name}: its weights are not known to be the published "
            "ones; numbers of others compare only if they are"
        ]

    def save_weights(self, path):
        """Writes a `.weights.h5`; the file is whole or not there."""
        path = os.fspath(path)
        ending = ".weights.h5"
        if not path.endswith(ending):
            raise ValueError(
                f"`path` must end in {ending}. Received: path={path!r}"
            )
        with storage.replacing(path) as part:
            self.model.save_weights(part, overwrite=True)

    def _model_of(self, taps):
        """A model that computes what these taps need, and no more."""
        key = tuple(sorted(set(taps)))
        if key not in self._of_taps:
            outputs = {tap: self.model.output[tap] for tap in key}
            self._of_taps[key] = keras.Model(self.model.inputs, outputs)
        return self._of_taps[key]


def sha256_of(arrays):
    """{name: array} -> SHA-256 over names, shapes and float32 values.

    In the order of the names; values as little-endian bytes, rows first.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(f"{name} {list(array.shape)}\n".encode())
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()


def rgb(images):
    """Images uint8 [n, h, w, c], c of 1, 3 or 4 -> uint8 [n, h, w, 3]."""
    images = check_uint8(images)
    channels = images.shape[-1]
    if channels == 1:
        return images.repeat(3, axis=-1)
    if channels == 3:
        return images
    if channels != 4:
        raise ValueError(
            "`images` must have 1, 3 or 4 channels, in the last axis. "
            f"Received: images.shape={images.shape}"
        )
    alpha = images[..., 3:].astype("uint32")
    over_white = images[..., :3] * alpha + 255 * (255 - alpha)
    return ((over_white + 127) // 255).astype("uint8")


def check_uint8(images):
    """Images as a NumPy array uint8 [n, h, w, c], n > 0, or a ValueError."""
    if not isinstance(images, np.ndarray):
        images = ops.convert_to_numpy(images)
    if images.dtype != np.uint8:
        raise ValueError(
            "`images` must be uint8, 0 to 255, as they are saved: features of "
            "other ranges would silently differ. Received: "
            f"images.dtype={images.dtype}. Images in [-1, 1] become uint8 by "
            "kerasgan.pictures.to_uint8."
        )
    if images.ndim != 4 or not images.size:
        raise ValueError(
            "`images` must have the shape [n, h, w, c], with an image at "
            f"least. Received: images.shape={images.shape}"
        )
    return images


def unit(x, name, width, size, strides=1, padding="same", **normalization):
    """Convolution, normalisation by what was seen in training, ReLU.

    Weights begin as constants: to make a network draws no random number.
    """
    x = layers.Conv2D(
        width,
        size,
        strides,
        padding,
        use_bias=False,
        kernel_initializer="zeros",
        dtype="float32",
        name=name,
    )(x)
    x = layers.BatchNormalization(
        epsilon=1e-3, dtype="float32", name=f"{name}.bn", **normalization
    )(x)
    return ops.relu(x)
