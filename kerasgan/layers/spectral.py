"""Layers whose kernel is divided by its largest singular value.

Spectral normalization, Miyato et al. 2018, https://arxiv.org/abs/1802.05957.
With a kernel as a matrix W of inputs x outputs, and a vector u of outputs,

    v = W u / |W u|,   u' = W^T v / |W^T v|,   sigma = v^T W u'

and the kernel is W / sigma. The gradient flows through sigma, for u and v are
constants to it; so second derivatives are exact.

A call writes nothing: real images, generated ones and a penalty's, all of one
update, meet the same kernel. `u` becomes u' once in each update of the player
that owns the layer: the training step assigns what `moves` gives. A loop of
your own does the same by `spectral.move(network)`.
"""

import keras
import numpy as np
from keras import ops


class SpectralLayer(keras.layers.Layer):
    """A layer with a normalized kernel, [..., outputs].

    Args:
        spectral_epsilon: Vectors are divided by their length, or by this
            where they are shorter.
        stored_vectors: Outside training, u and v as they are stored give
            sigma, as in PyTorch's `spectral_norm`. By default one iteration
            from u does, in training or not, as in the paper's code.
    """

    def __init__(self, spectral_epsilon=1e-12, stored_vectors=False, **kwargs):
        super().__init__(**kwargs)
        self.spectral_epsilon = spectral_epsilon
        self.stored_vectors = stored_vectors

    def moves(self):
        """Pairs (variable, value): what an update's step makes of u (and v)."""
        u, v = self._iterate()
        return [(self.u, u)] + ([(self.v, v)] if self.stored_vectors else [])

    def singular_value(self, training=False):
        """sigma [], by which the kernel is divided."""
        if self.stored_vectors and not training:
            u, v = self.u.value, self.v.value
        else:
            u, v = self._iterate()
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        return ops.sum(v * _times(self._matrix(), u))

    def get_config(self):
        return {
            **super().get_config(),
            "spectral_epsilon": self.spectral_epsilon,
            "stored_vectors": self.stored_vectors,
        }

    def _add_kernel(self, shape, initializer):
        # Normalized in float32 whatever the layer computes in.
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=initializer, autocast=False
        )
        inputs, outputs = self._matrix().shape
        self.u = self._add_vector("u", outputs)
        if self.stored_vectors:
            self.v = self._add_vector("v", inputs)

    def _add_vector(self, name, size):
        return self.add_weight(
            name=name,
            shape=(size,),
            initializer=_unit_vector,
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def _normalized(self, training):
        """The kernel divided by sigma, in the layer's precision."""
        kernel = self.kernel / self.singular_value(training)
        return ops.cast(kernel, self.compute_dtype)

    def _matrix(self):
        """The kernel as [inputs, outputs]."""
        return ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))

    def _iterate(self):
        matrix = self._matrix()
        v = self._unit(_times(matrix, self.u.value))
        u = self._unit(_times(ops.transpose(matrix), v))
        return u, v

    def _unit(self, vector):
        length = ops.sqrt(ops.sum(ops.square(vector)))
        return vector / ops.maximum(length, self.spectral_epsilon)


@keras.saving.register_keras_serializable(package="kerasgan.spectral")
class SpectralDense(SpectralLayer):
    """A dense layer with a normalized kernel.

    Args:
        units: Outputs.
        use_bias, kernel_initializer: As Keras'.
        **kwargs: Those of `SpectralLayer`.
    """

    def __init__(
        self,
        units,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        self._add_kernel((input_shape[-1], self.units), self.kernel_initializer)
        self.bias = _add_bias(self, self.units)

    def call(self, inputs, training=False):
        """x [batch, ..., n] -> [batch, ..., units]."""
        x = ops.matmul(inputs, self._normalized(training))
        return x if self.bias is None else x + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }


@keras.saving.register_keras_serializable(package="kerasgan.spectral")
class SpectralConv2D(SpectralLayer):
    """A convolution with a normalized kernel; the size stays.

    Args:
        filters, kernel_size, use_bias, kernel_initializer: As Keras'.
        **kwargs: Those of `SpectralLayer`.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        side = self.kernel_size
        self._add_kernel(
            (side, side, input_shape[-1], self.filters),
            self.kernel_initializer,
        )
        self.bias = _add_bias(self, self.filters)

    def call(self, inputs, training=False):
        """x [batch, h, w, c] -> [batch, h, w, filters]."""
        x = ops.conv(
            inputs,
            self._normalized(training),
            padding="same",
            data_format="channels_last",
        )
        return x if self.bias is None else x + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }


def moves(networks):
    """Pairs (variable, value): what one update makes of all layers' vectors.

    Those of frozen layers stay.
    """
    return [
        pair
        for network in networks
        for layer in network._flatten_layers()
        if isinstance(layer, SpectralLayer) and layer.trainable
        for pair in layer.moves()
    ]


def move(network):
    """Moves u of all layers of a network once, as a training step does."""
    for variable, value in moves([network]):
        variable.assign(value)


def _add_bias(layer, size):
    if not layer.use_bias:
        return None
    return layer.add_weight(name="bias", shape=(size,), initializer="zeros")


def _unit_vector(shape, dtype=None):
    """Of a random direction, the same at any time and on every backend."""
    vector = np.random.default_rng(0).standard_normal(shape)
    return ops.convert_to_tensor(vector / np.linalg.norm(vector), dtype)


def _times(matrix, vector):
    return ops.squeeze(ops.matmul(matrix, vector[:, None]), axis=-1)
