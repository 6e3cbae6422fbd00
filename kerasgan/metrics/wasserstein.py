"""Sliced Wasserstein distance between patches of images, scale by scale.

Karras et al. 2018, "Progressive Growing of GANs", section 5,
https://arxiv.org/abs/1710.10196: every level of a Laplacian pyramid holds one
band of frequencies, and patches of 7x7 pixels say what local structure there
is. Low at 16 px: alike in the large; low at full size: alike in edges and
noise. Draws are those of the authors' code, in its order.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.arrays import to_array

_SMALLEST_PX = 16
_PATCH_PX = 7
_PATCHES_OF_IMAGE = 128
_REPEATS = 4
_DIRECTIONS = 128
_FILTER = np.array([1, 4, 6, 4, 1], "float32") / 16  # Burt and Adelson 1983.
_CHUNK = 256  # Images that have a pyramid at a time.
_BLOCK = 16  # Directions along which all patches are sorted at a time.


class SlicedWasserstein(NamedTuple):
    """A thousand times the distances, 0 where patches are alike.

    Attributes:
        mean: Over the levels.
        levels: One of each level, from the images' size down to 16 px.
    """

    mean: float
    levels: tuple[float, ...]


def sliced_wasserstein(*, real, fake, seed=0, batch_size=None):
    """Images [n, h, w, c] and [m, h, w, c] -> `SlicedWasserstein`.

    Of any range, and each of its own: patches are normalised by level and
    channel. Compare numbers of one size and equal n and m only: with fewer
    images they are larger, also for two sets of the same kind.

    Args:
        seed: Of patches' places and of directions.
        batch_size: None, or how many images draw their patches' places at a
            time; the official code has a number for each such minibatch.

    Raises:
        ValueError: The images of both differ in shape, or are smaller than
            16 px.
    """
    real, fake = to_array(real, dtype=None), to_array(fake, dtype=None)
    _check(real, fake)
    random = np.random.RandomState(seed)
    sizes = level_sizes(*real.shape[1:3])
    width = real.shape[3] * _PATCH_PX**2
    centres_of_real = _draw_centres(random, len(real), sizes, batch_size)
    # The official code now measures the real images against themselves.
    for _ in sizes:
        _draw_directions(random, width)
    centres_of_fake = _draw_centres(random, len(fake), sizes, batch_size)
    levels = []
    for level in range(len(sizes)):
        distance = distance_along(
            real=normalised(_all_patches(real, centres_of_real, level)),
            fake=normalised(_all_patches(fake, centres_of_fake, level)),
            directions=_draw_directions(random, width),
        )
        levels.append(1000.0 * distance)
    return SlicedWasserstein(float(np.mean(levels)), tuple(levels))


def level_sizes(height, width):
    """Sizes (h, w) of the pyramid's levels, until the next were under 16."""
    smaller, sizes = min(height, width), []
    while smaller >= _SMALLEST_PX:
        sizes.append((height, width))
        height, width = (height + 1) // 2, (width + 1) // 2
        smaller //= 2
    return sizes


def laplacian_pyramid(images, levels):
    """Images [n, h, w, c] -> as many float32 levels, each half as large.

    A level is the image less what the next one, enlarged, knows of it; the
    last is what remains. Burt and Adelson 1983, with the edge mirrored.
    """
    pyramid = [np.asarray(images, "float32")]
    for _ in range(1, levels):
        finer = pyramid[-1]
        coarser = _blurred(finer)[:, ::2, ::2]
        enlarged = np.zeros_like(finer)
        enlarged[:, ::2, ::2] = 4.0 * coarser  # Three of four stay zero.
        pyramid[-1] = finer - _blurred(enlarged)
        pyramid.append(coarser)
    return pyramid


def patches(level, rows, columns):
    """Level [n, h, w, c], centres [n * k], twice -> [n * k, c, 7, 7].

    The k patches of an image follow one another. A patch's last axes are
    columns, then rows: the directions of the official code are laid out so.
    """
    images = np.arange(len(rows)) // (len(rows) // len(level))
    reach = np.arange(_PATCH_PX) - _PATCH_PX // 2
    found = level[
        images[:, None, None],
        rows[:, None, None] + reach,
        columns[:, None, None] + reach[:, None],
    ]
    return found.transpose(0, 3, 1, 2)


