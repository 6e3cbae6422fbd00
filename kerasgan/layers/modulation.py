"""Convolutions whose input channels are scaled by a style, image by image.

Karras et al. 2020, section 2.2, https://arxiv.org/abs/1912.04958. Scaling the
values before and after one ordinary convolution equals a kernel of its own for
each image, and is faster wherever convolutions by groups are not.
"""

import math

import keras
from keras import layers, ops

from kerasgan.layers import filters
from kerasgan.layers.activations import clip, leaky_relu
from kerasgan.layers.equalized import EqualizedDense
from kerasgan.layers.precision import at_least_float32, output_dtype
from kerasgan.layers.resampling import crop


def convolve_modulated(
    x,
    kernel,
    styles,
    demodulate=True,
    sampling=None,
    padding="same",
    epsilon=1e-8,
):
    """x [b, h, w, c], styles [b, c] -> [b, h', w', out], in the dtype of x.

        w'_ijk = s_i w_ijk,    w''_ijk = w'_ijk / sqrt(sum_ik w'_ijk^2 + eps)

    with i input channels, j output channels, k places: equations 1 and 3.

    Args:
        kernel: [k, k, c, out], at least float32.
        demodulate: False leaves out the second equation.
        sampling, padding: As in `filters.convolve`.
    """
    styles = ops.cast(styles, at_least_float32(x.dtype))
    scale = 1.0
    if demodulate:
        # Neither changes the result, and sums stay in the range of float16.
        scale = math.sqrt(math.prod(kernel.shape[:-1]))
    y = filters.convolve(
        x * _everywhere(styles, x.dtype),
        ops.cast(kernel / scale, x.dtype),
        sampling,
        padding,
    )
    if demodulate:
        energy = ops.sum(ops.square(kernel), axis=(0, 1))
        energy = ops.matmul(ops.square(styles), energy)
        y = y * _everywhere(scale * ops.rsqrt(energy + epsilon), x.dtype)
    return y


def _everywhere(values, dtype):
    """[b, c] -> [b, 1, 1, c]."""
    return ops.cast(values[:, None, None, :], dtype)


class StyledConvolution(layers.Layer):
    """A modulated convolution, then noise, a bias and the activation."""

    def __init__(
        self,
        old_channels,
        channels,
        size,
        style_size,
        doubles,
        adds_noise,
        clamp,
        gain=1.0,
    ):
        place = "first" if doubles else "last"
        super().__init__(name=place, autocast=False)
        self.size = size
        self.sampling = "double" if doubles else None
        self.clamp = clamp
        self.gain = gain
        self.noise_name = f"noise_{size[0]}px_{place}"
        self.to_scales = _to_scales(old_channels, style_size)
        self.kernel = _add_raw_kernel(self, (3, 3, old_channels, channels))
        self.bias = self.add_weight(
            name="bias", shape=(channels,), initializer="zeros", autocast=False
        )
        self.noise = self.noise_strength = None
        if not adds_noise:
            return
        self.noise = self.add_weight(
            name="noise",
            shape=size,
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            trainable=False,
            autocast=False,
        )
        self.noise_strength = self.add_weight(
            name="noise_strength", shape=(), initializer="zeros", autocast=False
        )

    def noise_of(self, draws):
        """[batch or 1, h, w, 1]: this layer's draw, or the stored constant.

        None where the layer adds no noise.
        """
        if self.noise is None:
            return None
        if draws is None:
            return self.noise.value[None, :, :, None]
        return draws[self.noise_name]

    def call(self, x, style, noise):
        """x [batch, h, w, c], style [batch, n] -> [batch, *size, channels]."""
        x = ops.cast(x, self.compute_dtype)
        x = convolve_modulated(
            x, self.kernel.value, self.to_scales(style), sampling=self.sampling
        )
        x = crop(x, self.size)
        if noise is not None:
            strength = self.noise_strength.value
            x = x + ops.cast(
                ops.cast(noise, strength.dtype) * strength, x.dtype
            )
        x = x + ops.cast(self.bias, x.dtype)
        x = leaky_relu(x, gain=math.sqrt(2.0) * self.gain)
        return clip(x, self.clamp, self.gain)


class ToImage(layers.Layer):
    """Draws an image, in float32: scaled by a style, but not back again."""

    def __init__(self, channels, image_channels, style_size, clamp):
        super().__init__(name="to_image", autocast=False)
        self.to_scales = _to_scales(channels, style_size)
        self.scale = 1.0 / math.sqrt(channels)
        self.clamp = clamp
        self.kernel = _add_raw_kernel(self, (1, 1, channels, image_channels))
        self.bias = self.add_weight(
            name="bias",
            shape=(image_channels,),
            initializer="zeros",
            autocast=False,
        )

    def call(self, x, style):
        """x [batch, h, w, channels] -> [batch, h, w, image_channels]."""
        dtype = self.kernel.dtype
        x = convolve_modulated(
            ops.cast(x, dtype),
            self.kernel.value,
            self.to_scales(style) * self.scale,
            demodulate=False,
        )
        return clip(x + self.bias.value, self.clamp)


def _to_scales(channels, style_size):
    layer = EqualizedDense(
        channels, initial_bias=1.0, dtype=output_dtype(), name="to_scales"
    )
    layer.build((None, style_size))
    return layer


def _add_raw_kernel(layer, shape):
    return layer.add_weight(
        name="raw_kernel",
        shape=shape,
        initializer=keras.initializers.RandomNormal(0.0, 1.0),
        autocast=False,  # Demodulation sums squares.
    )
