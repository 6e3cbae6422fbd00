"""Memorising: has a generator learned its data by heart?

Fidelity and variety do not say: a generator that hands out training images is
perfect in both. What it makes is then nearer to the training data than other
images of the same kind, which were held out, are.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.arrays import pair
from kerasgan.metrics.neighbours import authenticity, nearest

# Nearer than all but this share of held-out images is as near as a copy.
_NEAREST_SHARE = 0.01


class Memorisation(NamedTuple):
    """What nearest training images say of generated ones.

    Attributes:
        closer_share: Probability that a generated image is nearer to the
            training data than a held-out one is; ties count half. 0.5 for
            fresh images, 1 for copies, below 0.5 for images unlike the data.
        z: `closer_share` less 0.5 in its standard deviations under chance;
            above 3 they are nearer than chance, by copying or by blur.
        copies: Share of generated images that are nearer to the training data
            than 99 % of the held-out ones are: 0.01 for fresh images.
        authenticity: Share of generated images that are farther from their
            nearest training image than that one is from its own nearest: 0 for
            copies, 1 for images unlike the data. Fresh images have 0.4 in 2
            dimensions and 0.8 in 64: compare with that of held-out ones.
    """

    closer_share: float
    z: float
    copies: float
    authenticity: float


def memorisation(*, real, fake, held_out):
    """Features or flattened images [n, d], three times -> `Memorisation`.

    `closer_share` and `z` are the Mann-Whitney test of Meehan et al. 2020, "A
    Non-Parametric Test to Detect Data-Copying in Generative Models"
    (C_T without the cells, and of the opposite sign),
    https://arxiv.org/abs/2004.05675; `authenticity` is `neighbours`'s.

    Args:
        real: What the generator was trained on, all of it.
        held_out: Real data that it has not seen; None gives nan for the first
            three.

    Raises:
        ValueError: Widths differ, something is empty, or `real` has one row.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    if held_out is not None:
        real, held_out = pair(real=real, fake=held_out, dtype=None)
    if len(real) < 2:
        raise ValueError(
            "`real` must have two rows at least, to be neighbours. Received: "
            f"real.shape={real.shape}"
        )
    authentic = authenticity(real=real, fake=fake)
    if held_out is None:
        return Memorisation(*3 * [float("nan")], authentic)
    found, expected = (
        nearest_neighbours(real=real, fake=rows)[0][:, 0]
        for rows in (fake, held_out)
    )
    # A distance that occurs: where `held_out` repeats rows of `real` it may be
    # 0, and nothing is nearer.
    near = np.quantile(expected, _NEAREST_SHARE, method="lower")
    copies = float(np.mean(found < near))
    return Memorisation(*closer(found, expected), copies, authentic)


def nearest_neighbours(*, real, fake, neighbours=1):
    """[n, d], [m, d] -> distances, indices [m, k] of the nearest real rows.

    Nearest first. The picture beside each generated image is
    `training_images[indices[:, 0]]`.
    """
    return nearest(queries=fake, references=real, neighbours=neighbours)


def closer(first, second):
    """Distances [n], [m] -> probability that a first is less, normal score.

    Mann and Whitney 1947: ties count half, and the score's variance is
    corrected for them. The score is above 0 if the first are less, and 0 if
    all are equal.
    """
    first, second = np.asarray(first), np.asarray(second)
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first, side="left")
    below_or_equal = np.searchsorted(ordered, first, side="right")
    # Of m, so many are greater than each of the first, half counting ties.
    greater = len(second) - (below + below_or_equal) / 2.0
    share = float(np.mean(greater) / len(second))
    pairs, total = len(first) * len(second), len(first) + len(second)
    _, ties = np.unique(np.concatenate([first, second]), return_counts=True)
    ties = np.sum(ties.astype("float64") ** 3 - ties)
    variance = pairs / 12.0 * (total + 1 - ties / (total * (total - 1.0)))
    if variance <= 0:
        return share, 0.0
    return share, float((share - 0.5) * pairs / np.sqrt(variance))
