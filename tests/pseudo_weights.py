"""Weights that are the same on every machine, for networks of known numbers.

The golden files of networks were computed with these in place of trained ones,
which weigh hundreds of megabytes.
"""

import hashlib
import math

import numpy as np


def words(name, shape):
    """Integers [shape] in 0..2^24-1 that depend on the name alone."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    raw = np.random.Philox(key=key).random_raw(math.prod(shape))
    return (raw >> np.uint64(40)).astype(np.int64).reshape(shape)


def uniform(name, shape):
    """Floats in [0, 1)."""
    return words(name, shape) * 2.0**-24


def unit(name, shape):
    """Uniform with mean 0 and variance 1."""
    return (uniform(name, shape) - 0.5) * np.sqrt(12.0)


def centred(name, shape):
    """As `unit`, less its mean over all axes but the first."""
    integers = words(name, shape).reshape(shape[0], -1)
    count = integers.shape[1]
    integers = integers * count - integers.sum(axis=1, keepdims=True)
    return (integers / (count * 2.0**24) * np.sqrt(12.0)).reshape(shape)


def weight(prefix, key, shape):
    """One array float32, by its official PyTorch name and shape."""
    name = f"{prefix}/{key}"
    if key.endswith("bn.weight"):
        value = 1 + 0.2 * unit(name, shape)
    elif key.endswith(("running_mean", "bn.bias")):
        value = 0.1 * unit(name, shape)
    elif key.endswith("running_var"):
        value = 0.5 + uniform(name, shape)
    elif key.startswith("lin"):
        value = uniform(name, shape)
    elif key.endswith("bias"):
        value = 0.05 * unit(name, shape)
    else:
        scale = np.sqrt(2.4 / math.prod(shape[1:]))
        draw = unit if shape[1] == 3 else centred
        value = scale * draw(name, shape)
    return value.astype("float32")


def state(prefix, shapes):
    """{key: shape} -> {key: array}, as a PyTorch state dict has them."""
    return {key: weight(prefix, key, shape) for key, shape in shapes.items()}
