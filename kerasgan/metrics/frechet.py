"""Frechet distance between two sets of features: FID's formula, and FD.

    |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^1/2 S2 S1^1/2)^1/2)

for means m and covariances S: the squared 2-Wasserstein distance of two normal
distributions. Dowson and Landau 1982; Heusel et al. 2017, equation 6,
https://arxiv.org/abs/1706.08500.

The trace of the root is the sum of the singular values of A B^T, for A^T A = S1
and B^T B = S2. That is exact to rounding, for it squares nothing; A and B are
the centred features themselves if there are few rows, else triangles. Where
these cost too much (more rows than columns, and many columns), it comes from
the eigenvalues of the symmetric product: then a direction without variance
adds noise of 1e-8 of the largest deviation. Nothing is added to covariances,
and the distance is not cut at zero: that of a set from itself may be -1e-13.
"""

import functools
from typing import NamedTuple

import numpy as np

from kerasgan.metrics.arrays import pair, to_array

# A triangle of 50,000 rows then takes 1.2 seconds of one core.
WIDEST_ROOT = 256


def frechet_distance(*, real, fake, ddof=1):
    """Features [n, d], [m, d] -> squared distance >= 0, up to rounding.

    Args:
        ddof: 1 divides covariances by n - 1, as most implementations; 0 by n,
            as StyleGAN's.

    Raises:
        ValueError: Shapes differ, there are no more than `ddof` rows, or
            some number is not finite.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    return _distance(_Sample(real, ddof), _Sample(fake, ddof))


def frechet_distance_of_moments(*, real, fake):
    """Two `Moments` of the same d -> squared distance, as `frechet_distance`.

    Raises:
        ValueError: Widths differ, or there are fewer than two rows.
    """
    for side in (real, fake):
        _check_rows(side.count, 1)
    if real.mean.shape != fake.mean.shape:
        raise ValueError(
            "`real` and `fake` must be moments of features of the same width. "
            f"Received: real.mean.shape={real.mean.shape}, "
            f"fake.mean.shape={fake.mean.shape}"
        )
    traces = np.trace(real.covariance) + np.trace(fake.covariance)
    cross = _trace(_root(real.covariance), fake.covariance)
    return _total(real, fake, traces, cross)


def frechet_distance_infinity(*, real, fake, sizes=None, seed=0):
    """Features [n, d], [m, d] -> what the distance tends to as m grows.

    The distance of the first s of m shuffled fake samples is nearly linear in
    1/s; this is the intercept of the line through several s. Chong and Forsyth
    2020, section 3, https://arxiv.org/abs/1911.07023.

    Args:
        sizes: Numbers s of fake samples; None takes 15 evenly from the least
            of 5,000 and m/10 to m, as `dgm-eval` does.
        seed: Of the shuffles, one for each size.
    """
    real, fake = pair(real=real, fake=fake, dtype=None)
    sizes = _sizes(len(fake)) if sizes is None else list(sizes)
    if len(set(sizes)) < 2 or min(sizes) < 2 or max(sizes) > len(fake):
        raise ValueError(
            "`sizes` must be two different numbers or more, between 2 and the "
            f"number of fake samples. Received: sizes={list(sizes)} of "
            f"{len(fake)}"
        )
    rng = np.random.RandomState(seed)
    draws = [rng.permutation(len(fake))[:size] for size in sizes]
    return _intercept(sizes, _of_draws(real, fake, draws))


class Moments(NamedTuple):
    """What `frechet_distance_of_moments` needs of features [count, d].

    mean: float64 [d]; covariance: float64 [d, d], divided by count - 1 (zeros
    if count is 1).
    """

    count: int
    mean: np.ndarray
    covariance: np.ndarray

    def combine(self, other):
        """The moments of both sets of rows together.

        Chan, Golub and LeVeque 1979, equation 2.1, http://i.stanford.edu/
        pub/cstr/reports/cs/tr/79/773/CS-TR-79-773.pdf.
        """
        count = self.count + other.count
        shift = other.mean - self.mean
        scatter = (self.count - 1) * self.covariance
        scatter += (other.count - 1) * other.covariance
        weight = self.count * (other.count / count)
        scatter += np.outer(shift * weight, shift)
        mean = self.mean + shift * (other.count / count)
        return Moments(count, mean, scatter / (count - 1))


def moments(features):
    """Features [n, d] -> their `Moments`; those of parts combine."""
    features = to_array(features, None)
    if features.ndim != 2 or not len(features):
        raise ValueError(
            "`features` must be [n, d], with a row at least. Received: "
            f"features.shape={features.shape}"
        )
    sample = _Sample(features, ddof=0)
    scale = len(features) / max(len(features) - 1, 1)
    return Moments(len(features), sample.mean, sample.covariance * scale)


class _Sample:
    """What distances need of features [n, d], each part made when needed."""

    def __init__(self, features, ddof):
        _check_rows(len(features), ddof)
        self.mean = features.mean(axis=0, dtype="float64")
        centred = np.subtract(features, self.mean, dtype="float64")
        centred /= np.sqrt(len(features) - ddof)
        # Centred and scaled, so that its square is the covariance.
        self.centred = centred
        self.trace = np.vdot(centred, centred)
        if not np.isfinite(self.trace):
            raise ValueError(
                "Features must be finite to have a covariance. Received: "
                f"{np.sum(~np.isfinite(features).all(axis=1))} rows of "
                f"{len(features)} with NaN or infinity"
            )
        self.is_thin = len(centred) <= len(self.mean)
        self.is_exact = self.is_thin or len(self.mean) <= WIDEST_ROOT

    @functools.cached_property
    def covariance(self):
        return self.centred.T @ self.centred

    @functools.cached_property
    def root(self):
        """Its square is the covariance; [least of n and d, d]."""
        if self.is_thin:
            return self.centred
        if self.is_exact:
            return np.linalg.qr(self.centred, mode="r")
        return _root(self.covariance)


def _distance(real, fake):
    """Two samples -> their distance, by the cheaper of the exact ways."""
    if real.is_exact and fake.is_exact:
        product = real.root @ fake.root.T
        cross = np.sum(np.linalg.svd(product, compute_uv=False))
    elif fake.is_thin:
        cross = _trace(fake.root, real.covariance)
    else:
        cross = _trace(real.root, fake.covariance)
    return _total(real, fake, real.trace + fake.trace, cross)


def _sizes(count):
    """15 numbers of samples up to `count`, as `dgm-eval` takes them."""
    least = min(5000, max(count // 10, 2))
    return np.linspace(least, count, 15).astype(int)


def _of_draws(real, fake, draws):
    """The distance of each draw, a list of indices of `fake`; [draws]."""
    real = _Sample(real, ddof=1)
    return [_distance(real, _Sample(fake[draw], ddof=1)) for draw in draws]


def _intercept(sizes, distances):
    """The value at infinite size of a least-squares line in 1 / size."""
    inverse = 1.0 / np.asarray(sizes, "float64")
    columns = np.stack([np.ones_like(inverse), inverse], axis=1)
    return float(np.linalg.lstsq(columns, distances, rcond=None)[0][0])


def _total(real, fake, traces, cross):
    shift = real.mean - fake.mean
    return float(shift @ shift + traces - 2.0 * cross)


def _trace(root, covariance):
    """tr((R S R^T)^1/2) for a root R [k, d] and a covariance S [d, d]."""
    # Rounding makes zero eigenvalues negative; they are never far from zero.
    values = np.linalg.eigvalsh(root @ covariance @ root.T)
    return np.sum(np.sqrt(np.maximum(values, 0.0)))


def _root(covariance):
    """A covariance S [d, d] -> some R [d, d] with R^T R = S."""
    try:
        return np.linalg.cholesky(covariance).T
    except np.linalg.LinAlgError:  # A direction has no variance.
        values, vectors = np.linalg.eigh(covariance)
        return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T


def _check_rows(count, ddof):
    if count <= ddof:
        raise ValueError(
            f"A covariance with `ddof` {ddof} needs more than {ddof} rows. "
            f"Received: {count}. Give more samples"
        )
