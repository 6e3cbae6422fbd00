"""The residual networks of WGAN-GP (Gulrajani et al. 2017),
https://arxiv.org/abs/1704.00028.

    latents [b, 128] -> 4px -> 8px -> 16px -> images [b, 32, 32, 3]
    images [b, 32, 32, 3] -> 16px -> 8px -> 8px -> 8px -> logits [b]

Any other size: the generator doubles a grid whose shorter side is 4 to 8 px;
the discriminator halves until the shorter side is `smallest_px` or less (once
at least), then has `last_blocks` more. By default its grids end at 4 px for
images of 8 px, at 7 px for 28, at 8 px for 64 and 128.

Differs from the paper: nothing in the networks at 32 px, which are those of
its CIFAR-10 experiments. Its discriminators for 64 px go down to 4 px, without
the two blocks after, as smallest_px=4 and last_blocks=0 do here. Initial weights are those of the published code: uniform,
with variance 4 / (fan in + fan out) for 3x3 convolutions inside blocks and half
of that elsewhere.
"""

import itertools
import math

import keras
from keras import layers, ops

from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.resampling import (
    average_pool,
    check_upsampling,
    crop,
    upsample,
)
from kerasgan.layers.shapes import (
    check_image_shape,
    halved_sizes,
    make_weights,
)


@keras.saving.register_keras_serializable(package="kerasgan.resnet")
class Generator(keras.Model):
    """Doubles a small grid until it is an image, in residual blocks.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this;
            by default they never do.
        classes: If given, the input is (latents, labels), and batch norm has a
            gain and a bias per class.
        upsampling: "nearest" or "bilinear".
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        latent_size=128,
        width=128,
        max_width=None,
        classes=None,
        upsampling="nearest",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.upsampling = check_upsampling(upsampling)

        sizes = halved_sizes(self.image_shape)[::-1]
        widths = _stage_widths(width, max_width, len(sizes))[::-1]
        with policy_of(self):
            self.stem = _grow_grid(*sizes[0], widths[0])
            self.stages = [
                _UpBlock(channels, size, upsampling, classes)
                for size, channels in zip(sizes[1:], widths[1:], strict=True)
            ]
            self.normalize = BatchNormalization(name="normalize")
            self.to_image = layers.Conv2D(
                self.image_shape[-1],
                kernel_size=3,
                padding="same",
                activation="tanh",
                dtype=output_dtype(),
                name="to_image",
            )
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images.
        """
        latents, labels = split_labels(inputs, self.classes)
        x = self.stem(latents)
        for stage in self.stages:
            x = stage(x, labels, training=training)
        x = ops.relu(self.normalize(x, training=training))
        return self.to_image(x)

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "upsampling": self.upsampling,
        }


@keras.saving.register_keras_serializable(package="kerasgan.resnet")
class Discriminator(keras.Model):
    """Halves an image in residual blocks, then averages what is left.

    No layer normalizes over the batch, so gradient penalties may be used.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels at the image's own size; the first block has twice as
            many where `max_width` allows.
        max_width: Channels double up to this; by default they never do.
        smallest_px: Blocks halve until the shorter side is this or less.
        last_blocks: How many follow at that size.
        doublings: How often channels double, from block to block; by default
            in all blocks that halve.
        classes: If given, `heads` has logits for "classes" too.
        conditioning: "classification": labels are not seen, but told.
        dropout: The part of each block's activations that training drops.
        rectified_shortcuts: As torch-mimicry trains them: its blocks rectify
            what their shortcuts see too, all but the first's.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        width=128,
        max_width=None,
        smallest_px=8,
        last_blocks=2,
        doublings=None,
        classes=None,
        conditioning="classification",
        dropout=0.0,
        rectified_shortcuts=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.conditioning = check_conditioning(
            conditioning, ("classification",)
        )
        self.dropout = dropout
        self.smallest_px = smallest_px
        self.last_blocks = last_blocks
        self.doublings = doublings
        self.rectified_shortcuts = rectified_shortcuts

        shorter_side = min(self.image_shape[:2])
        halvings = max(1, math.ceil(math.log2(shorter_side / smallest_px)))
        most = halvings if doublings is None else doublings
        widths = [
            min(int(width * 2 ** min(i + 1, most)), max_width or width)
            for i in range(halvings + last_blocks)
        ]
        widths = [self.image_shape[-1], *widths]
        with policy_of(self):
            self.stages = [
                _DownBlock(*pair, i < halvings, i, rectified_shortcuts)
                for i, pair in enumerate(itertools.pairwise(widths))
            ]
            self.drop = layers.Dropout(dropout)
            dtype = output_dtype()
            self.to_logits = layers.Dense(1, dtype=dtype, name="to_logits")
            self.to_classes = None
            if classes is not None:
                self.to_classes = layers.Dense(
                    classes, dtype=dtype, name="to_classes"
                )
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the blocks' outputs, first to last)
        and, with classes, "classes" [batch, classes].
        """
        x, _ = split_labels(inputs, self.classes, required=False)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
            x = self.drop(x, training=training)
        x = ops.mean(ops.relu(x), axis=(1, 2))
        heads = {
            "logits": ops.squeeze(self.to_logits(x), axis=-1),
            "features": features,
        }
        if self.to_classes is not None:
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
            "dropout": self.dropout,
            "smallest_px": self.smallest_px,
            "last_blocks": self.last_blocks,
            "doublings": self.doublings,
            "rectified_shortcuts": self.rectified_shortcuts,
        }


