"""How images are brought to the size that a network measures at.

Published numbers differ by this alone: see Parmar et al. 2022, "On Aliased
Resizing and Surprising Subtleties in GAN Evaluation", section 3,
https://arxiv.org/abs/2104.11222. Every protocol but PIL's uint8 one is linear
in rows and in columns, hence two matrices, and runs on every backend.
"""

import functools

import numpy as np
from keras import ops

from kerasgan.errors import unknown_name


def resize(images, size, protocol):
    """Images [n, h, w, c] in 0..255 -> float32 [n, size, size, c], 0..255.

    Args:
        size: Height and width of the result.
        protocol: "legacy_tf", as the graph of the first FID does it (bilinear
            from the corner, no antialiasing); "legacy_torch", as PyTorch's
            does (bilinear between pixels' centres, no antialiasing); "clean",
            as PIL does in float32 (bicubic, antialiased, cut to 0..255).
    """
    if protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    height, width = images.shape[1:3]
    images = ops.cast(images, "float32")
    rows, columns = (
        interpolation_matrix(length, size, protocol)
        for length in (height, width)
    )
    if width != size:
        images = ops.einsum("xw,nhwc->nhxc", columns, images)
    if height != size:
        images = ops.einsum("yh,nhxc->nyxc", rows, images)
    return ops.clip(images, 0.0, 255.0) if protocol == "clean" else images


@functools.lru_cache(maxsize=64)
def interpolation_matrix(length, size, protocol):
    """Weights float32 [size, length] of old pixels in each new one."""
    matrix = PROTOCOLS[protocol](length, size).astype("float32")
    matrix.flags.writeable = False
    return matrix


def pil_bicubic_uint8(images, size):
    """Images uint8 [n, h, w, 3] -> uint8 [n, size, size, 3], by PIL itself.

    Bicubic, antialiased, rounded after each direction: what torchvision's
    Resize makes of a PIL image. It runs on the host.
    """
    from PIL import Image

    return np.stack(
        [
            np.asarray(
                Image.fromarray(image).resize(
                    (size, size), Image.Resampling.BICUBIC
                )
            )
            for image in images
        ]
    )


def _legacy_tf(length, size):
    """TF1's resize_bilinear, align_corners=False; its float32 places count."""
    scale = np.float32(length) / np.float32(size)
    places = np.arange(size, dtype="float32") * scale
    return _bilinear(places, length)


def _legacy_torch(length, size):
    """torch's interpolate(mode="bilinear", align_corners=False)."""
    scale = np.float32(length) / np.float32(size)
    places = (np.arange(size, dtype="float32") + np.float32(0.5)) * scale
    return _bilinear(np.maximum(places - np.float32(0.5), 0), length)


def _bilinear(places, length):
    """Places float32 [size] in 0..length-1 -> weights [size, length]."""
    low = np.minimum(np.floor(places).astype(int), length - 1)
    high = np.minimum(low + 1, length - 1)
    share = (places - low.astype("float32")).astype("float32")
    matrix = np.zeros((len(places), length), "float32")
    new = np.arange(len(places))
    np.add.at(matrix, (new, low), 1 - share)
    np.add.at(matrix, (new, high), share)
    return matrix


def _clean(length, size):
    """PIL's bicubic: Keys' kernel with a = -0.5, widened when it shrinks."""
    scale = length / size
    widening = max(scale, 1.0)
    centres = (np.arange(size) + 0.5) * scale
    # PIL truncates to integers; what would be negative is cut to the edge.
    first = np.maximum((centres - 2 * widening + 0.5).astype(int), 0)
    last = np.minimum((centres + 2 * widening + 0.5).astype(int), length)
    old = np.arange(length)
    weights = _keys((old + 0.5 - centres[:, None]) / widening)
    inside = (old >= first[:, None]) & (old < last[:, None])
    weights = np.where(inside, weights, 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def _keys(x):
    """Keys 1981, "Cubic convolution interpolation", equation 15."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


PROTOCOLS = {
    "legacy_tf": _legacy_tf,
    "legacy_torch": _legacy_torch,
    "clean": _clean,
}
