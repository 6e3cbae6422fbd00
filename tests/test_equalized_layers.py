"""Filtered resampling and equalized layers: official numbers, and by hand."""

import keras
import numpy as np
import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan.convert.state import hwio
from kerasgan.layers import filters
from kerasgan.layers.activations import leaky_relu, scaled_leaky_relu
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense

tf = pytest.importorskip("tensorflow")


def _sides(padding):
    """Official [left, right, top, bottom] -> ours."""
    left, right, top, bottom = padding
    return ((top, bottom), (left, right))


def _upfirdn(inputs, settings):
    taps = np.asarray(inputs["filter"], "float64")
    if settings.get("flip_filter"):
        taps = np.flip(taps)
    up, down = (
        tuple(np.broadcast_to(settings.get(name, 1), 2)[::-1].tolist())
        for name in ("up", "down")
    )
    return filters.resample(
        inputs["x"],
        taps,
        up,
        down,
        _sides(settings.get("padding", [0] * 4)),
        settings.get("gain", 1.0),
    )


def _convolution(inputs, settings):
    convolve = {
        (2, 1): filters.convolve_double,
        (1, 2): filters.convolve_halve,
    }[settings.get("up", 1), settings.get("down", 1)]
    return convolve(inputs["x"], inputs["weight"])


OPERATIONS = {
    "upfirdn2d": _upfirdn,
    "fir/upsample2d": lambda inputs, _: filters.double(inputs["x"]),
    "fir/downsample2d": lambda inputs, _: filters.halve(inputs["x"]),
    "fir/filter2d": lambda inputs, _: filters.smooth(inputs["x"]),
    "conv2d_resample/up2": _convolution,
    "conv2d_resample/down2": _convolution,
    "bias_act/lrelu": lambda inputs, _: scaled_leaky_relu(
        inputs["x"] + inputs["bias"]
    ),
}


@on_tensorflow
@both_precisions
@pytest.mark.parametrize("kind", OPERATIONS)
def test_operations_equal_the_official_ones(kind, dtype):
    golden = Golden("ops_stylegan2", dtype)
    golden.check_operations(
        kind, OPERATIONS[kind], x=nhwc, weight=hwio, bias=np.asarray
    )


class TestFilters:
    @pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 1)])
    def test_what_is_constant_stays_so_inside(self, taps):
        x = np.ones((1, 8, 6, 2), "float32")
        for resample in (filters.double, filters.halve, filters.smooth):
            y = ops.convert_to_numpy(resample(x, taps))
            np.testing.assert_allclose(y[:, 2:-2, 2:-2], 1.0, rtol=1e-6)

    def test_an_impulse_doubled_is_the_filter(self):
        x = np.zeros((1, 5, 5, 1), "float32")
        x[0, 2, 2] = 1.0
        y = ops.convert_to_numpy(filters.double(x))[0, :, :, 0]
        taps = np.array([1, 3, 3, 1]) / 4
        np.testing.assert_allclose(y[3:7, 3:7], np.outer(taps, taps), 1e-6)
        np.testing.assert_allclose(y.sum(), 4.0, rtol=1e-6)

    def test_two_passes_equal_a_matrix(self):
        x = np.random.default_rng(0).normal(size=(2, 9, 7, 3)).astype("f")
        taps = np.random.default_rng(1).normal(size=9)
        for up, down in ((1, 1), (2, 1), (1, 2), (4, 1), (3, 2)):
            one, two = (
                filters.resample(x, t, up, down, ((5, 3), (4, 6)), gain=2.0)
                for t in (taps, np.outer(taps, taps))
            )
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 3)])
    def test_odd_sides_round_up(self, size):
        x = np.ones((2, *size, 3), "float32")
        half = tuple((side + 1) // 2 for side in size)
        twice = tuple(2 * side for side in size)
        for k in (1, 3, 5):
            kernel = np.ones((k, k, 3, 4), "float32")
            y = filters.convolve_halve(x, kernel)
            assert tuple(y.shape) == (2, *half, 4)
            y = filters.convolve_double(x, kernel)
            assert tuple(y.shape) == (2, *twice, 4)
        assert tuple(filters.halve(x).shape) == (2, *half, 3)

    @on_tensorflow
    def test_second_derivatives_are_exact(self):
        rng = np.random.default_rng(0)
        x = tf.constant(rng.normal(size=(1, 4, 4, 2)))
        kernel = tf.constant(rng.normal(size=(3, 3, 2, 2)))

        def penalty(x, kernel):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = ops.tanh(filters.convolve_double(x, kernel))
                total = ops.sum(ops.tanh(filters.convolve_halve(y, kernel)))
            return ops.sum(ops.square(tape.gradient(total, x)))

        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            value = penalty(x, kernel)
        slopes = tape.gradient(value, (x, kernel))
        ways = [tf.constant(rng.normal(size=t.shape)) for t in (x, kernel)]
        step = 1e-5
        ahead, behind = (
            penalty(x + s * ways[0], kernel + s * ways[1])
            for s in (step, -step)
        )
        expected = sum(
            ops.sum(slope * way)
            for slope, way in zip(slopes, ways, strict=True)
        )
        np.testing.assert_allclose(
            (ahead - behind) / (2 * step), expected, rtol=1e-7
        )


class TestEqualized:
    @pytest.mark.parametrize("multiplier", [1.0, 0.01])
    def test_variance_stays_whatever_the_size(self, multiplier):
        keras.utils.set_random_seed(0)
        x = np.random.default_rng(0).normal(size=(64, 500)).astype("float32")
        layer = EqualizedDense(
            200, learning_rate_multiplier=multiplier, initial_bias=1.0
        )
        y = ops.convert_to_numpy(layer(x))
        np.testing.assert_allclose(y.mean(), 1.0, atol=0.05)
        np.testing.assert_allclose(y.std(), 1.0, atol=0.05)
        stored = ops.convert_to_numpy(layer.kernel)
        np.testing.assert_allclose(stored.std() * multiplier, 1.0, atol=0.02)

    def test_a_convolution_by_hand(self):
        x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("f")
        layer = EqualizedConv2D(4, 3, gain=2.0, learning_rate_multiplier=0.5)
        layer.build(x.shape)
        layer.bias.assign(np.arange(4.0))
        kernel = ops.convert_to_numpy(layer.kernel) * (2 * 0.5 / 27**0.5)
        expected = ops.conv(x, kernel, padding="same") + 0.5 * np.arange(4.0)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        "layer",
        [
            EqualizedDense(3, activation=scaled_leaky_relu, gain=2.0),
            EqualizedConv2D(3, 1, "valid", "halve", use_bias=False),
        ],
    )
    def test_configurations_are_complete(self, layer):
        copy = type(layer).from_config(layer.get_config())
        assert copy.get_config() == layer.get_config()

    def test_an_unknown_sampling_is_named(self):
        with pytest.raises(ValueError, match="sampling.*Received.*'up'"):
            EqualizedConv2D(3, sampling="up")


def test_the_activation_keeps_the_mean_square():
    x = np.random.default_rng(0).normal(size=100_000).astype("float32")
    y = ops.convert_to_numpy(scaled_leaky_relu(x))
    np.testing.assert_allclose((y**2).mean(), 1.04, rtol=0.02)
    np.testing.assert_allclose(
        leaky_relu(np.array([-2.0, 0.0, 3.0])), [-0.4, 0.0, 3.0]
    )
