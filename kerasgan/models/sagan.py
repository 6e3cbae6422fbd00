"""SAGAN (Zhang et al. 2019), https://arxiv.org/abs/1805.08318.

    latents [b, 128] -> 4px -> 8px -> 16px -> 32px, which attends to itself
        -> 64px -> images [b, 128, 128, 3]
    images [b, 128, 128, 3] -> 64px -> 32px, which attends to itself
        -> 16px -> 8px -> 4px -> 4px -> logits [b]

The networks of SNGAN with a projection, but kernels of the generator too are
divided by their largest singular values, and at one size each place of a grid
attends to all.

Any other size: the generator doubles a grid whose shorter side is 4 to 8 px;
the discriminator halves until the shorter side is `smallest_px` or less (once
at least), then has `last_blocks` more.

Differs from the paper: the vectors of spectral normalization move once in
each update of a network, not in each of its passes.
"""

import itertools
import math

import keras
from keras import layers, ops

from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.label_heads import takes_labels
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.projection import CONDITIONINGS, SpectralHeads
from kerasgan.layers.resampling import check_upsampling
from kerasgan.layers.residual import DownBlock, UpBlock, glorot_convolutions
from kerasgan.layers.shapes import (
    check_image_shape,
    halved_sizes,
    make_weights,
)
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense


@keras.saving.register_keras_serializable(package="kerasgan.sagan")
class Generator(keras.Model):
    """Doubles a small grid until it is an image, in residual blocks.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this;
            by default they never do.
        attention_px: Attention follows the stage whose shorter side is this,
            or the next smaller one.
        classes: If given, the input is (latents, labels), and batch norm has a
            gain and a bias per class.
        upsampling: "nearest", or "bilinear" as torch-mimicry has it.
        stored_vectors: Whether, outside training, singular values are taken
            by the vectors as stored, as PyTorch does. By default, an
            iteration from them precedes, as in the authors' code.
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        latent_size=128,
        width=64,
        max_width=1024,
        attention_px=32,
        classes=None,
        upsampling="nearest",
        stored_vectors=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.upsampling = check_upsampling(upsampling)
        self.attention_px = attention_px
        self.stored_vectors = stored_vectors

        (height, width), *sizes = halved_sizes(self.image_shape)[::-1]
        first, *widths = [
            min(self.width * 2**i, max_width or self.width)
            for i in reversed(range(len(sizes) + 1))
        ]
        spectral = {"stored_vectors": stored_vectors}
        convolve = glorot_convolutions(spectral)
        self.attentive_stage = sum(
            min(size) <= attention_px for size in sizes[1:]
        )
        with policy_of(self):
            self.stem = SpectralDense(
                height * width * first, name="stem", **spectral
            )
            self.to_grid = layers.Reshape((height, width, first))
            self.stages = [
                UpBlock(
                    channels,
                    size,
                    convolve,
                    lambda: BatchNormalization(classes=classes),
                    upsampling,
                )
                for size, channels in zip(sizes, widths, strict=True)
            ]
            self.attend = SelfAttention(widths[self.attentive_stage], convolve)
            self.normalize = BatchNormalization(name="normalize")
            self.to_image = SpectralConv2D(
                self.image_shape[-1],
                kernel_size=3,
                dtype=output_dtype(),
                name="to_image",
                **spectral,
            )
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images.
        """
        latents, labels = split_labels(inputs, self.classes)
        x = self.to_grid(self.stem(latents, training=training))
        for i, stage in enumerate(self.stages):
            x = stage(x, labels, training=training)
            if i == self.attentive_stage:
                x = self.attend(x, training=training)
        x = ops.relu(self.normalize(x, training=training))
        return ops.tanh(self.to_image(x, training=training))

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "width": self.width,
            "max_width": self.max_width,
            "attention_px": self.attention_px,
            "classes": self.classes,
            "upsampling": self.upsampling,
            "stored_vectors": self.stored_vectors,
        }


@keras.saving.register_keras_serializable(package="kerasgan.sagan")
class Discriminator(keras.Model):
    """Halves an image in residual blocks, then sums what is left.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels of the first block.
        max_width: Channels double with each halving of the size up to this;
            by default they never do.
        attention_px: Attention follows the first block after which the
            shorter side is this or less.
        smallest_px: Blocks halve until the shorter side is this or less.
        last_blocks: How many follow at that size.
        classes: The number of classes, if labels are used.
        conditioning: With "projection", the input is (images, labels). With
            one of `layers.label_heads`, `heads` has more; labels are then an
            input for "contrast" alone.
        rectified_shortcuts: As torch-mimicry trains them: its blocks rectify
            what their shortcuts see too, all but the first's.
        stored_vectors: As the generator's.
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        width=64,
        max_width=1024,
        attention_px=32,
        smallest_px=4,
        last_blocks=1,
        classes=None,
        conditioning="projection",
        rectified_shortcuts=False,
        stored_vectors=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.attention_px = attention_px
        self.smallest_px = smallest_px
        self.last_blocks = last_blocks
        self.classes = classes
        self.conditioning = check_conditioning(conditioning, CONDITIONINGS)
        self.rectified_shortcuts = rectified_shortcuts
        self.stored_vectors = stored_vectors

        shorter_side = min(self.image_shape[:2])
        halvings = max(1, math.ceil(math.log2(shorter_side / smallest_px)))
        widths = [
            min(width * 2 ** min(i, halvings - 1), max_width or width)
            for i in range(halvings + last_blocks)
        ]
        ends = itertools.pairwise([self.image_shape[-1], *widths])
        spectral = {"stored_vectors": stored_vectors}
        convolve = glorot_convolutions(spectral)
        sides = [
            math.ceil(shorter_side / 2 ** min(i + 1, halvings))
            for i in range(len(widths))
        ]
        self.attentive_stage = sum(side > attention_px for side in sides[:-1])
        with policy_of(self):
            self.stages = [
                DownBlock(
                    old,
                    new,
                    hidden_channels=old if i else new,
                    halve=i < halvings,
                    convolve=convolve,
                    sees_image=not i,
                    rectified_shortcut=rectified_shortcuts,
                    name=f"block_{i}",
                )
                for i, (old, new) in enumerate(ends)
            ]
            self.attend = SelfAttention(widths[self.attentive_stage], convolve)
            self.judge = SpectralHeads(classes, conditioning, **spectral)
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch].

        With a projection, (images, labels [batch]) -> logits.
        """
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the blocks' outputs, first to last)
        and those of `layers.label_heads`.
        """
        told = takes_labels(self.conditioning)
        x, labels = split_labels(inputs, self.classes, required=told)
        features = []
        for i, stage in enumerate(self.stages):
            x = stage(x, training=training)
            if i == self.attentive_stage:
                x = self.attend(x, training=training)
            features.append(x)
        heads = self.judge(x, labels, training=training)
        return {**heads, "features": features}

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "attention_px": self.attention_px,
            "smallest_px": self.smallest_px,
            "last_blocks": self.last_blocks,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "rectified_shortcuts": self.rectified_shortcuts,
            "stored_vectors": self.stored_vectors,
        }


PRESETS = {
    "sagan_tiny": {
        "generator": {"image_shape": (8, 8, 3), "latent_size": 8, "width": 6},
        "discriminator": {"image_shape": (8, 8, 3), "width": 6},
    },
    "sagan_imagenet_128px": {
        "generator": {"image_shape": (128, 128, 3), "classes": 1000},
        "discriminator": {"image_shape": (128, 128, 3), "classes": 1000},
    },
}
