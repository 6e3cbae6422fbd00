"""Squared distances between the rows of two tables, fast or exact.

A matrix product gives them all in float64, up to an error that is known; what
depends on less than that error is settled by differences, pair by pair.
"""

import functools
import hashlib

import numpy as np

# Of a block; rows of 4,096 numbers then take 0.3 GB beside the tables.
ROWS = 2048
COLUMNS = 2048
# Numbers that are subtracted at once, to stay in the processor's cache.
DIFFERENCES = 1 << 18


def squared_distances(queries, references):
    """float64 [n, d], [m, d] -> [n, m]; off by rounding, maybe negative."""
    return _left(queries) @ _right(references).T


class SquaredDistances:
    """Between queries [n, d] and references [m, d] of any real dtype.

    Neither table is copied; blocks of rows are cast to float64.

    Raises:
        ValueError: Some number is not finite; while blocks are made.
    """

    def __init__(self, queries, references):
        self._queries = queries
        self._references = references
        # Distances are the same around any centre, and errors least here.
        self._centre = references.mean(axis=0, dtype="float64")

    def blocks(self):
        """Yields rows, columns (slices), distances [rows, columns], error.

        Distances may be off by as much as `error`, and may be negative.
        """
        for rows in slices(len(self._queries), ROWS):
            left = _left(self._queries[rows], self._centre)
            for columns in slices(len(self._references), COLUMNS):
                right = _right(self._references[columns], self._centre)
                error = self._error(left[:, -2].max() + right[:, -1].max())
                yield rows, columns, left @ right.T, error

    def exact(self, rows, columns):
        """Indices [pairs] of both tables -> distances [pairs] by differences.

        A function of the two rows alone, and the same from either side.
        """
        if len(rows) < 16 * ROWS:
            return self._by_differences(rows, columns)
        # A collapsed generator repeats itself: measure equal pairs once.
        width = len(self._references)
        keys = self._first_queries[rows] * width
        keys += self._first_references[columns]
        keys, places = np.unique(keys, return_inverse=True)
        return self._by_differences(keys // width, keys % width)[places]

    def _error(self, norms):
        """The most that d + 2 products and sums can round away.

        Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1,
        for either way of measuring, and |q||r| <= (|q|^2 + |r|^2) / 2.
        """
        rounding = np.finfo("float64").eps
        return 4.0 * (len(self._centre) + 16) * rounding * norms

    def _by_differences(self, rows, columns):
        squared = np.empty(len(rows))
        step = max(1, DIFFERENCES // len(self._centre))
        for part in slices(len(rows), step):
            differences = np.subtract(
                self._queries[rows[part]],
                self._references[columns[part]],
                dtype="float64",
            )
            np.square(differences, out=differences)
            # Its order of summation depends on d only, unlike a product's.
            np.sum(differences, axis=1, out=squared[part])
        return squared

    @functools.cached_property
    def _first_queries(self):
        return _first_equal(self._queries)

    @functools.cached_property
    def _first_references(self):
        return _first_equal(self._references)


def slices(count, step, start=0):
    """Slices of `step` at most, from `start` to `count`."""
    for first in range(start, count, step):
        yield slice(first, min(first + step, count))


def _left(rows, centre=0.0):
    """Rows q [n, d] -> [-2 q, |q|^2, 1], whose product with `_right` is
    |q|^2 + |r|^2 - 2 q.r."""
    terms = _terms(rows, centre)
    terms[:, :-2] *= -2.0
    return terms


def _right(rows, centre=0.0):
    """Rows r [n, d] -> [r, 1, |r|^2]."""
    terms = _terms(rows, centre)
    terms[:, -2:] = terms[:, [-1, -2]]
    return terms


def _terms(rows, centre):
    """Rows x [n, d] -> around the centre: [x, |x|^2, 1]."""
    terms = np.ones((len(rows), rows.shape[1] + 2))
    centred = terms[:, :-2]
    np.subtract(rows, centre, out=centred)
    norms = np.einsum("nd,nd->n", centred, centred)
    if not np.all(np.isfinite(norms)):
        raise ValueError(
            "Features must be finite to have distances. Received: "
            f"{np.sum(~np.isfinite(norms))} rows of {len(norms)} with NaN or "
            "infinity"
        )
    terms[:, -2] = norms
    return terms


def _first_equal(table):
    """Rows [n, d] -> the index of the first row with the same bytes [n]."""
    seen = {}
    return np.array(
        [
            seen.setdefault(
                hashlib.blake2b(row.tobytes(), digest_size=16).digest(), index
            )
            for index, row in enumerate(table)
        ]
    )
