"""Nearest neighbours, and what they say about fidelity and variety.

Around every sample lies a ball that reaches to its k-th nearest neighbour of
the same kind; together they stand for where that kind of data lives.
Distances are Euclidean and exact: a tie is a tie whatever the number of rows,
and the size of a block never changes a result. Memory is that of the features
and some 0.3 GB, not of the matrix of distances.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.arrays import pair, to_array
from kerasgan.metrics.distances import SquaredDistances


def nearest(*, queries, references, neighbours=1, exclude_self=False):
    """[n, d], [m, d] -> distances, indices [n, k] of the k nearest, ordered.

    Distances are float64. Of equally near references the first ones count.

    Args:
        neighbours: k.
        exclude_self: `queries` are the references, and none is its own
            neighbour. A copy of it may be.

    Raises:
        ValueError: Widths differ, there are fewer than k references, or
            features are not finite.
    """
    queries, references = to_array(queries, None), to_array(references, None)
    if not (
        queries.ndim == references.ndim == 2
        and queries.shape[1] == references.shape[1]
    ):
        raise ValueError(
            "`queries` and `references` must be [n, d] and [m, d] of the same "
            f"d. Received: queries.shape={queries.shape}, "
            f"references.shape={references.shape}"
        )
    squared, indices = _nearest(queries, references, neighbours, exclude_self)
    return np.sqrt(squared), indices


class PrecisionRecall(NamedTuple):
    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    density: float
    coverage: float


class PRDC(NamedTuple):
    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall(*, real, fake, neighbours=3):
    """Features [n, d], [m, d] -> the shares of fake and of real, in [0, 1].

    Precision is the share of fake samples in the ball of some real one, recall
    the share of real samples in the ball of some fake one; a ball's surface
    belongs to it. Kynkaanniemi et al. 2019, section 3, equations 1 and 2,
    https://arxiv.org/abs/1904.06991.

    Args:
        neighbours: k, the neighbour that a ball reaches to.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    real_radii = _radii(real, neighbours)
    fake_radii = _radii(fake, neighbours)
    return _scores(real, fake, real_radii, fake_radii, None)[0]


def density_coverage(*, real, fake, neighbours=5):
    """Features [n, d], [m, d] -> density >= 0, coverage in [0, 1].

    Density is the number of real balls that a fake sample lies in, on average
    and divided by k: 1 is expected of real data, and more is possible.
    Coverage is the share of real balls with a fake sample in them. A ball's
    surface does not belong to it. Naeem et al. 2020, section 3, equations 3
    and 4, https://arxiv.org/abs/2002.09797.

    Args:
        neighbours: k, the neighbour that a ball reaches to.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    radii = _radii(real, neighbours)
    return _scores(real, fake, None, None, radii, neighbours)[1]


def prdc(*, real, fake, neighbours=3, density_neighbours=5):
    """As `precision_recall` and `density_coverage` say, in one pass.

    Args:
        neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    most = max(neighbours, density_neighbours)
    near, _ = _nearest(real, real, most, exclude_self=True)
    ours, theirs = _scores(
        real,
        fake,
        near[:, neighbours - 1],
        _radii(fake, neighbours),
        near[:, density_neighbours - 1],
        density_neighbours,
    )
    return PRDC(*ours, *theirs)


def realism(*, real, fake, neighbours=3):
    """Features [n, d], [m, d] -> the realism of each fake sample, [m] >= 0.

    The largest ratio of a real ball's radius to the sample's distance from its
    centre, over the balls smaller than the median one: above 1 it lies in one
    of them. A copy's is infinite. Kynkaanniemi et al. 2019, section 5,
    equation 3, https://arxiv.org/abs/1904.06991.

    Args:
        neighbours: k, the neighbour that a ball reaches to.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    radii = _radii(real, neighbours)
    chosen = (np.sqrt(radii) < np.median(np.sqrt(radii))) & (radii > 0.0)
    if not np.any(chosen):
        return np.zeros(len(fake))
    radii = radii[chosen]
    nearest_by_radius = np.full(len(fake), np.inf)
    distances = SquaredDistances(fake, real[chosen])
    for rows, columns, fast, error in distances.blocks():
        scales = radii[columns]
        known = nearest_by_radius[rows]
        reached = np.minimum(known, np.min((fast + error) / scales, axis=1))
        i, j = np.nonzero((fast - error) / scales <= reached[:, None])
        exact = distances.exact(i + rows.start, j + columns.start) / scales[j]
        np.minimum.at(nearest_by_radius, i + rows.start, exact)
    with np.errstate(divide="ignore"):
        return 1.0 / np.sqrt(nearest_by_radius)


def authenticity(*, real, fake):
    """Features [n, d], [m, d] -> the share of authentic fakes, in [0, 1].

    A fake sample is authentic if it is farther from the real one next to it
    than that one is from its own next real one; else it may be a noisy copy.
    Alaa et al. 2022, section 4.3, https://arxiv.org/abs/2102.08921.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    radii = _radii(real, 1)
    squared, indices = _nearest(fake, real, 1)
    return float(np.mean(squared[:, 0] > radii[indices[:, 0]]))


