"""Images whose frequency bands are amplified, each by a factor of its own.

Karras et al. 2020, appendix B.3, https://arxiv.org/abs/2006.06676.
"""

import numpy as np
from keras import ops

# The scaling filter of the symlet of order 2, which is Daubechies'.
_SYMLET_2 = np.array(
    [
        -0.12940952255092145,
        0.22414386804185735,
        0.836516303737469,
        0.48296291314469025,
    ]
)
COUNT = 4
# Of natural images in each band, the lowest first, as there.
EXPECTED_POWER = np.array([10.0, 1.0, 1.0, 1.0]) / 13.0


def amplified(images, gains):
    """Images [b, h, w, c], gains [b, 4] of bands, low to high -> the same."""
    kernel = ops.matmul(
        ops.cast(gains, images.dtype),
        ops.convert_to_tensor(filter_bank(), images.dtype),
    )
    for axis in (1, 2):
        images = _filtered(images, kernel, axis)
    return images


def filter_bank():
    """The filters of the bands, [4, 43]: together they change nothing."""
    low, high = _SYMLET_2, _SYMLET_2 * np.array([1.0, -1.0, 1.0, -1.0])
    low, high = (np.convolve(taps, taps[::-1]) / 2.0 for taps in (low, high))
    bank = np.eye(COUNT, 1)
    for i in range(1, COUNT):
        stretched = np.zeros((COUNT, 2 * bank.shape[1] - 1))
        stretched[:, ::2] = bank
        bank = np.stack([np.convolve(taps, low) for taps in stretched])
        first = (bank.shape[1] - len(high)) // 2
        bank[i, first : first + len(high)] += high
    return bank


def _filtered(images, kernel, axis):
    """Along an axis, kernels [b, taps], edges reflected."""
    size, taps = images.shape[axis], kernel.shape[1]
    half = taps // 2
    mirrored = np.pad(np.arange(size), half, mode="reflect")
    images = ops.take(images, mirrored.astype("int32"), axis=axis)
    result = 0.0
    for i in range(taps):
        place = [slice(None)] * 4
        place[axis] = slice(i, i + size)
        result += images[tuple(place)] * kernel[:, i, None, None, None]
    return result
