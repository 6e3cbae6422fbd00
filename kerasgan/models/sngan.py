"""SNGAN (Miyato et al. 2018), https://arxiv.org/abs/1802.05957, and what came
of its networks: projection discriminators (Miyato & Koyama 2018),
https://arxiv.org/abs/1802.05637, and SSGAN (Chen et al. 2019),
https://arxiv.org/abs/1811.11212.

    latents [b, 128] -> 4px -> 8px -> 16px -> images [b, 32, 32, 3]
    images [b, 32, 32, 3] -> 16px -> 8px -> 8px -> 8px -> logits [b]

Every kernel of the discriminator is divided by its largest singular value; a
sum over places, not a mean, goes to its last layers. With classes, batch norm
of the generator has a gain and a bias per class, and the discriminator a
projection of the labels.

Any other size: the generator doubles a grid whose shorter side is 4 to 8 px;
the discriminator halves until the shorter side is `smallest_px` or less (once
at least), then has `last_blocks` more.

Differs from the paper: the vectors of spectral normalization move once in
each update of the discriminator, not in each of its passes; its channels are
any number.
"""

import itertools
import math

import keras
from keras import layers, ops

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


@keras.saving.register_keras_serializable(package="kerasgan.sngan")
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
        upsampling: "nearest", or "bilinear" as torch-mimicry has it.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        latent_size=128,
        width=256,
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

        (height, width), *sizes = halved_sizes(self.image_shape)[::-1]
        first, *widths = [
            min(self.width * 2**i, max_width or self.width)
            for i in reversed(range(len(sizes) + 1))
        ]
        convolve = glorot_convolutions()
        with policy_of(self):
            self.stem = layers.Dense(height * width * first, name="stem")
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
        x = self.to_grid(self.stem(latents))
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


@keras.saving.register_keras_serializable(package="kerasgan.sngan")
class Discriminator(keras.Model):
    """Halves an image in residual blocks, then sums what is left.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels of the first block.
        max_width: Channels double up to this; by default they never do.
        smallest_px: Blocks halve until the shorter side is this or less.
        last_blocks: How many follow at that size.
        doublings: How often channels double, from block to block; by default
            in all blocks that halve but the first.
        classes: The number of classes, if labels are used.
        conditioning: With "projection", the input is (images, labels). With
            one of `layers.label_heads`, `heads` has more; labels are then an
            input for "contrast" alone.
        rotations: Whether `heads` has "rotations", as SSGAN's.
        codes: How many numbers `heads` tells as "codes", InfoGAN's; None: none.
        rectified_shortcuts: As torch-mimicry trains them: its blocks rectify
            what their shortcuts see too, all but the first's.
        stored_vectors: Where, outside training, singular values are taken by
            the vectors as stored, as PyTorch does: of "blocks", "heads". By
            default, an iteration from them precedes, as in the paper's code.
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
        conditioning="projection",
        rotations=False,
        codes=None,
        rectified_shortcuts=False,
        stored_vectors=(),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.smallest_px = smallest_px
        self.last_blocks = last_blocks
        self.doublings = doublings
        self.classes = classes
        self.conditioning = check_conditioning(conditioning, CONDITIONINGS)
        self.rotations = rotations
        self.codes = codes
        self.rectified_shortcuts = rectified_shortcuts
        self.stored_vectors = tuple(stored_vectors)

        halvings, widths = self._widths()
        ends = itertools.pairwise([self.image_shape[-1], *widths])
        convolve = glorot_convolutions(
            {"stored_vectors": "blocks" in self.stored_vectors}
        )
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
            self.judge = SpectralHeads(
                classes,
                conditioning,
                rotations,
                codes,
                stored_vectors="heads" in self.stored_vectors,
            )
        make_weights(self, self.image_shape, classes)

    def _widths(self):
        """How many blocks halve the size, and the channels of all blocks."""
        shorter_side = min(self.image_shape[:2])
        halvings = math.log2(shorter_side / self.smallest_px)
        halvings = max(1, math.ceil(halvings))
        most = halvings - 1 if self.doublings is None else self.doublings
        limit = self.max_width or self.width
        return halvings, [
            min(self.width * 2 ** min(i, most), limit)
            for i in range(halvings + self.last_blocks)
        ]

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch].

        With a projection, (images, labels [batch]) -> logits.
        """
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the blocks' outputs, first to last)
        and, where there are any, those of `layers.label_heads` and
        "rotations" [batch, 4].
        """
        told = takes_labels(self.conditioning)
        x, labels = split_labels(inputs, self.classes, required=told)
        features = []
        for stage in self.stages:
            x = stage(x, training=training)
            features.append(x)
        heads = self.judge(x, labels, training=training)
        return {**heads, "features": features}

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "smallest_px": self.smallest_px,
            "last_blocks": self.last_blocks,
            "doublings": self.doublings,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "rotations": self.rotations,
            "codes": self.codes,
            "rectified_shortcuts": self.rectified_shortcuts,
            "stored_vectors": self.stored_vectors,
        }


PRESETS = {
    "sngan_tiny": {
        "generator": {"image_shape": (8, 8, 3), "latent_size": 8, "width": 6},
        "discriminator": {"image_shape": (8, 8, 3), "width": 6},
    },
    "sngan_cifar10_32px": {
        "generator": {"image_shape": (32, 32, 3)},
        "discriminator": {"image_shape": (32, 32, 3)},
    },
    "sngan_imagenet_128px": {  # With a projection discriminator.
        "generator": {
            "image_shape": (128, 128, 3),
            "width": 64,
            "max_width": 1024,
            "classes": 1000,
        },
        "discriminator": {
            "image_shape": (128, 128, 3),
            "width": 64,
            "max_width": 1024,
            "smallest_px": 4,
            "last_blocks": 1,
            "classes": 1000,
        },
    },
}
