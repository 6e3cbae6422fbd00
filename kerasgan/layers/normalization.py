"""Normalization whose second derivatives are exact.

Keras' own layers stop the gradient of the mean on TensorFlow, which is right
for first derivatives and wrong for gradient penalties.
"""

import keras
from keras import ops

from kerasgan import devices
from kerasgan.layers.precision import at_least_float32
from kerasgan.layers.spectral import SpectralDense


@keras.saving.register_keras_serializable(package="kerasgan.normalization")
class BatchNormalization(keras.layers.Layer):
    """Scales each channel to mean 0 and variance 1, then by a gain and a bias.

    Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167; with classes
    Dumoulin et al. 2017, https://arxiv.org/abs/1610.07629. Statistics are
    those of the batch in training, their moving averages otherwise.

    Args:
        epsilon: Added to the variance.
        momentum: What the moving statistics keep in each training step.
        classes: Gains and biases are learned per class, for `labels` encoded
            as [batch, classes].
        gain_initializer: Keras' name or object.
        synchronized: Statistics are of the whole batch where replicas share
            it, so that a training does not depend on their number. False: each
            has those of its own part, and nothing to wait for.
    """

    _own_gain = True  # And a bias: variables of the layer.

    def __init__(
        self,
        epsilon=1e-5,
        momentum=0.9,
        classes=None,
        gain_initializer="ones",
        synchronized=True,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.epsilon = epsilon
        self.momentum = momentum
        self.classes = classes
        self.gain_initializer = keras.initializers.get(gain_initializer)
        self.synchronized = synchronized

    def build(self, input_shape):
        channels = (input_shape[-1],)
        table = channels if self.classes is None else (self.classes, *channels)
        if self._own_gain:
            self.gain = self._add("gain", table, self.gain_initializer)
            self.bias = self._add("bias", table, "zeros")
        self.moving_mean = self._add("moving_mean", channels, "zeros", False)
        self.moving_variance = self._add(
            "moving_variance", channels, "ones", False
        )

    def call(self, inputs, labels=None, training=False):
        """x [batch, ..., c], labels [batch, classes] -> x of the same shape."""
        x = ops.cast(inputs, at_least_float32(inputs.dtype))
        if training and devices.has_fused_batch_norm(x.dtype):
            x = self._normalize_fused(x, labels)
        else:
            mean, variance = self.moving_mean, self.moving_variance
            if training:
                mean, variance = self._measure(x)
            gain, bias = self._gain_and_bias(labels, len(x.shape))
            scale = gain * ops.rsqrt(variance + self.epsilon)
            x = (x - mean) * scale + bias
        return ops.cast(x, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "momentum": self.momentum,
            "classes": self.classes,
            "gain_initializer": keras.initializers.serialize(
                self.gain_initializer
            ),
            "synchronized": self.synchronized,
        }

    def _add(self, name, shape, initializer, trainable=True):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            autocast=False,  # Mixed precision is for convolutions.
            aggregation="mean",
        )

    def _measure(self, x):
        """x -> the batch's mean and variance [c], moving the averages too."""
        axes = tuple(range(len(x.shape) - 1))
        rows, *others, _ = ops.shape(x)
        mean_of = ops.mean
        if self.synchronized:
            mean_of, rows = devices.mean, devices.total(rows)
        mean = mean_of(x, axes)
        variance = mean_of(ops.square(x - mean), axes)
        count = ops.cast(ops.prod((rows, *others)), x.dtype)
        # As PyTorch and TensorFlow's fused kernel: unbiased only where kept.
        self._keep(mean, variance * count / ops.maximum(count - 1, 1))
        return mean, variance

    def _normalize_fused(self, x, labels):
        """The same in training, by a kernel that is some four times as fast."""
        gain, bias = self._gain_and_bias(labels, len(x.shape))
        if len(gain.shape) == 1:
            x, mean, variance = devices.fused_batch_norm(
                x, gain, bias, self.epsilon
            )
        else:
            ones = ops.ones((x.shape[-1],), x.dtype)
            x, mean, variance = devices.fused_batch_norm(
                x, ones, ops.zeros_like(ones), self.epsilon
            )
            x = gain * x + bias
        self._keep(mean, variance)
        return x

    def _keep(self, mean, unbiased_variance):
        """Moves the averages towards the batch's moments, unless frozen."""
        if not self.trainable:
            return
        for average, new in (
            (self.moving_mean, mean),
            (self.moving_variance, unbiased_variance),
        ):
            new = ops.stop_gradient(new)
            average.assign(average + (1 - self.momentum) * (new - average))

    def _gain_and_bias(self, labels, rank):
        """[c], or with classes [batch, 1, ..., c]."""
        if self.classes is None:
            return self.gain, self.bias
        labels = ops.cast(labels, self.gain.dtype)
        return tuple(
            ops.reshape(
                ops.matmul(labels, table),
                (-1, *[1] * (rank - 2), table.shape[-1]),
            )
            for table in (self.gain, self.bias)
        )


@keras.saving.register_keras_serializable(package="kerasgan.normalization")
class ConditionalBatchNormalization(BatchNormalization):
    """Batch norm whose gain and bias are linear in a condition.

        gain = 1 + W_gain condition,  bias = W_bias condition

    Brock et al. 2019, section 3.1, https://arxiv.org/abs/1809.11096; both
    matrices are spectrally normalized. It is called with (x, condition
    [batch, n]).

    Args:
        spectral: Arguments of `SpectralLayer`.
        **kwargs: Those of `BatchNormalization`, but for `classes` and
            `gain_initializer`.
    """

    _own_gain = False

    def __init__(self, spectral=None, **kwargs):
        super().__init__(**kwargs)
        self.spectral = dict(spectral or {})
        self.to_gain, self.to_bias = (
            SpectralDense(
                None,
                use_bias=False,
                kernel_initializer=keras.initializers.Orthogonal(),
                dtype=at_least_float32(self.compute_dtype),
                **self.spectral,
            )
            for _ in range(2)
        )

    def build(self, input_shape):
        super().build(input_shape)
        self.to_gain.units = self.to_bias.units = input_shape[-1]

    def get_config(self):
        return {**super().get_config(), "spectral": self.spectral}

    def _gain_and_bias(self, labels, rank):
        middle = (1,) * (rank - 2)
        gain, bias = (
            ops.reshape(layer(labels), (-1, *middle, layer.units))
            for layer in (self.to_gain, self.to_bias)
        )
        return 1 + gain, bias


def synchronize(model, synchronized):
    """Says of all batch norm in a model whether it spans replicas."""
    for layer in model._flatten_layers():
        if isinstance(layer, BatchNormalization):
            layer.synchronized = synchronized
