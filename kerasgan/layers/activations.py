"""Activations that are exact in every precision, and scaled where it is said.

TensorFlow's own leaky ReLU rounds its slope to float32, in float64 as well.
"""

import math

import keras
from keras import ops


def leaky_relu(x, slope=0.2, gain=1.0):
    """x -> gain * x where x is positive, gain * slope * x elsewhere.

    At zero the derivative is that of the negative side, on every backend.
    """
    # A choice between two numbers, not two tensors: that is less to move, in
    # the derivatives too.
    up, down = (
        ops.convert_to_tensor(factor, dtype=x.dtype)
        for factor in (gain, gain * slope)
    )
    return x * ops.where(x > 0, up, down)


@keras.saving.register_keras_serializable(package="kerasgan.activations")
def scaled_leaky_relu(x):
    """Slope 0.2, times sqrt(2), which keeps the mean square near 1.

    Karras et al. 2020, https://arxiv.org/abs/1912.04958, have the gain here,
    and not in the weights.
    """
    return leaky_relu(x, gain=math.sqrt(2.0))


def clip(x, limit, gain=1.0):
    """x -> cut to [-limit * gain, limit * gain]; None leaves it."""
    return x if limit is None else ops.clip(x, -limit * gain, limit * gain)