def normalised(patches):
    """Patches [n, c, 7, 7] -> float32 [n, c * 49].

    By channel of mean 0 and variance 1; a channel that is constant is 0.
    """
    axes = (0, 2, 3)
    mean = patches.mean(axis=axes, keepdims=True, dtype="float64")
    deviation = patches.std(axis=axes, keepdims=True, dtype="float64")
    deviation[deviation == 0] = 1.0
    mean, deviation = mean.astype("float32"), deviation.astype("float32")
    return ((patches - mean) / deviation).reshape(len(patches), -1)


def distance_along(*, real, fake, directions):
    """Rows [n, d], [m, d], normal draws of directions -> mean distance.

    Along each direction the Wasserstein-1 distance of two lines of points is
    that of their sorted values, with steps of 1/n and 1/m.

    Args:
        directions: A list of float64 [d, k]; columns are brought to length 1.
    """
    ranks_of_real, ranks_of_fake, shares = _steps(len(real), len(fake))
    distances = []
    for draws in directions:
        draws = draws / np.linalg.norm(draws, axis=0)
        draws = draws.T.astype("float32")
        for start in range(0, len(draws), _BLOCK):
            block = draws[start : start + _BLOCK]
            # Sorted in rows, which lie together in memory.
            along_real = np.sort(block @ real.T)[:, ranks_of_real]
            along_fake = np.sort(block @ fake.T)[:, ranks_of_fake]
            gaps = np.abs(along_real - along_fake, dtype="float64")
            distances.append(gaps @ shares)
    return float(np.mean(np.concatenate(distances)))


def _check(real, fake):
    if not (
        real.ndim == fake.ndim == 4
        and real.shape[1:] == fake.shape[1:]
        and real.size
        and fake.size
        and min(real.shape[1:3]) >= _SMALLEST_PX
    ):
        raise ValueError(
            "`real` and `fake` must be images [n, h, w, c] of one size, of "
            f"{_SMALLEST_PX} px at least. Received: real.shape={real.shape}, "
            f"fake.shape={fake.shape}. Enlarge smaller images by whole pixels"
        )


def _draw_centres(random, count, sizes, batch_size):
    """(rows, columns) of all patches by level, each [count * 128]."""
    batch_size = batch_size or count
    reach = _PATCH_PX // 2
    drawn = [([], []) for _ in sizes]
    for start in range(0, count, batch_size):
        number = _PATCHES_OF_IMAGE * min(batch_size, count - start)
        for (height, width), (rows, columns) in zip(sizes, drawn, strict=True):
            columns.append(random.randint(reach, width - reach, number))
            rows.append(random.randint(reach, height - reach, number))
    return [
        (np.concatenate(rows), np.concatenate(columns))
        for rows, columns in drawn
    ]


def _draw_directions(random, width):
    return [random.randn(width, _DIRECTIONS) for _ in range(_REPEATS)]


def _all_patches(images, centres, level):
    """The patches of one level, float32 [n * 128, c, 7, 7].

    Pyramids are made anew for each level: patches are 100 times as large.
    """
    rows, columns = centres[level]
    found = []
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        end = start + len(chunk)
        part = slice(start * _PATCHES_OF_IMAGE, end * _PATCHES_OF_IMAGE)
        pyramid = laplacian_pyramid(chunk, len(centres))
        found.append(patches(pyramid[level], rows[part], columns[part]))
    return np.concatenate(found)


def _blurred(images):
    """The filter along rows and columns, the edge pixel being the mirror."""
    for axis in (1, 2):
        edges = [(0, 0)] * images.ndim
        edges[axis] = (2, 2)
        padded = np.pad(images, edges, mode="reflect")
        length = images.shape[axis]
        images = sum(
            weight * np.take(padded, range(tap, tap + length), axis)
            for tap, weight in enumerate(_FILTER)
        )
    return images


def _steps(first, second):
    """Where two step functions of 1/first and 1/second change.

    Returns:
        Ranks in the first and in the second, int [steps] or all of them, and
        the steps' widths, float64 [steps], of sum 1.
    """
    if first == second:
        return slice(None), slice(None), np.full(first, 1.0 / first)
    # In units of 1 / (first * second), which are exact.
    ends = np.union1d(
        np.arange(1, first + 1) * second, np.arange(1, second + 1) * first
    )
    starts = np.concatenate([[0], ends[:-1]])
    shares = (ends - starts) / (first * second)
    return starts // second, starts // first, shares
