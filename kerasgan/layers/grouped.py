"""Convolutions of groups of channels, each by itself.

Keras' own, with `groups`, is a function of XLA's on TensorFlow, whose
gradients take some 500 times as long on a CPU; and TensorFlow's has none in
float64 there.
"""

import keras
from keras import ops

from kerasgan.errors import unknown_name

ROUTES = ("auto", "split", "matmul", "native")
# More operations than this take long to trace and to compile, or to start on a
# GPU; up to it, they are five to ten times as fast as "matmul" on a CPU.
_MOST_SPLIT = 16


@keras.saving.register_keras_serializable(package="kerasgan.grouped")
class GroupedConv2D(keras.layers.Layer):
    """Convolves each group of channels alone; as many places come out.

    Xie et al. 2017, https://arxiv.org/abs/1611.05431, call the number of
    groups cardinality. Output channels of group i see input channels of group
    i only; the kernel is [k, k, channels / groups, filters].

    Args:
        filters: Output channels of all groups together.
        kernel_size: Height and width of the kernel, odd.
        groups: How many; 1 is an ordinary convolution.
        use_bias: Whether a number is added to each output channel.
        kernel_initializer: Keras' name or object.
        route: How it is computed. "split" makes an ordinary convolution of
            each group; "matmul" is one product of matrices with a batch axis
            of groups, whose input is copied once per place of the kernel.
            Both are right on every backend, in float64 and under XLA; "auto"
            takes the first for 16 groups or fewer, else the second. "native"
            is the backend's own operation, which a GPU may be quicker with.
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        groups=1,
        use_bias=False,
        kernel_initializer="glorot_uniform",
        route="auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(
                "`kernel_size` must be odd, so that the kernel has a middle. "
                f"Received: kernel_size={kernel_size}"
            )
        if groups < 1 or filters % groups:
            raise ValueError(
                "`groups` must be positive and divide `filters`. Received: "
                f"groups={groups}, filters={filters}"
            )
        if route not in ROUTES:
            raise unknown_name("route", route, ROUTES)
        self.filters = filters
        self.kernel_size = kernel_size
        self.groups = groups
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.route = route

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(
                "`groups` must divide the input's channels. Received: "
                f"groups={self.groups}, channels={channels}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(
                self.kernel_size,
                self.kernel_size,
                channels // self.groups,
                self.filters,
            ),
            initializer=self.kernel_initializer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros"
            )

    def call(self, inputs):
        """x [batch, h, w, c] -> [batch, h, w, filters]."""
        kernel = ops.convert_to_tensor(self.kernel)
        many = self.groups > _MOST_SPLIT
        if self.groups == 1 or self.route == "native":
            x = _convolve(inputs, kernel)
        elif self.route == "matmul" or (self.route == "auto" and many):
            x = _multiply(inputs, kernel, self.groups)
        else:
            x = ops.concatenate(
                [
                    _convolve(*pair)
                    for pair in zip(
                        ops.split(inputs, self.groups, axis=-1),
                        ops.split(kernel, self.groups, axis=-1),
                        strict=True,
                    )
                ],
                axis=-1,
            )
        return x if self.bias is None else x + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "groups": self.groups,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "route": self.route,
        }


def _convolve(x, kernel):
    return ops.conv(x, kernel, padding="same", data_format="channels_last")


def _multiply(x, kernel, groups):
    """The same by matrices: [groups, places, inputs] @ [groups, ., outputs]."""
    size, _, inputs, filters = kernel.shape
    _, height, width, _ = x.shape
    outputs = filters // groups
    margin = (size // 2, size // 2)
    x = ops.pad(x, ((0, 0), margin, margin, (0, 0)))
    x = ops.reshape(x, (-1, *x.shape[1:3], groups, inputs))
    x = ops.transpose(x, (3, 0, 1, 2, 4))
    shifted = [
        x[:, :, i : i + height, j : j + width]
        for i in range(size)
        for j in range(size)
    ]
    x = ops.concatenate(shifted, axis=-1)
    x = ops.reshape(x, (groups, -1, size * size * inputs))
    kernel = ops.reshape(kernel, (-1, groups, outputs))
    x = ops.matmul(x, ops.transpose(kernel, (1, 0, 2)))
    x = ops.reshape(x, (groups, -1, height, width, outputs))
    return ops.reshape(
        ops.transpose(x, (1, 2, 3, 0, 4)), (-1, height, width, filters)
    )
