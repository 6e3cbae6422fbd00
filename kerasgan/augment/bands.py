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
_EXPECTED_POWER = np.array([10.0, 1.0, 1.0, 1.0]) / 13.0


def amplified(images, factors):
    """Images [b, h, w, c], factors [b, 4] of bands, low to high -> the same."""
    kernel = ops.matmul(
        ops.cast(_gains(factors), images.dtype),
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


def _gains(factors):
    """A factor for each band [b, 4] -> the gains of all, at equal power.

    Each is applied by itself: the others shrink, so that as much is expected.
    """
    gains = 1.0
    power = ops.convert_to_tensor(_EXPECTED_POWER, factors.dtype)
    for i in range(COUNT):
        alone = ops.one_hot(i, COUNT, dtype=factors.dtype)
        gain = 1.0 + alone * (factors[:, i, None] - 1.0)
        total = ops.sum(power * ops.square(gain), axis=-1, keepdims=True)
        gains = gains * gain / ops.sqrt(total)
    return gains


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
