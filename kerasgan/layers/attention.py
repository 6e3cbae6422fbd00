"""Self-attention of an image's places."""

from keras import layers, ops

from kerasgan.layers.precision import at_least_float32
from kerasgan.layers.resampling import max_pool


class SelfAttention(layers.Layer):
    """Adds to each place what it finds at others that it attends to.

        x + gate * o(softmax(theta(x) phi(x)^T) g(x))

    Zhang et al. 2019, https://arxiv.org/abs/1805.08318, as in their code: phi
    and g see every second place, the largest of four. The gate starts at 0.

    Args:
        channels: Of input and output. An eighth of them are compared, half of
            them are passed on.
        convolve: Makes a convolution: (filters, kernel_size, use_bias).
    """

    def __init__(self, channels, convolve, **kwargs):
        super().__init__(**kwargs)

        def pointwise(filters):
            return convolve(max(1, filters), kernel_size=1, use_bias=False)

        self.theta = pointwise(channels // 8)
        self.phi = pointwise(channels // 8)
        self.g = pointwise(channels // 2)
        self.o = pointwise(channels)
        self.gate = self.add_weight(name="gate", shape=(), initializer="zeros")

    def build(self, input_shape):
        """Leaves layers inside to their calls; Keras would run them twice."""

    def call(self, inputs):
        """x [batch, h, w, c] -> the same shape."""
        asked = _places(self.theta(inputs))
        keys = _places(max_pool(self.phi(inputs)))
        values = _places(max_pool(self.g(inputs)))
        scores = ops.matmul(asked, ops.transpose(keys, (0, 2, 1)))
        scores = ops.cast(scores, at_least_float32(scores.dtype))
        shares = ops.cast(ops.softmax(scores, axis=-1), values.dtype)
        found = ops.matmul(shares, values)
        found = ops.reshape(found, (-1, *inputs.shape[1:3], values.shape[-1]))
        return inputs + self.gate * self.o(found)


def _places(x):
    """[batch, h, w, c] -> [batch, h * w, c]."""
    _, height, width, channels = x.shape
    return ops.reshape(x, (-1, height * width, channels))
