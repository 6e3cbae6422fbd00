"""Batch norm by its fused kernel, in float32, and by its formula, in float64."""

import numpy as np
import pytest
from keras import ops

from kerasgan import gradients
from kerasgan.layers.normalization import BatchNormalization

CLASSES = 3
SHAPES = [(12, 5), (6, 7, 5), (4, 3, 2, 5), (4, 2, 3, 2, 5)]


def _results(shape, classes, dtype):
    """What a step of training gives: outputs, averages, a penalty's slopes."""
    random = np.random.default_rng(0)
    layer = BatchNormalization(classes=classes, dtype=dtype)
    labels = None
    if classes is not None:
        labels = np.eye(classes, dtype=dtype)[np.arange(shape[0]) % classes]
        labels = ops.convert_to_tensor(labels)
    layer.build(shape)
    for weight in (layer.gain, layer.bias):
        weight.assign(random.normal(1.0, 0.3, size=weight.shape))
    x = ops.convert_to_tensor(random.normal(2, 3, size=shape).astype(dtype))
    weights = ops.convert_to_tensor(random.normal(size=shape).astype(dtype))

    def penalty(x):
        def judged(x):
            return ops.tanh(layer(x, labels, training=True)) * weights

        return ops.square(gradients.of_inputs(judged, x))

    second = gradients.of_inputs(penalty, x)
    for weight in (layer.moving_mean, layer.moving_variance):
        weight.assign(ops.ones_like(weight))
    found = layer(x, labels, training=True), second
    found += (layer.moving_mean, layer.moving_variance)
    return [np.array(ops.convert_to_numpy(values)) for values in found]


@pytest.mark.parametrize("classes", [None, CLASSES])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_kernel_equals_the_formula(shape, classes):
    names = ("output", "second derivative", "mean", "variance")
    for name, single, double in zip(
        names,
        _results(shape, classes, "float32"),
        _results(shape, classes, "float64"),
        strict=True,
    ):
        scale = np.abs(double).max()
        assert np.abs(single - double).max() < 2e-5 * scale, name