def _radii(features, neighbours):
    """Features [n, d] -> squared distances [n] to the k-th nearest other."""
    return _nearest(features, features, neighbours, exclude_self=True)[0][:, -1]


def _scores(real, fake, real_radii, fake_radii, density_radii, neighbours=1):
    """One pass over all pairs; radii are squared, None leaves a pair out."""
    counts = np.zeros(len(fake), "int64")  # Real balls around a fake.
    precise = np.zeros(len(fake), bool)
    recalled = np.zeros(len(real), bool)
    covered = np.zeros(len(real), bool)
    distances = SquaredDistances(fake, real)
    for rows, columns, fast, error in distances.blocks():
        block = (distances, rows, columns, fast, error)
        if real_radii is not None:
            inside = _within(*block, real_radii[None, columns], np.less_equal)
            precise[rows] |= np.any(inside, axis=1)
            inside = _within(*block, fake_radii[rows, None], np.less_equal)
            recalled[columns] |= np.any(inside, axis=0)
        if density_radii is not None:
            inside = _within(*block, density_radii[None, columns], np.less)
            counts[rows] += np.count_nonzero(inside, axis=1)
            covered[columns] |= np.any(inside, axis=0)
    return (
        PrecisionRecall(float(np.mean(precise)), float(np.mean(recalled))),
        DensityCoverage(
            float(np.mean(counts) / neighbours), float(np.mean(covered))
        ),
    )


def _within(distances, rows, columns, fast, error, limits, compare):
    """Whether exact distances compare so with `limits`; bool [rows, columns].

    Only pairs within the error of their limit are measured exactly.
    """
    inside = fast < limits - error
    i, j = np.nonzero((fast <= limits + error) & ~inside)
    exact = distances.exact(i + rows.start, j + columns.start)
    inside[i, j] = compare(exact, np.broadcast_to(limits, fast.shape)[i, j])
    return inside


def _nearest(queries, references, neighbours, exclude_self=False):
    """As `nearest`, of arrays; gives squared distances."""
    if exclude_self and len(queries) != len(references):
        raise ValueError(
            "`exclude_self` needs `queries` to be the references. Received: "
            f"{len(queries)} queries, {len(references)} references"
        )
    available = len(references) - exclude_self
    if not 1 <= neighbours <= available:
        raise ValueError(
            "`neighbours` must be between 1 and the number of other samples. "
            f"Received: neighbours={neighbours} of {available}. Give more "
            "samples or ask for fewer neighbours"
        )
    best = np.full((len(queries), neighbours), np.inf)
    indices = np.full((len(queries), neighbours), -1)
    distances = SquaredDistances(queries, references)
    for rows, columns, fast, error in distances.blocks():
        if exclude_self:
            own = np.arange(*rows.indices(len(queries)))
            own = own[(own >= columns.start) & (own < columns.stop)]
            fast[own - rows.start, own - columns.start] = np.inf
        i, j = np.nonzero(_may_be_nearest(fast, best[rows], error))
        i, j = i + rows.start, j + columns.start
        if exclude_self:
            i, j = i[i != j], j[i != j]
        squared = distances.exact(i, j)
        best[rows], indices[rows] = _merged(
            best[rows], indices[rows], i - rows.start, j, squared
        )
    return best, indices


def _may_be_nearest(fast, best, error):
    """Which of `fast` [n, m] may be among the k nearest; bool [n, m]."""
    neighbours = best.shape[1]
    close = fast <= (best[:, -1] + error)[:, None]
    if np.count_nonzero(close) > 4 * best.size and fast.shape[1] > neighbours:
        # Nothing is known yet, or what is known was far.
        kth = np.partition(fast, neighbours - 1, axis=1)[:, neighbours - 1]
        close &= fast <= (kth + 2.0 * error)[:, None]
    return close


def _merged(best, indices, i, j, squared):
    """The k best [n, k] of those known and of pairs (i, j), by row."""
    count, neighbours = best.shape
    rows = np.concatenate([np.repeat(np.arange(count), neighbours), i])
    squared = np.concatenate([best.ravel(), squared])
    columns = np.concatenate([indices.ravel(), j])
    order = np.lexsort((columns, squared, rows))
    # A row has its k known ones at least.
    first = np.searchsorted(rows[order], np.arange(count))
    order = order[first[:, None] + np.arange(neighbours)]
    return squared[order], columns[order]
