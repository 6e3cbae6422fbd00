"""Grouped convolution: three routes to the same numbers and derivatives."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import gradients
from kerasgan.layers import grouped
from kerasgan.layers.grouped import GroupedConv2D

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's tapes"
)


def layer(route, dtype="float32", **arguments):
    made = GroupedConv2D(
        6, groups=2, route=route, dtype=dtype, **{"use_bias": True, **arguments}
    )
    made.build((None, 5, 4, 4))
    random = np.random.default_rng(0)
    for weight in made.weights:
        weight.assign(random.normal(size=weight.shape))
    return made


def images(dtype="float32"):
    return np.random.default_rng(1).normal(size=(3, 5, 4, 4)).astype(dtype)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("route", grouped.ROUTES)
def test_a_group_sees_its_own_channels(route, size):
    made = layer(route, kernel_size=size)
    kernel, x = np.asarray(made.kernel), images()
    expected = [
        ops.conv(
            x[..., 2 * i : 2 * i + 2],
            kernel[..., 3 * i : 3 * i + 3],
            padding="same",
        )
        for i in range(2)
    ]
    np.testing.assert_allclose(
        made(x), np.concatenate(expected, -1) + made.bias, atol=1e-5
    )


@on_tensorflow
@pytest.mark.parametrize("route", ["split", "matmul"])
def test_second_derivatives_are_exact(route):
    """The slope of a gradient penalty along a direction, by differences."""
    import tensorflow as tf

    made = layer(route, "float64")
    x = tf.constant(images("float64"))
    start = np.asarray(made.kernel)
    direction = np.random.default_rng(2).normal(size=start.shape)

    def penalty():
        slopes = gradients.of_inputs(lambda x: ops.sum(made(x) ** 3), x)
        return ops.sum(slopes**2)

    with tf.GradientTape() as tape:
        value = penalty()
    slope = np.sum(tape.gradient(value, made.kernel.value) * direction)
    found, step = 0.0, 1e-6
    for sign in (1, -1):
        made.kernel.assign(start + sign * step * direction)
        found += sign * float(penalty()) / (2 * step)
    assert slope == pytest.approx(found, rel=1e-7)


def test_impossible_groups_are_refused():
    for arguments in ({"groups": 4}, {"groups": 0}):
        with pytest.raises(ValueError, match="`groups` must be positive"):
            GroupedConv2D(6, **arguments)
    with pytest.raises(ValueError, match="the input's channels"):
        GroupedConv2D(6, groups=3).build((None, 4, 4, 4))
    with pytest.raises(ValueError, match="`kernel_size` must be odd"):
        GroupedConv2D(6, kernel_size=2)
    with pytest.raises(ValueError, match="`route` must be one of"):
        GroupedConv2D(6, route="splti")


def test_config_holds_every_argument():
    made = layer("matmul", kernel_size=5)
    again = GroupedConv2D.from_config(made.get_config())
    assert again.get_config() == made.get_config()
