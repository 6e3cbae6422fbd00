"""The residual networks of Mescheder et al. 2018,
https://arxiv.org/abs/1801.04406, on which R1 was shown to be enough.

    latents [b, 256] -> 4px -> 8px -> ... -> images [b, 256, 256, 3]
    images [b, 256, 256, 3] -> 128px -> ... -> 4px -> logits [b]

No layer normalizes; a block's branch counts a tenth. Any other size has as
many stages as it takes to come from its smallest grid, whose shorter side is
4 to 8 px.

Differs from the paper: nothing. Without classes, no label is embedded, and
there is one logit. Kernels start as in the published code, as PyTorch's: uniform within
1 / sqrt(fan in), labels' normal. Biases start at zero.
"""

import itertools
import math

import keras
from keras import layers, ops

from kerasgan.layers.activations import leaky_relu
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.resampling import crop, upsample
from kerasgan.layers.shapes import check_image_shape, make_weights
from kerasgan.layers.stages import stage_sizes, stage_widths

_BRANCH = 0.1


@keras.saving.register_keras_serializable(package="kerasgan.mescheder")
class Generator(keras.Model):
    """Doubles a small grid until it is an image, after each residual block.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this.
        classes: If given, the input is (latents, labels).
        label_width: Numbers that a label becomes, of length 1.
    """

    def __init__(
        self,
        image_shape=(256, 256, 3),
        latent_size=256,
        width=64,
        max_width=1024,
        classes=None,
        label_width=256,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.label_width = label_width

        sizes = stage_sizes(self.image_shape)
        widths = stage_widths(width, max_width, len(sizes))
        with policy_of(self):
            self.embed = None
            if classes is not None:
                self.embed = layers.Dense(
                    label_width,
                    use_bias=False,
                    kernel_initializer=keras.initializers.RandomNormal(0, 1),
                    dtype=output_dtype(),
                    name="embed",
                )
            self.stem = layers.Dense(
                math.prod(sizes[0]) * widths[0], **_uniform(), name="stem"
            )
            self.grid = layers.Reshape((*sizes[0], widths[0]))
            self.stages = [
                _Block(*pair, name=f"stage_{size[0]}px")
                for pair, size in zip(
                    itertools.pairwise([*widths, width]), sizes, strict=True
                )
            ]
            self.sizes = sizes[1:]
            self.to_image = layers.Conv2D(
                self.image_shape[-1],
                3,
                padding="same",
                activation="tanh",
                dtype=output_dtype(),
                **_uniform(),
                name="to_image",
            )
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images.
        """
        del training  # No layer asks.
        x, labels = split_labels(inputs, self.classes)
        if labels is not None:
            x = ops.concatenate(
                [ops.cast(x, self.compute_dtype), self._direction(labels)],
                axis=-1,
            )
        x = self.grid(self.stem(x))
        *stages, last = self.stages
        for stage, size in zip(stages, self.sizes, strict=True):
            x = crop(upsample(stage(x), "nearest"), size)
        return self.to_image(leaky_relu(last(x)))

    def _direction(self, labels):
        """[batch, classes] -> [batch, label_width], each of length 1."""
        x = self.embed(labels)
        squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
        # Labels of zeros, which floats may be, have no direction.
        x = x * ops.rsqrt(ops.maximum(squares, 1e-12))
        return ops.cast(x, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "label_width": self.label_width,
        }


@keras.saving.register_keras_serializable(package="kerasgan.mescheder")
class Discriminator(keras.Model):
    """Halves an image until it is a small grid, after each residual block.

    No layer normalizes over the batch, so gradient penalties may be used.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this.
        classes: The number of classes, if labels are used.
        conditioning: "selection": the input is (images, labels), and there is
            a logit for each class, of which the label's counts.
            "classification": it is images, and `heads` has logits for
            "classes" too.
    """

    def __init__(
        self,
        image_shape=(256, 256, 3),
        width=64,
        max_width=1024,
        classes=None,
        conditioning="selection",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.conditioning = check_conditioning(
            conditioning, ("selection", "classification")
        )

        selects = classes is not None and conditioning == "selection"
        sizes = stage_sizes(self.image_shape)[::-1]
        widths = stage_widths(width, max_width, len(sizes))[::-1]
        with policy_of(self):
            self.from_image = layers.Conv2D(
                width, 3, padding="same", **_uniform(), name="from_image"
            )
            self.stages = [
                _Block(*pair, name=f"stage_{size[0]}px")
                for pair, size in zip(
                    itertools.pairwise([width, *widths]), sizes, strict=True
                )
            ]
            self.flatten = layers.Flatten()
            dtype = output_dtype()
            self.to_logits = layers.Dense(
                classes if selects else 1,
                dtype=dtype,
                **_uniform(),
                name="to_logits",
            )
            self.to_classes = None
            if classes is not None and not selects:
                self.to_classes = layers.Dense(
                    classes, dtype=dtype, **_uniform(), name="to_classes"
                )
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the blocks' outputs, first to last)
        and, if they are classified, "classes" [batch, classes].
        """
        del training  # No layer asks.
        classified = self.to_classes is not None
        x, labels = split_labels(inputs, self.classes, not classified)
        x = self.from_image(x)
        features = []
        for stage in self.stages:
            x = stage(_halve(x) if features else x)
            features.append(x)
        x = self.flatten(leaky_relu(x))
        logits = self.to_logits(x)
        if labels is not None and not classified:
            logits = logits * ops.cast(labels, logits.dtype)
        heads = {"logits": ops.sum(logits, axis=-1), "features": features}
        if classified:
            heads["classes"] = self.to_classes(x)
        return heads

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "conditioning": self.conditioning,
        }


