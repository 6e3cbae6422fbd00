"""Layers that see a whole batch, so that a discriminator can judge variety.

Their statistics are of a batch, of its own part on each of several replicas.
A discriminator that holds one is no function of single samples any more: a
gradient penalty then counts what a sample does to all logits, not to its own.
"""

import keras
from keras import ops

from kerasgan.layers.precision import at_least_float32


@keras.saving.register_keras_serializable(package="kerasgan.minibatch")
class MinibatchStdDev(keras.layers.Layer):
    """Appends how much the samples of a group differ, as constant channels.

    The standard deviation of each value over the group, averaged over places
    and channels. Karras et al. 2018, section 3,
    https://arxiv.org/abs/1710.10196. A batch of n holds n / group_size groups,
    and samples of a group stand that far apart, as in the official ProGAN and
    StyleGAN2. Where that is no whole number, it is rounded up, and some groups
    have a sample less than others.

    Args:
        group_size: Samples of a group at most; None takes the whole batch.
        channels: How many to append: each is of its own part of the input's
            channels, neighbours together, which they must divide.
        epsilon: Added to the variance.
    """

    def __init__(self, group_size=4, channels=1, epsilon=1e-8, **kwargs):
        super().__init__(autocast=False, **kwargs)
        for name, value in (("group_size", group_size), ("channels", channels)):
            if value is not None and value < 1:
                raise ValueError(
                    f"`{name}` must be positive. Received: {name}={value!r}"
                )
        self.group_size = group_size
        self.channels = channels
        self.epsilon = epsilon

    def build(self, input_shape):
        if input_shape[-1] % self.channels:
            raise ValueError(
                "`channels` must divide the input's channels, "
                f"{input_shape[-1]}. Received: channels={self.channels}"
            )

    def call(self, inputs):
        """x [batch, ..., c] -> [batch, ..., c + channels]."""
        x = ops.cast(inputs, at_least_float32(inputs.dtype))
        rows = ops.shape(x)[0]
        size = rows if self.group_size is None else self.group_size
        groups = (rows + size - 1) // size
        deviation = self._deviation(x, rows, groups)
        # Sample i is of group i modulo groups.
        of_rows = ops.take(deviation, ops.arange(rows) % groups, axis=0)
        middle = (1,) * (len(x.shape) - 2)
        of_rows = ops.reshape(of_rows, (-1, *middle, self.channels))
        appended = of_rows + ops.zeros_like(x[..., :1])
        x = ops.concatenate([x, appended], axis=-1)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "channels": self.channels,
            "epsilon": self.epsilon,
        }

    def _deviation(self, x, rows, groups):
        """x [rows, ..., c] -> [groups, channels]."""
        size = (rows + groups - 1) // groups
        # A row lent to the gap of an uneven group weighs nothing there.
        places = ops.arange(size * groups)
        weights = ops.cast(places < rows, x.dtype)
        weights = ops.reshape(weights, (size, groups, 1, 1, 1))
        part = x.shape[-1] // self.channels
        x = ops.reshape(
            ops.take(x, places % rows, axis=0),
            (size, groups, -1, self.channels, part),
        )
        count = ops.sum(weights, axis=0)
        mean = ops.sum(weights * x, axis=0) / count
        variance = ops.sum(weights * ops.square(x - mean), axis=0) / count
        return ops.mean(ops.sqrt(variance + self.epsilon), axis=(1, 3))


@keras.saving.register_keras_serializable(package="kerasgan.minibatch")
class MinibatchDiscrimination(keras.layers.Layer):
    """Appends how near each sample is to the others of the batch.

        M_i = x_i T,    o(x_i)_b = sum over j of exp(-|M_ib - M_jb|_1)

    Salimans et al. 2016, section 3.2, https://arxiv.org/abs/1606.03498, with
    a learned T [features, kernels, dims]. The paper's sum holds j = i, which
    adds 1 to every feature; here, as in the official code, it does not, so
    that a feature is the number of near others, 0 to batch - 1.

    Args:
        kernels: The paper's B, features to append.
        dims: Its C, numbers by which one kernel compares.
        kernel_initializer: Of T, seen as [features, kernels * dims]: Keras'
            name or object.
    """

    def __init__(
        self,
        kernels=100,
        dims=5,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        for name, value in (("kernels", kernels), ("dims", dims)):
            if value < 1:
                raise ValueError(
                    f"`{name}` must be positive. Received: {name}={value!r}"
                )
        self.kernels = kernels
        self.dims = dims
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(
                "`inputs` must be features [batch, features]. Received: "
                f"shape={tuple(input_shape)}. Put a `Flatten` before."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.kernels * self.dims),
            initializer=self.kernel_initializer,
            autocast=False,
        )

    def call(self, inputs):
        """x [batch, features] -> [batch, features + kernels]."""
        x = ops.cast(inputs, at_least_float32(inputs.dtype))
        rows = ops.shape(x)[0]
        compared = ops.reshape(
            ops.matmul(x, self.kernel), (-1, self.kernels, self.dims)
        )
        distances = ops.sum(
            ops.abs(compared[:, None] - compared[None, :]), axis=-1
        )
        others = 1.0 - ops.eye(rows, dtype=x.dtype)
        near = ops.sum(ops.exp(-distances) * others[..., None], axis=1)
        x = ops.concatenate([x, near], axis=-1)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1] + self.kernels)

    def get_config(self):
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "dims": self.dims,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }
