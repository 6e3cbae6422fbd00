"""Random numbers that belong to an image, not to a moment.

Every draw is a pure function of a seed, a purpose and the number of the image
that it is for. So a resumed run repeats an uninterrupted one, replicas draw
differently yet together like one, and TensorFlow (eager, graph, XLA) and JAX
agree to 2e-7. `keras.random` offers none of the three.

The generator is Threefry-2x32 with 20 rounds: key (seed, hash of purpose),
counter (image number, column). Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", 2011, https://doi.org/10.1145/2063384.2063405.
"""

import math
import zlib

import numpy as np
from keras import ops

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def uniform(numbers, shape=(), *, seed, purpose, low=0.0, high=1.0):
    """Image numbers [batch] -> float32 [batch, *shape] in [low, high)."""
    first, second, columns = _draw(numbers, shape, seed, purpose)
    values = ops.concatenate([_unit(first), _unit(second)], axis=1)
    values = ops.reshape(values[:, :columns], (-1, *shape))
    return low + (high - low) * values


def normal(numbers, shape=(), *, seed, purpose):
    """Image numbers [batch] -> standard normal float32 [batch, *shape].

    Box and Muller's transform of two uniform numbers into two normal ones.
    """
    first, second, columns = _draw(numbers, shape, seed, purpose)
    radius = ops.sqrt(-2.0 * ops.log(1.0 - _unit(first)))
    angle = 2.0 * math.pi * _unit(second)
    values = ops.concatenate(
        [radius * ops.cos(angle), radius * ops.sin(angle)], axis=1
    )
    return ops.reshape(values[:, :columns], (-1, *shape))


def integers(numbers, high, *, seed, purpose):
    """Image numbers [batch] -> int32 [batch] in [0, high)."""
    values = uniform(numbers, seed=seed, purpose=purpose, high=float(high))
    # A product can round up to `high` itself.
    return ops.minimum(ops.cast(values, "int32"), high - 1)


def key_state(number, *, seed, purpose):
    """Image number [] -> uint32 [2]: a state for a `SeedGenerator`."""
    first, second, _ = _draw(ops.reshape(number, (1,)), (), seed, purpose)
    return ops.concatenate([first[0], second[0]])


def _draw(numbers, shape, seed, purpose):
    """Two uint32 [batch, pairs], and the number of columns wanted of them."""
    columns = math.prod(shape)
    pairs = np.arange((columns + 1) // 2, dtype="uint32")[None, :]
    pairs = ops.convert_to_tensor(pairs)
    counters = ops.cast(numbers, "uint32")[:, None] + ops.zeros_like(pairs)
    key = (seed, zlib.crc32(purpose.encode()))
    first, second = threefry(key, (counters, pairs + ops.zeros_like(counters)))
    return first, second, columns


def threefry(key, counters):
    """Key, counters (uint32, uint32) -> two uint32 of the counters' shape.

    The key's words are integers, or uint32 tensors [].
    """
    key = [_word(word) for word in key]
    parity = ops.bitwise_xor(ops.bitwise_xor(*key), _word(_PARITY))
    schedule = (*key, parity)
    rotations = {n for group in _ROTATIONS for n in group}
    # Each made once: a graph's constants cost as much as its operations.
    words = {n: _word(n) for r in rotations for n in (r, 32 - r)}
    x0 = counters[0] + schedule[0]
    x1 = counters[1] + schedule[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            high = ops.left_shift(x1, words[rotation])
            low = ops.right_shift(x1, words[32 - rotation])
            x1 = ops.bitwise_xor(ops.bitwise_or(high, low), x0)
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + (schedule[(group + 2) % 3] + _word(group + 1))
    return x0, x1


def _unit(bits):
    """uint32 -> float32 in [0, 1), from the 24 bits that a float32 holds."""
    # By way of int32: a cast from uint32 has no kernel on some devices.
    high_bits = ops.cast(ops.right_shift(bits, _word(8)), "int32")
    return ops.cast(high_bits, "float32") * 2.0**-24


def _word(value):
    if not ops.is_tensor(value):
        value = int(value) % 2**32
    return ops.convert_to_tensor(value, dtype="uint32")
