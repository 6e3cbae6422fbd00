"""Normalization of each image by itself, without weights of its own."""

from keras import ops

from kerasgan.layers.precision import at_least_float32


def pixel_norm(x, epsilon=1e-8):
    """x [batch, ..., c] -> x / sqrt(mean of its squares over c), place by place.

    Karras et al. 2018, section 4.2, https://arxiv.org/abs/1710.10196. In
    float32 at least.
    """
    exact = ops.cast(x, at_least_float32(x.dtype))
    squares = ops.mean(ops.square(exact), axis=-1, keepdims=True)
    return ops.cast(exact * ops.rsqrt(squares + epsilon), x.dtype)


def instance_norm(x, epsilon=1e-8):
    """x [batch, h, w, c] -> mean 0, variance 1 over places, channel by channel.

    Ulyanov et al. 2017, https://arxiv.org/abs/1607.08022. In float32 at least.
    """
    exact = ops.cast(x, at_least_float32(x.dtype))
    exact = exact - ops.mean(exact, axis=(1, 2), keepdims=True)
    variance = ops.mean(ops.square(exact), axis=(1, 2), keepdims=True)
    return ops.cast(exact * ops.rsqrt(variance + epsilon), x.dtype)
