"""Images under affine maps, without aliasing; reflected beyond their edges.

Karras et al. 2020, appendix B.1, https://arxiv.org/abs/2006.06676: doubled by
a wavelet's filter, read bilinearly, halved by it. Their code pads as far as
the batch asks for; here the doubled reflection is kept for one period and read
modulo that, which gives the same values in a static shape.
"""

import numpy as np
from keras import ops

from kerasgan.augment import places
from kerasgan.layers import filters

# The scaling filter of the symlet of order 6, over the root of 2: Daubechies,
# "Ten lectures on wavelets", 1992, table 8.3 has it to 12 digits.
SYMLET_6 = np.array(
    [
        0.015404109327027373,
        0.0034907120842174702,
        -0.11799011114819057,
        -0.048311742585633,
        0.4910559419267466,
        0.787641141030194,
        0.3379294217276218,
        -0.07263752278646252,
        -0.021060292512300564,
        0.04472490177066578,
        0.0017677118642428036,
        -0.007800708325034148,
    ]
)
_MARGIN_PX = len(SYMLET_6) // 4  # Of what is read, for the last filter.


def moved(images, inverse):
    """Images [b, h, w, c] under affine maps -> [b, h, w, c].

    Args:
        inverse: [b, 3, 3], from places (x, y, 1) of the result, in pixels from
            the centre, to places of the image.
    """
    doubled = _doubled_period(images)
    x, y = _sources(inverse, images.shape[1:3])
    read = _bilinear(doubled, x, y, images.shape[1:3])
    crop = 1 - 2 * _MARGIN_PX + (len(SYMLET_6) - 2) // 2
    return filters.resample(
        read,
        filters.normalized(SYMLET_6)[::-1],
        down=2,
        padding=(crop - 1, crop - 1),
    )


def _doubled_period(images):
    """[b, h, w, c] -> [b, 4 (h - 1), 4 (w - 1), c]: once there and back."""
    around = _MARGIN_PX + 1
    for axis in (1, 2):
        size = images.shape[axis]
        period = max(2 * (size - 1), 1)
        there = np.arange(-around, period + around) % period
        back = np.minimum(there, period - there)
        images = ops.take(images, back.astype("int32"), axis=axis)
    doubled = filters.double(images, SYMLET_6)
    inside = slice(2 * around, -2 * around)
    return doubled[:, inside, inside]


def _sources(inverse, size):
    """Where in the doubled image each place of the result comes from.

    -> x, y [b, 2 h + 4 m, 2 w + 4 m], m the margin in pixels.
    """
    height, width = size
    columns, rows = (
        np.arange(2 * (side + 2 * _MARGIN_PX)) + 1.0 - (side + 2 * _MARGIN_PX)
        for side in (width, height)
    )
    # In halves of pixels, from the centre; the matrix is in pixels.
    columns = ops.convert_to_tensor(columns / 2.0, inverse.dtype)
    rows = ops.convert_to_tensor(rows / 2.0, inverse.dtype)

    def source(row, side):
        factors = inverse[:, row, :, None, None]
        across = factors[:, 0] * columns[None, None, :]
        down = factors[:, 1] * rows[None, :, None]
        return 2.0 * (across + down + factors[:, 2]) + (side - 1.0)

    return source(0, width), source(1, height)


def _bilinear(doubled, x, y, size):
    """Reads a period [b, 4 (h - 1), 4 (w - 1), c] at any x, y [b, h', w']."""
    left, top = ops.floor(x), ops.floor(y)
    right_share, bottom_share = (x - left), (y - top)
    result = 0.0
    for down in (0, 1):
        for along in (0, 1):
            columns = ops.cast(left, "int32") + along
            rows = ops.cast(top, "int32") + down
            across = right_share if along else 1.0 - right_share
            below = bottom_share if down else 1.0 - bottom_share
            values = places.at(
                doubled,
                rows % doubled.shape[1],
                columns % doubled.shape[2],
            )
            seen = ops.logical_and(
                _reflected_once(rows, size[0]),
                _reflected_once(columns, size[1]),
            )
            weight = ops.where(seen, across * below, 0.0)
            result += values * ops.cast(weight[..., None], values.dtype)
    return result


def _reflected_once(place, size):
    """Beyond the first reflection on each side there is nothing."""
    most = 2 * (size - 1)
    return ops.logical_and(place >= -most, place < 2 * size + most)


def translation(x, y):
    """float [b] each -> matrices [b, 3, 3]; so the others."""
    one, zero = ops.ones_like(x), ops.zeros_like(x)
    return _matrix([[one, zero, x], [zero, one, y], [zero, zero, one]])


def scaling(x, y):
    one, zero = ops.ones_like(x), ops.zeros_like(x)
    return _matrix([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def rotation(angle):
    """By radians, counterclockwise where y goes up."""
    one, zero = ops.ones_like(angle), ops.zeros_like(angle)
    cos, sin = ops.cos(angle), ops.sin(angle)
    return _matrix([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def _matrix(rows):
    return ops.stack([ops.stack(row, axis=-1) for row in rows], axis=-2)
