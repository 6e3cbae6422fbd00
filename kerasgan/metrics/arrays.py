"""What metrics are given: arrays or tensors of any backend."""

import numpy as np
from keras import ops


def to_array(values, dtype="float64"):
    """An array, list or tensor of any backend -> a NumPy array."""
    if not isinstance(values, (np.ndarray, list, tuple)):
        values = ops.convert_to_numpy(values)
    return np.asarray(values, dtype)


def pair(*, real, fake, dtype="float64"):
    """Features [n, d] and [m, d] -> the same as two arrays.

    Raises:
        ValueError: They are not two tables of equal width with some rows.
    """
    real, fake = to_array(real, dtype), to_array(fake, dtype)
    if not (
        real.ndim == fake.ndim == 2
        and real.shape[1] == fake.shape[1]
        and len(real)
        and len(fake)
    ):
        raise ValueError(
            "`real` and `fake` must be features [n, d] of the same d, with a "
            f"row at least. Received: real.shape={real.shape}, "
            f"fake.shape={fake.shape}"
        )
    return real, fake
