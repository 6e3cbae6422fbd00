"""Maximum mean discrepancies between two sets of features: KID and CMMD.

    MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y)

Gretton et al. 2012, https://jmlr.org/papers/v13/gretton12a.html, section 2.2.
Unbiased, means within a set leave the diagonal out; estimates then scatter
around the true value, so that those of equal sets are negative half the time.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.arrays import pair
from kerasgan.metrics.distances import slices, squared_distances

# Of a block, in each direction.
ROWS = 2048


class KernelDistance(NamedTuple):
    """Mean and (population) standard deviation over subsets."""

    mean: float
    standard_deviation: float


def kernel_distance(*, real, fake, subsets=100, subset_size=1000, seed=0):
    """Features [n, d], [m, d] -> KID as `KernelDistance`; may be negative.

    The mean of unbiased squared discrepancies of random subsets, with the
    kernel (x.y / d + 1)^3. Binkowski et al. 2018, section 4,
    https://arxiv.org/abs/1801.01401.

    Args:
        subsets: How many.
        subset_size: Rows of each, drawn without replacement; sets with fewer
            rows make it smaller. Its value does not bias the mean.
        seed: For the same subsets as `torch-fidelity` draws: per subset those
            of `fake`, then those of `real`, by `np.random.RandomState`.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    values = _of_subsets(real, fake, subsets, subset_size, seed, _polynomial)
    return KernelDistance(float(np.mean(values)), float(np.std(values)))


def kernel_distance_unbiased(*, real, fake):
    """Features [n, d], [m, d] -> KID of all rows at once; may be negative.

    No draws: the estimate with the least variance. Memory does not grow with
    n m.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    return _discrepancy(real, fake, _polynomial, biased=False)


def clip_mmd(*, real, fake):
    """Embeddings [n, d], [m, d] -> CMMD, 1000 times a squared MMD >= 0.

    With a normal kernel, exp(-|x - y|^2 / 200), and diagonals included: biased
    by at most 1000 (1/n + 1/m). Jayasumana et al. 2024, section 4,
    https://arxiv.org/abs/2401.09603. CLIP embeddings must be of unit length:
    nothing is normalised here.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    return 1000.0 * _discrepancy(real, fake, _normal, biased=True)


def _of_subsets(real, fake, subsets, subset_size, seed, kernel):
    """Unbiased discrepancies of random subsets, float64 [subsets]."""
    size = min(subset_size, len(real), len(fake))
    rng = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        fake_rows = rng.choice(len(fake), size, replace=False)
        real_rows = rng.choice(len(real), size, replace=False)
        values.append(
            _discrepancy(real[real_rows], fake[fake_rows], kernel, biased=False)
        )
    return np.array(values)


def _discrepancy(real, fake, kernel, biased):
    """The squared discrepancy of all rows under a kernel."""
    if not biased and min(len(real), len(fake)) < 2:
        raise ValueError(
            "An unbiased estimate needs pairs: two rows or more. Received: "
            f"{len(real)} of `real`, {len(fake)} of `fake`. Give more samples"
        )
    within = _mean(real, kernel, biased) + _mean(fake, kernel, biased)
    total = sum(
        np.sum(kernel(_rows(real, rows), _rows(fake, columns)))
        for rows in slices(len(real), ROWS)
        for columns in slices(len(fake), ROWS)
    )
    return float(within - 2.0 * total / (len(real) * len(fake)))


def _mean(features, kernel, with_diagonal):
    """The mean kernel of pairs within one set."""
    count, total = len(features), 0.0
    for rows in slices(count, ROWS):
        block = _rows(features, rows)
        values = kernel(block, block)
        total += np.sum(values)
        if not with_diagonal:
            total -= np.trace(values)
        # A kernel is symmetric: what lies above serves for below.
        for columns in slices(count, ROWS, start=rows.stop):
            total += 2.0 * np.sum(kernel(block, _rows(features, columns)))
    return total / (count * count if with_diagonal else count * (count - 1))


def _rows(features, rows):
    return np.asarray(features[rows], "float64")


def _polynomial(x, y):
    """[n, d], [m, d] -> (x.y / d + 1)^3 [n, m]."""
    values = x @ y.T
    values /= x.shape[1]
    values += 1.0
    return values * values * values


def _normal(x, y):
    """[n, d], [m, d] -> exp(-|x - y|^2 / (2 sigma^2)) [n, m], sigma 10."""
    values = squared_distances(x, y)
    values *= -1.0 / (2.0 * 10.0**2)
    return np.exp(values, out=values)
