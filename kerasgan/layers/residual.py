"""Residual blocks of GANs: one that doubles the size, one that may halve it.

Layers inside come from functions, so that a family may normalize their
kernels: `convolve(filters, kernel_size)` makes a convolution that keeps the
size, `normalize()` a batch norm that is called with (x, condition).
"""

import keras
from keras import layers, ops

from kerasgan.layers.resampling import average_pool, crop, upsample
from kerasgan.layers.spectral import SpectralConv2D


class UpBlock(layers.Layer):
    """Doubles the size, then crops to `size`, in both branches.

    Args:
        channels: Of the output.
        size: (height, width) of the output.
        convolve, normalize: Make the layers inside.
        upsampling: "nearest" or "bilinear".
    """

    def __init__(
        self, channels, size, convolve, normalize, upsampling="nearest"
    ):
        super().__init__(name=f"stage_{size[0]}px")
        self.size = size
        self.upsampling = upsampling
        self.first_norm = normalize()
        self.first = convolve(channels, kernel_size=3)
        self.second_norm = normalize()
        self.second = convolve(channels, kernel_size=3)
        self.shortcut = convolve(channels, kernel_size=1)

    def build(self, input_shape):
        """Leaves layers inside to their calls; Keras would run them twice."""

    def call(self, inputs, condition=None, training=False):
        """x [batch, h, w, c], a condition -> [batch, *size, channels]."""
        x = self.first_norm(inputs, condition, training=training)
        x = self.first(self._enlarge(ops.relu(x)))
        x = self.second_norm(x, condition, training=training)
        x = self.second(ops.relu(x))
        return x + self.shortcut(self._enlarge(inputs))

    def _enlarge(self, x):
        return crop(upsample(x, self.upsampling), self.size)


class DownBlock(layers.Layer):
    """Two convolutions beside a shortcut, then half the size if `halve`.

    Args:
        old_channels, channels: Of input and output.
        hidden_channels: Between the convolutions.
        halve: Whether the size is halved; odd sides round up.
        convolve: Makes the layers inside.
        sees_image: The input is no activation, and not rectified; its
            shortcut averages before it convolves.
        rectified_shortcut: The shortcut sees the input rectified.
    """

    def __init__(
        self,
        old_channels,
        channels,
        hidden_channels,
        halve,
        convolve,
        sees_image=False,
        rectified_shortcut=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.halve = halve
        self.sees_image = sees_image
        self.rectified_shortcut = rectified_shortcut and not sees_image
        self.first = convolve(hidden_channels, kernel_size=3)
        self.second = convolve(channels, kernel_size=3)
        self.shortcut = None
        if halve or old_channels != channels:
            self.shortcut = convolve(channels, kernel_size=1)

    def build(self, input_shape):
        """Leaves layers inside to their calls; Keras would run them twice."""

    def call(self, inputs):
        """[batch, h, w, c] -> [batch, h or half, w or half, channels]."""
        x = inputs if self.sees_image else ops.relu(inputs)
        x = self.second(ops.relu(self.first(x)))
        shortcut = ops.relu(inputs) if self.rectified_shortcut else inputs
        if self.halve:
            x, shortcut = average_pool(x), average_pool(shortcut)
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        return x + shortcut


def orthogonal_convolutions(spectral):
    """A function `convolve(filters, kernel_size, use_bias=True)`.

    Kernels start orthogonal, with gain 1.

    Args:
        spectral: Arguments of `SpectralLayer`.
    """

    def convolve(filters, kernel_size, use_bias=True):
        return SpectralConv2D(
            filters,
            kernel_size,
            use_bias=use_bias,
            kernel_initializer=keras.initializers.Orthogonal(),
            **spectral,
        )

    return convolve


def glorot_convolutions(spectral=None):
    """A function `convolve(filters, kernel_size, use_bias=True)`.

    Kernels start uniform, with variance 4 / (fan in + fan out) where they are
    3x3, before a ReLU, and half of that where they are 1x1.

    Args:
        spectral: Arguments of `SpectralLayer`; None does not normalize.
    """

    def convolve(filters, kernel_size, use_bias=True):
        arguments = {
            "filters": filters,
            "kernel_size": kernel_size,
            "use_bias": use_bias,
            "kernel_initializer": keras.initializers.VarianceScaling(
                scale=1.0 if kernel_size == 1 else 2.0,
                mode="fan_avg",
                distribution="uniform",
            ),
        }
        if spectral is None:
            return layers.Conv2D(**arguments, padding="same")
        return SpectralConv2D(**arguments, **spectral)

    return convolve


def check_attention(attention, default, stages):
    """The numbers of stages that attention follows, or an error.

    Args:
        attention: Such numbers, or None, which takes the default.
        default: One of them.
        stages: How many there are.
    """
    attention = (default,) if attention is None else tuple(attention)
    if not set(attention) <= set(range(stages)):
        raise ValueError(
            f"`attention` must have numbers of stages, 0 to {stages - 1}. "
            f"Received: attention={attention}"
        )
    return attention
