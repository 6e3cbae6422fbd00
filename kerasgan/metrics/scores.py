"""Inception Score: are samples of clear classes, and of many?"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.arrays import to_array


class InceptionScore(NamedTuple):
    """Mean and (population) standard deviation over splits."""

    mean: float
    standard_deviation: float


def inception_score(*, logits, splits=10, seed=None):
    """Logits [n, classes] of generated images -> scores in [1, classes].

    exp of the mean Kullback-Leibler divergence from p(y|x) to p(y), in each
    split. Salimans et al. 2016, section 4, https://arxiv.org/abs/1606.03498.

    Args:
        splits: k; split i holds the samples from i n // k to (i + 1) n // k.
        seed: None keeps the order of samples; a number shuffles them, as
            `torch-fidelity` does with 2020.

    Raises:
        ValueError: Logits are no table, or there are fewer rows than splits.
    """
    logits = to_array(logits)
    if logits.ndim != 2:
        raise ValueError(
            "`logits` must be [n, classes]. Received: "
            f"logits.shape={logits.shape}"
        )
    count = len(logits)
    if not 1 <= splits <= count:
        raise ValueError(
            "`splits` must be between 1 and the number of samples. Received: "
            f"splits={splits} of {count} samples. Give more samples or ask for "
            "fewer splits"
        )
    if seed is not None:
        logits = logits[np.random.RandomState(seed).permutation(count)]
    logs = logits - _log_sum(logits, axis=1)
    bounds = [i * count // splits for i in range(splits + 1)]
    scores = [
        _score(logs[start:end])
        for start, end in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def _score(logs):
    """Log-probabilities [n, classes] -> exp of the mean divergence."""
    marginal = _log_sum(logs, axis=0) - np.log(len(logs))
    divergences = np.sum(np.exp(logs) * (logs - marginal), axis=1)
    return np.exp(np.mean(divergences))


def _log_sum(values, axis):
    """log(sum(exp(values))), for values of any size."""
    largest = np.max(values, axis=axis, keepdims=True)
    total = np.sum(np.exp(values - largest), axis=axis, keepdims=True)
    return largest + np.log(total)
