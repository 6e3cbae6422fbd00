"""How far two images are apart in people's eyes."""

import functools

import numpy as np

from kerasgan import features
from kerasgan.metrics.arrays import to_array


def lpips(*, real, fake, network=None, batch_size=32):
    """Images [n, h, w, c], pair by pair -> LPIPS float32 [n], 0 if equal.

    Zhang et al. 2018, https://arxiv.org/abs/1801.03924, equation 1, version
    0.1, VGG16.

    Args:
        real: uint8, or floats in [-1, 1]; c is 1 (repeated) or 3; any size
            from 16 px.
        fake: As `real`, of the same shape.
        network: `kerasgan.features.load("lpips_vgg", ...)`; None loads it
            once with the weights that it finds.

    Raises:
        ValueError: Shapes that differ, or values outside of the range.
    """
    real, fake = _images(real, "real"), _images(fake, "fake")
    if real.shape != fake.shape:
        raise ValueError(
            "`real` and `fake` must be pairs of images of one shape. Received: "
            f"real.shape={real.shape}, fake.shape={fake.shape}"
        )
    network = network or _default()
    return network.distances(real=real, fake=fake, batch_size=batch_size)


@functools.cache
def _default():
    return features.load("lpips_vgg")


def _images(images, argument):
    """uint8 or floats in [-1, 1] -> float32 [n, h, w, 3] in [-1, 1]."""
    images = to_array(images, None)
    if (
        images.ndim != 4
        or not len(images)
        or images.shape[-1] not in (1, 3)
        or min(images.shape[1:3]) < 16
    ):
        raise ValueError(
            f"`{argument}` must be images [n, h, w, c] of 1 or 3 channels and "
            f"16 px at least. Received: {argument}.shape={images.shape}"
        )
    if images.dtype == np.uint8:
        images = images.astype("float32") / 127.5 - 1.0
    elif not np.issubdtype(images.dtype, np.floating) or not (
        np.abs(images).max() <= 1.001
    ):
        raise ValueError(
            f"`{argument}` must be uint8, or floats in [-1, 1]. Received: "
            f"{argument}.dtype={images.dtype}, from {images.min()} to "
            f"{images.max()}"
        )
    images = images.astype("float32")
    return images.repeat(3, axis=-1) if images.shape[-1] == 1 else images
