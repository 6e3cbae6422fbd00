"""Colours under affine maps, of images of three channels or one.

Karras et al. 2020, appendix B.2, https://arxiv.org/abs/2006.06676.
"""

import numpy as np
from keras import ops

# Of what is grey, and white: all channels alike.
_GREY = np.array([1.0, 1.0, 1.0, 0.0]) / np.sqrt(3.0)
_IDENTITY = np.eye(4)
_ALONG = np.outer(_GREY, _GREY)
_WHITE = np.diag([0.0, 0.0, 0.0, 1.0])  # What is added to all channels.
# The cross product with the grey axis.
_ACROSS = np.zeros((4, 4))
_ACROSS[:3, :3] = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3.0)


def recoloured(images, matrix):
    """Images [b, h, w, 3 or 1], matrices [b, 4, 4] -> the same shape.

    A single channel is taken to be three that are alike, whose mean it gets.
    """
    matrix = ops.cast(matrix, images.dtype)
    if images.shape[-1] == 1:
        row = ops.mean(matrix[:, :3], axis=1)
        gain = ops.sum(row[:, :3], axis=1)
        return images * gain[:, None, None, None] + row[:, 3, None, None, None]
    shape = (-1, *images.shape[1:])
    pixels = ops.reshape(images, (-1, np.prod(shape[1:3]), 3))
    pixels = ops.matmul(pixels, ops.transpose(matrix[:, :3, :3], (0, 2, 1)))
    return ops.reshape(pixels + matrix[:, None, :3, 3], shape)


def brightness(added):
    """float [b] -> matrices [b, 4, 4]; so the others."""
    last = np.zeros((4, 4))
    last[:3, 3] = 1.0
    return _sum(_IDENTITY, (added, last))


def contrast(factor):
    return _sum(_WHITE, (factor, _IDENTITY - _WHITE))


def luma_flip(whether):
    """Swaps light and dark, and keeps colours, where 1."""
    return _sum(_IDENTITY, (whether, -2.0 * _ALONG))


def hue(angle):
    """Turns around the grey axis, by radians (Rodrigues' formula)."""
    colours = _IDENTITY - _WHITE - _ALONG
    cos, sin = ops.cos(angle), ops.sin(angle)
    return _sum(_IDENTITY - colours, (cos, colours), (sin, _ACROSS))


def saturation(factor):
    """Times the distance from grey."""
    grey = _WHITE + _ALONG
    return _sum(grey, (factor, _IDENTITY - grey))


def _sum(constant, *terms):
    """A matrix, and pairs of a factor [b] and one -> their sum [b, 4, 4]."""
    dtype = terms[0][0].dtype
    total = ops.convert_to_tensor(constant, dtype)
    for factor, matrix in terms:
        matrix = ops.convert_to_tensor(matrix, dtype)
        total = total + factor[:, None, None] * matrix
    return total
