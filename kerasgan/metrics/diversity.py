"""How varied one set of features is, without a reference."""

import numpy as np

from kerasgan.metrics.arrays import to_array


def vendi_score(*, features):
    """Features [n, d] -> the effective number of distinct ones, [1, n].

    exp of the entropy of the eigenvalues of the cosine similarities, divided
    by n: n for orthogonal features, 1 for parallel ones. Friedman and Dieng
    2023, definition 3.1 (order 1), https://arxiv.org/abs/2210.02410.
    """
    features = to_array(features)
    if features.ndim != 2 or not len(features):
        raise ValueError(
            "`features` must be [n, d], with a row at least. Received: "
            f"features.shape={features.shape}"
        )
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    # A zero vector is similar to nothing, itself included.
    features = features / np.where(lengths == 0.0, 1.0, lengths)
    # Of X X^T and X^T X, which share their eigenvalues, the smaller one.
    if len(features) > features.shape[1]:
        similarities = features.T @ features
    else:
        similarities = features @ features.T
    values = np.linalg.eigvalsh(similarities / len(features))
    values = values[values > 0.0]
    return float(np.exp(-np.sum(values * np.log(values))))
