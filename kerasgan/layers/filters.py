"""Filtered resampling: short FIR filters at twice or half the sampling rate.

Images are x [batch, h, w, c]; beyond their edges they are zero. A filter is
its taps: a sequence for both axes, one after the other, or a matrix [h, w].
All are convolutions with constants, exact to the second derivative.

Karras et al. 2019, https://arxiv.org/abs/1812.04948, brought such filters to
GANs; [1, 3, 3, 1] is StyleGAN2's, R3GAN's and this file's default.
"""

import itertools
import math

import numpy as np
from keras import ops

from kerasgan.errors import unknown_name

TAPS = (1.0, 3.0, 3.0, 1.0)
# A longer filter is cheaper in two passes than as a matrix in one.
_LONGEST_IN_ONE_PASS = 4


def normalized(taps):
    """Taps that sum to 1: what is constant stays as it is."""
    taps = np.asarray(taps, "float64")
    return taps / taps.sum()


def resample(x, taps, up=1, down=1, padding=0, gain=1.0):
    """Up, padded, filtered and down: x [b, h, w, c] -> [b, h', w', c].

    Between its values x gets up - 1 zeros (and as many after the last), then
    `padding`; it is convolved with the taps where they fit, and of the result
    the first of every `down` values stays, times `gain`. That is
    h' = ceil((h * up + sum of padding - len(taps) + 1) / down).

    Args:
        taps: A sequence, or a matrix [h, w]. They are taken as they are, and
            as a convolution has them: the first meets the latest value.
        up, down: An integer, or (vertical, horizontal).
        padding: Zeros on all sides, or (before, after) of both axes, or
            ((top, bottom), (left, right)); negative numbers crop.
        gain: Of values; up * up keeps what is constant where `up` is an
            integer and the taps sum to 1.
    """
    taps = np.asarray(taps, "float64")
    up, down = _pair(up), _pair(down)
    rows, columns = _sides(padding)
    if taps.ndim == 1 and len(taps) <= _LONGEST_IN_ONE_PASS:
        taps = np.outer(taps, taps)
    if taps.ndim == 2:
        return _filter(x, gain * taps, up, down, (rows, columns))
    x = _filter(
        x, gain * taps[:, None], (up[0], 1), (down[0], 1), (rows, (0, 0))
    )
    return _filter(x, taps[None], (1, up[1]), (1, down[1]), ((0, 0), columns))


