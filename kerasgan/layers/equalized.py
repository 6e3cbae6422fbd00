"""Layers whose learning rate does not depend on their size.

Weights are stored with variance 1 and scaled when they are used, by what
initializers usually scale with: so an optimizer that moves every weight by
about its learning rate moves them alike everywhere. Karras et al. 2018,
section 4.1, https://arxiv.org/abs/1710.10196.
"""

import math

import keras
from keras import ops

from kerasgan.layers import filters


class _Equalized(keras.layers.Layer):
    """What both layers have: a kernel, a bias, and how they are scaled."""

    def __init__(
        self,
        use_bias,
        activation,
        gain,
        learning_rate_multiplier,
        initial_bias,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.activation = keras.activations.get(activation)
        self.gain = gain
        self.learning_rate_multiplier = learning_rate_multiplier
        self.initial_bias = initial_bias

    @property
    def scaled_kernel(self):
        """The kernel that is used, in the layer's compute dtype."""
        return self.kernel * self.kernel_gain

    @property
    def kernel_gain(self):
        fan_in = math.prod(self.kernel.shape[:-1])
        return self.gain * self.learning_rate_multiplier / math.sqrt(fan_in)

    @property
    def scaled_bias(self):
        return self.bias * self.learning_rate_multiplier

    def get_config(self):
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "activation": keras.activations.serialize(self.activation),
            "gain": self.gain,
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "initial_bias": self.initial_bias,
        }

    def _add_weights(self, kernel_shape):
        multiplier = self.learning_rate_multiplier
        self.kernel = self.add_weight(
            # Not "kernel": nobody else scales it by its size.
            name="raw_kernel",
            shape=kernel_shape,
            initializer=keras.initializers.RandomNormal(0.0, 1.0 / multiplier),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=kernel_shape[-1:],
                initializer=keras.initializers.Constant(
                    self.initial_bias / multiplier
                ),
            )

    def _finish(self, x):
        if self.bias is not None:
            x = x + self.scaled_bias
        return self.activation(x)


@keras.saving.register_keras_serializable(package="kerasgan.equalized")
class EqualizedDense(_Equalized):
    """x [batch, ..., n] -> [batch, ..., units].

    Args:
        units: Numbers to make.
        activation: Keras' name, or a function; its gain is its own affair.
        gain: Of the kernel: it is used as
            kernel * gain * learning_rate_multiplier / sqrt(n).
        learning_rate_multiplier: How fast to learn; the initial function does
            not depend on it. Biases are multiplied by it too.
        initial_bias: The bias that is added at first.
    """

    def __init__(
        self,
        units,
        use_bias=True,
        activation=None,
        gain=1.0,
        learning_rate_multiplier=1.0,
        initial_bias=0.0,
        **kwargs,
    ):
        super().__init__(
            use_bias,
            activation,
            gain,
            learning_rate_multiplier,
            initial_bias,
            **kwargs,
        )
        self.units = units

    def build(self, input_shape):
        self._add_weights((input_shape[-1], self.units))

    def call(self, inputs):
        """x [batch, ..., n] -> [batch, ..., units]."""
        return self._finish(ops.matmul(inputs, self.scaled_kernel))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="kerasgan.equalized")
class EqualizedConv2D(_Equalized):
    """x [batch, h, w, c] -> [batch, h', w', channels].

    Args:
        channels: Of the output.
        kernel_size: Of both sides.
        padding: "same" or "valid".
        sampling: None; "double" or "halve" the size, as `filters` does, by
            [1, 3, 3, 1].
        gain: Of the kernel: it is used as
            kernel * gain * learning_rate_multiplier / sqrt(k * k * c).
        use_bias, activation, learning_rate_multiplier, initial_bias: As in
            `EqualizedDense`.
    """

    def __init__(
        self,
        channels,
        kernel_size=3,
        padding="same",
        sampling=None,
        use_bias=True,
        activation=None,
        gain=1.0,
        learning_rate_multiplier=1.0,
        initial_bias=0.0,
        **kwargs,
    ):
        super().__init__(
            use_bias,
            activation,
            gain,
            learning_rate_multiplier,
            initial_bias,
            **kwargs,
        )
        self.channels = channels
        self.kernel_size = kernel_size
        self.padding = padding
        self.sampling = filters.check_sampling(sampling)

    def build(self, input_shape):
        size = (self.kernel_size, self.kernel_size)
        self._add_weights((*size, input_shape[-1], self.channels))

    def call(self, inputs):
        """x [batch, h, w, c] -> [batch, h', w', channels]."""
        x = filters.convolve(
            inputs, self.scaled_kernel, self.sampling, self.padding
        )
        return self._finish(x)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "sampling": self.sampling,
        }
