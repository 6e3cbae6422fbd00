"""Mode coverage: how many of the known modes a generator has kept.

For data whose modes are known: mixtures of Gaussians and stacked digits, the
tests for mode collapse of VEEGAN and PacGAN. Lin et al. 2018, "PacGAN: The
Power of Two Samples in Generative Adversarial Networks", section 4,
https://arxiv.org/abs/1712.04086.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.arrays import pair, to_array
from kerasgan.metrics.neighbours import nearest

# A good sample is nearer to its mode's mean than so many standard deviations.
GOOD_WITHIN = 3.0
_DIGITS = 10
_STACKED = 3


class ModeCoverage(NamedTuple):
    """What samples of a mixture of Gaussians say of a generator.

    Attributes:
        modes: How many modes have a good sample.
        high_quality: Share of the samples that are good, 0 to 1.
        reverse_kl: Of the good samples' modes from the uniform distribution,
            in nats: 0 if all modes are as frequent, log(k) for one of k modes,
            inf without a good sample.
        within_mode_std: Standard deviation of the good samples of a mode, in
            those of the mixture: in two dimensions 0.974 for a perfect sampler
            (good samples are cut off at 3), 0 where each mode has become a
            point, nan where no mode has two good samples.
    """

    modes: int
    high_quality: float
    reverse_kl: float
    within_mode_std: float


class StackedModeCoverage(NamedTuple):
    """What recognised stacked digits say of a generator.

    Attributes:
        modes: How many of the 1,000 numbers occur.
        kl: Of the numbers from the uniform distribution, in nats: 0 to 6.91.
    """

    modes: int
    kl: float


def mode_coverage(*, samples, means, std):
    """Samples [n, d], modes' means [k, d] and their std -> `ModeCoverage`.

    A sample belongs to the mode whose mean is nearest, and is good if it is
    nearer than 3 std (Euclidean distance, in any number of dimensions).

    Raises:
        ValueError: `samples` and `means` differ in d, or `std` is not above 0.
    """
    good, of_mode, counts = _assign(samples, means, std)
    return ModeCoverage(
        modes=int(np.count_nonzero(counts)),
        high_quality=float(counts.sum() / len(samples)),
        reverse_kl=kl_to_uniform(counts),
        within_mode_std=_within_mode_std(good, of_mode, counts) / std,
    )


def mode_counts(*, samples, means, std):
    """As `mode_coverage` -> how many good samples each mode has, int [k]."""
    return _assign(samples, means, std)[2]


def stacked_mode_coverage(*, labels):
    """Labels int [n, 3], the digits of each image -> `StackedModeCoverage`.

    A classifier of digits gives the labels, one for each of the three channels
    (Stacked MNIST, Metz et al. 2017, https://arxiv.org/abs/1611.02163).

    Raises:
        ValueError: Labels are not [n, 3] digits, 0 to 9, with a row at least.
    """
    labels = to_array(labels, dtype=None)
    if not (
        labels.ndim == 2
        and labels.shape[1] == _STACKED
        and len(labels)
        and np.isin(labels, np.arange(_DIGITS)).all()
    ):
        raise ValueError(
            "`labels` must be digits 0 to 9 [n, 3], with a row at least. "
            f"Received: labels.shape={labels.shape}, dtype={labels.dtype}"
        )
    numbers = labels.astype(int) @ [_DIGITS**2, _DIGITS, 1]
    counts = np.bincount(numbers, minlength=_DIGITS**_STACKED)
    return StackedModeCoverage(
        modes=int(np.count_nonzero(counts)), kl=kl_to_uniform(counts)
    )


def kl_to_uniform(counts):
    """Counts [k] -> KL(counts / their sum || uniform), nats; inf if all 0."""
    counts = to_array(counts)
    if not counts.sum():
        return float("inf")
    shares = counts[counts > 0] / counts.sum()
    # Rounding may put an exactly uniform distribution just below 0.
    return max(0.0, float(np.sum(shares * np.log(shares * len(counts)))))


def _assign(samples, means, std):
    """Good samples [g, d], their modes int [g], and counts of modes [k]."""
    means, samples = pair(real=means, fake=samples)
    if not std > 0:
        raise ValueError(f"`std` must be above 0. Received: std={std!r}")
    distances, modes = nearest(queries=samples, references=means)
    good = distances[:, 0] < GOOD_WITHIN * std
    of_mode = modes[good, 0]
    counts = np.bincount(of_mode, minlength=len(means))
    return samples[good], of_mode, counts


def _within_mode_std(good, of_mode, counts):
    """Root mean square by coordinate around the mean of a mode's samples.

    Not around the mixture's mean: points that lie beside it have no spread.
    """
    degrees = np.maximum(counts - 1, 0).sum() * good.shape[1]
    if not degrees:
        return float("nan")
    sums = np.zeros((len(counts), good.shape[1]))
    np.add.at(sums, of_mode, good)
    centres = sums / np.maximum(counts, 1)[:, None]
    return float(np.sqrt(np.sum((good - centres[of_mode]) ** 2) / degrees))