def _stage_widths(width, max_width, stages):
    """Channels at the image's size, at half of it, and so on."""
    return [min(width * 2**i, max_width or width) for i in range(stages)]


def _grow_grid(height, width, channels):
    return keras.Sequential(
        [
            layers.Dense(height * width * channels),
            layers.Reshape((height, width, channels)),
        ],
        name=f"stem_{height}px",
    )


class _UpBlock(layers.Layer):
    """Doubles the size, then crops to `size`, in both branches."""

    def __init__(self, channels, size, upsampling, classes):
        super().__init__(name=f"stage_{size[0]}px")
        self.size = size
        self.upsampling = upsampling
        self.first_norm = BatchNormalization(classes=classes)
        self.first = _convolve(channels)
        self.second_norm = BatchNormalization(classes=classes)
        self.second = _convolve(channels)
        self.shortcut = layers.Conv2D(channels, kernel_size=1)

    def call(self, inputs, labels=None, training=False):
        """x [batch, h, w, c], encoded labels -> [batch, *size, channels]."""
        x = self.first_norm(inputs, labels, training=training)
        x = self.first(self._enlarge(ops.relu(x)))
        x = self.second_norm(x, labels, training=training)
        x = self.second(ops.relu(x))
        return x + self.shortcut(self._enlarge(inputs))

    def _enlarge(self, x):
        return crop(upsample(x, self.upsampling), self.size)


class _DownBlock(layers.Layer):
    """Two convolutions beside a shortcut, then half the size if `halve`.

    The first block sees the image and does not rectify it.
    """

    def __init__(
        self, old_channels, channels, halve, number, rectified_shortcuts
    ):
        super().__init__(name=f"block_{number}")
        self.halve = halve
        self.sees_image = number == 0
        self.rectified_shortcut = rectified_shortcuts and not self.sees_image
        self.first = _convolve(channels if self.sees_image else old_channels)
        self.second = _convolve(channels)
        self.shortcut = None
        if halve or old_channels != channels:
            self.shortcut = layers.Conv2D(channels, kernel_size=1)

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


def _convolve(channels):
    return layers.Conv2D(
        channels,
        kernel_size=3,
        padding="same",
        kernel_initializer=keras.initializers.VarianceScaling(
            scale=2.0, mode="fan_avg", distribution="uniform"
        ),
    )


PRESETS = {
    "resnet_tiny": {
        "generator": {"image_shape": (8, 8, 3), "latent_size": 8, "width": 6},
        "discriminator": {"image_shape": (8, 8, 3), "width": 6},
    },
    "resnet_cifar10_32px": {
        "generator": {"image_shape": (32, 32, 3)},
        "discriminator": {"image_shape": (32, 32, 3)},
    },
    "resnet_lsun_64px": {
        "generator": {
            "image_shape": (64, 64, 3),
            "width": 64,
            "max_width": 512,
        },
        "discriminator": {
            "image_shape": (64, 64, 3),
            "width": 64,
            "max_width": 512,
        },
    },
}