def double(x, taps=TAPS):
    """x [b, h, w, c] -> [b, 2 h, 2 w, c]; what is constant stays so."""
    length = len(taps)
    padding = ((length + 1) // 2, (length - 2) // 2)
    return resample(x, normalized(taps), up=2, padding=padding, gain=4.0)


def halve(x, taps=TAPS):
    """x [b, h, w, c] -> [b, h / 2, w / 2, c], odd sides rounded up."""
    length = len(taps)
    padding = _with_even_sides(x, (length - 1) // 2, (length - 2) // 2)
    return resample(x, normalized(taps), down=2, padding=padding)


def smooth(x, taps=TAPS):
    """x [b, h, w, c] -> the same shape, filtered."""
    padding = (len(taps) // 2, (len(taps) - 1) // 2)
    return resample(x, normalized(taps), padding=padding)


def convolve(x, kernel, sampling=None, padding="same"):
    """x [b, h, w, c], kernel [k, k, c, out] -> [b, h', w', out].

    Args:
        sampling: None; "double" or "halve" the size, by [1, 3, 3, 1].
        padding: Of a convolution that does neither.
    """
    if check_sampling(sampling) is None:
        return ops.conv(x, kernel, padding=padding)
    resize = convolve_double if sampling == "double" else convolve_halve
    return resize(x, kernel)


def check_sampling(sampling):
    """A kind that `convolve` knows."""
    if sampling not in (None, "double", "halve"):
        raise unknown_name("sampling", sampling, ("double", "halve"))
    return sampling


def convolve_double(x, kernel, taps=TAPS):
    """Convolves at twice the size: x [b, h, w, c] -> [b, 2 h, 2 w, out].

    A transposed convolution with stride 2, then the filter. A value spreads by
    the kernel as it is, not flipped as in a convolution.

    Args:
        kernel: [k, k, c, out], k odd. Where k is 1 the filter comes after, at
            the same result.
    """
    size = kernel.shape[0]
    if size == 1:
        return double(ops.conv(x, kernel, padding="valid"), taps)
    x = ops.conv_transpose(
        x, ops.transpose(kernel, (0, 1, 3, 2)), strides=2, padding="valid"
    )
    # What `double` pads with, and half the kernel, less what is there now.
    half, length = size // 2, len(taps)
    padding = (
        (length + 1) // 2 + half - (size - 1),
        (length - 2) // 2 + half - (size - 2),
    )
    return resample(x, normalized(taps), padding=padding, gain=4.0)


def convolve_halve(x, kernel, taps=TAPS):
    """Convolves to half the size: x [b, h, w, c] -> [b, h / 2, w / 2, out].

    The filter, then a convolution with stride 2; odd sides are rounded up.

    Args:
        kernel: [k, k, c, out], k odd.
    """
    size = kernel.shape[0]
    if size == 1:
        return ops.conv(halve(x, taps), kernel, padding="valid")
    half, length = size // 2, len(taps)
    padding = _with_even_sides(
        x, (length - 1) // 2 + half, (length - 2) // 2 + half
    )
    x = resample(x, normalized(taps), padding=padding)
    return ops.conv(x, kernel, strides=2, padding="valid")


def _pair(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def _sides(padding):
    """-> ((top, bottom), (left, right))."""
    if np.ndim(padding) == 2:
        return tuple(tuple(side) for side in padding)
    return (_pair(padding), _pair(padding))


def _with_even_sides(x, before, after):
    """Padding for half the size; an odd side gets a zero more."""
    return tuple((before, after + side % 2) for side in x.shape[1:3])


def _filter(x, taps, up, down, padding):
    """One pass of a matrix of taps.

    The zeros between values are never there: each of the up * up places
    between them is a convolution of its own, with the taps that it meets.
    """
    axes = [
        _Axis(*arguments)
        for arguments in zip(x.shape[1:3], taps.shape, up, padding, strict=True)
    ]
    x = _pad(x, *(axis.padding for axis in axes))
    strides, left = down, (1, 1)
    # TensorFlow's kernel has one stride for both axes.
    if up != (1, 1) or down[0] != down[1]:
        strides, left = (1, 1), down
    flipped = taps[::-1, ::-1]
    rows = [
        _interleave(
            [
                _convolve(x, axes[0].of(flipped, i, 0), j, axes[1], strides)
                for j in range(up[1])
            ],
            axis=2,
        )
        for i in range(up[0])
    ]
    x = _interleave(rows, axis=1)
    if up != (1, 1):
        x = x[:, : axes[0].outputs, : axes[1].outputs]
    return x[:, :: left[0], :: left[1]] if left != (1, 1) else x


class _Axis:
    """How one axis is resampled: y[up q + i] = sum of taps' x[q + s]."""

    def __init__(self, size, length, up, padding):
        before, after = padding
        self.up, self.before, self.length = up, before, length
        self.outputs = size * up + before + after - length + 1
        # y[m] has x[n] by the flipped tap k = up n + before - m.
        self.first = -(before // up)
        last = (length - 1 + up - 1 - before) // up
        self.shifts = range(self.first, last + 1)
        values = math.ceil(self.outputs / up) + len(self.shifts) - 1
        self.padding = (-self.first, values - size + self.first)

    def of(self, taps, place, axis):
        """The taps that outputs at a place up q + `place` meet, in order."""
        at = [self.up * s + self.before - place for s in self.shifts]
        shape = list(taps.shape)
        shape[axis] = len(at)
        chosen = np.zeros(shape)
        for i, k in enumerate(at):
            if 0 <= k < self.length:
                index = [slice(None)] * 2
                index[axis] = i
                source = list(index)
                source[axis] = k
                chosen[tuple(index)] = taps[tuple(source)]
        return chosen


def _convolve(x, taps, place, axis, strides):
    """A depthwise convolution with the taps of a place along the width."""
    taps = axis.of(taps, place, 1)
    kernel = np.broadcast_to(
        taps[:, :, None, None], (*taps.shape, x.shape[-1], 1)
    )
    return ops.depthwise_conv(
        x,
        ops.convert_to_tensor(kernel, x.dtype),
        strides=strides[0] if strides[0] == strides[1] else strides,
        padding="valid",
    )


def _interleave(parts, axis):
    """Takes values of the parts in turn along an axis."""
    if len(parts) == 1:
        return parts[0]
    x = ops.stack(parts, axis=axis + 1)
    shape = list(parts[0].shape)
    shape[0] = -1
    shape[axis] *= len(parts)
    return ops.reshape(x, shape)


def _pad(x, rows, columns):
    """Adds zeros around the places of x, or crops it where negative."""
    if any(side < 0 for side in itertools.chain(rows, columns)):
        (top, bottom), (left, right) = (
            [max(-side, 0) for side in sides] for sides in (rows, columns)
        )
        _, height, width, _ = x.shape
        x = x[:, top : height - bottom, left : width - right]
    padding = [[max(side, 0) for side in sides] for sides in (rows, columns)]
    if padding == [[0, 0], [0, 0]]:
        return x
    return ops.pad(x, [[0, 0], *padding, [0, 0]])