class _Block(layers.Layer):
    """Two convolutions, each of what is rectified, a tenth of them added."""

    def __init__(self, old_channels, channels, name):
        super().__init__(name=name)
        self.first = _convolve(min(old_channels, channels))
        self.second = _convolve(channels)
        self.shortcut = None
        if old_channels != channels:
            self.shortcut = layers.Conv2D(
                channels, 1, use_bias=False, **_uniform()
            )

    def call(self, inputs):
        """[batch, h, w, c] -> [batch, h, w, channels]."""
        x = self.first(leaky_relu(inputs))
        x = self.second(leaky_relu(x))
        if self.shortcut is not None:
            inputs = self.shortcut(inputs)
        return inputs + _BRANCH * x


def _convolve(channels):
    return layers.Conv2D(channels, 3, padding="same", **_uniform())


def _halve(x):
    """Sums of 3x3 pixels / 9, every second one; beyond the edges are zeros."""
    kernel = ops.full((3, 3, x.shape[-1], 1), 1 / 9, dtype=x.dtype)
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return ops.depthwise_conv(x, kernel, strides=2, padding="valid")


def _uniform():
    """PyTorch's first kernels: uniform with variance 1 / (3 fan in)."""
    return {
        "kernel_initializer": keras.initializers.VarianceScaling(
            scale=1 / 3, mode="fan_in", distribution="uniform"
        )
    }


PRESETS = {
    "mescheder_tiny": {
        "generator": {
            "image_shape": (8, 8, 3),
            "latent_size": 8,
            "width": 4,
            "max_width": 8,
            "label_width": 4,
        },
        "discriminator": {
            "image_shape": (8, 8, 3),
            "width": 4,
            "max_width": 8,
        },
    },
    # No parameter counts are published.
    "mescheder_celebahq_256px": {"generator": {}, "discriminator": {}},
    "mescheder_imagenet_128px": {
        "generator": {"image_shape": (128, 128, 3), "classes": 1000},
        "discriminator": {"image_shape": (128, 128, 3), "classes": 1000},
    },
}
