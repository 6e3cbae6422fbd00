"""Drawing and decoding by compiled functions, a few shapes for any number.

`predict` would build a dataset for each call, which takes longer than a small
network needs for its samples.
"""

import functools

import keras
import numpy as np
from keras import ops


def drawn(function, count, seed):
    """What a function (numbers [count], seed []) draws, in NumPy."""
    numbers = np.arange(count, dtype="int32")
    draws = function(numbers, np.array(seed % 2**32, "uint32"))
    return np.array(draws)  # A copy: JAX' own may not be written to.


def fill(samples, function, inputs, batch_size):
    """Fills samples [n, ...] with function(inputs [n, ...]), and returns them.

    Batches are equal, the last one filled up: so there is one shape to
    compile, and less than one row per batch in vain.

    Args:
        inputs: An array, or a tuple of them.
        batch_size: Rows at a time, at most.
    """
    if batch_size < 1:
        raise ValueError(
            "`batch_size` must be at least 1. "
            f"Received: batch_size={batch_size!r}"
        )
    count = len(samples)
    batches = max(1, -(-count // batch_size))
    rows = max(1, -(-count // batches))
    for start in range(0, count, rows):
        batch = keras.tree.map_structure(
            functools.partial(_rows, start=start, count=rows), inputs
        )
        end = min(start + rows, count)
        found = ops.convert_to_numpy(function(batch))
        samples[start:end] = found[: end - start]
    return samples


def share(truncation):
    """A truncation in (0, 1], checked, as compiled functions take it."""
    if not 0 < truncation <= 1:
        raise ValueError(
            "`truncation` must be None or in (0, 1]. "
            f"Received: truncation={truncation!r}"
        )
    return np.float32(truncation)


def _rows(array, start, count):
    """So many rows from `start`; past the end, the last one again."""
    rows = array[start : start + count]
    missing = count - len(rows)
    return np.concatenate([rows, rows[-1:].repeat(missing, 0)])
