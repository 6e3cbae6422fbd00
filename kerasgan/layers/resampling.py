"""Twice as large, and half as large: exact to the second derivative.

Keras' bilinear `UpSampling2D` has no second derivative on TensorFlow.
"""

import math

from keras import ops

from kerasgan.errors import unknown_name


def upsample(x, kind):
    """x [batch, h, w, c] -> [batch, 2 h, 2 w, c]; "nearest" or "bilinear"."""
    if kind == "nearest":
        return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
    check_upsampling(kind)
    return _double_linearly(_double_linearly(x, axis=1), axis=2)


def check_upsampling(kind):
    """A kind that `upsample` knows."""
    if kind not in ("nearest", "bilinear"):
        raise unknown_name("upsampling", kind, ("nearest", "bilinear"))
    return kind


def average_pool(x):
    """x [batch, h, w, c] -> means of 2x2 pixels; odd sides round up.

    The last of an odd number of rows or columns is averaged by itself.
    """
    return ops.mean(_quarters(x), axis=(2, 4))


def max_pool(x):
    """x [batch, h, w, c] -> the largest of 2x2 pixels; odd sides round up."""
    return ops.max(_quarters(x), axis=(2, 4))


def pool_to(x, size):
    """x [batch, h, w, c] -> means of size x size parts of it.

    Parts overlap, or repeat, where sides are no multiples of `size`: PyTorch's
    adaptive pooling.
    """
    for axis in (1, 2):
        side = x.shape[axis]
        means = []
        for i in range(size):
            part = slice(i * side // size, -(-(i + 1) * side // size))
            part = x[:, part] if axis == 1 else x[:, :, part]
            means.append(ops.mean(part, axis=axis, keepdims=True))
        x = ops.concatenate(means, axis=axis)
    return x


def crop(x, size):
    """x [batch, h, w, c] -> its first rows and columns, `size` of them."""
    height, width = size
    return x[:, :height, :width]


def _quarters(x):
    """x [batch, h, w, c] -> 2x2 pixels apart [batch, h / 2, 2, w / 2, 2, c]."""
    _, height, width, channels = x.shape
    if height % 2:
        x = ops.concatenate([x, x[:, -1:]], axis=1)
    if width % 2:
        x = ops.concatenate([x, x[:, :, -1:]], axis=2)
    rows, columns = math.ceil(height / 2), math.ceil(width / 2)
    return ops.reshape(x, (-1, rows, 2, columns, 2, channels))


def _double_linearly(x, axis):
    """Two new values in each old one's place, a quarter of a step aside.

    Half-pixel centres, the edge repeated: PyTorch's `align_corners=False`.
    """
    shape = list(x.shape)
    first, rest = ops.split(x, [1], axis=axis)
    body, last = ops.split(x, [shape[axis] - 1], axis=axis)
    before = ops.concatenate([first, body], axis=axis)
    after = ops.concatenate([rest, last], axis=axis)
    pairs = ops.stack(
        [0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1
    )
    shape[0] = -1
    shape[axis] *= 2
    return ops.reshape(pairs, shape)
