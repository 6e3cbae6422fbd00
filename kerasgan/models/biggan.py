"""BigGAN (Brock et al. 2019), https://arxiv.org/abs/1809.11096.

    latents [b, 120] -> 4px -> 8px -> 16px -> 32px -> 64px, which attends to
        itself -> images [b, 128, 128, 3]
    images [b, 128, 128, 3] -> 64px, which attends to itself -> 32px -> 16px
        -> 8px -> 4px -> 4px -> logits [b]

The first part of the latents makes the smallest grid; a further part goes to
each block of the generator and gives, beside an embedding of the label that
all blocks share, gain and bias of its batch norm. Every kernel but that
embedding is divided by its largest singular value.

Any other size: both go between the image and a grid whose shorter side is 4 to
8 px.

Differs from the paper: the vectors of spectral normalization move once in
each update of a network, not in each of its passes; without classes, latents
alone condition the blocks.
"""

import itertools

import keras
from keras import layers, ops

from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.label_heads import takes_labels
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.normalization import (
    BatchNormalization,
    ConditionalBatchNormalization,
)
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.projection import CONDITIONINGS, SpectralHeads
from kerasgan.layers.residual import (
    DownBlock,
    UpBlock,
    check_attention,
    orthogonal_convolutions,
)
from kerasgan.layers.shapes import check_image_shape, make_weights
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense
from kerasgan.layers.stages import stage_sizes
from kerasgan.layers.stages import stage_widths as widths_of_stages


@keras.saving.register_keras_serializable(package="kerasgan.biggan")
class Generator(keras.Model):
    """Doubles a small grid until it is an image, in conditional blocks.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this;
            None is 16 times `width`.
        stage_widths: Instead of both: channels of each size, the smallest
            first. As many as there are sizes.
        classes: If given, the input is (latents, labels).
        shared_size: Numbers of a label's embedding, which blocks share; None
            gives each batch norm a gain and a bias per class instead.
        hierarchical: Whether blocks see latents of their own.
        attention: The stages, by number from 0, that attention follows; None
            takes the last of 64 px or less before the image's own size.
        spectral_epsilon: See `layers.spectral`.
        norm_epsilon: Added to variances by the blocks' batch norm.
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        latent_size=120,
        width=96,
        max_width=None,
        stage_widths=None,
        classes=None,
        shared_size=128,
        hierarchical=True,
        attention=None,
        spectral_epsilon=1e-6,
        norm_epsilon=1e-5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.max_width = max_width
        self.stage_widths = _tuple(stage_widths)
        self.classes = classes
        self.shared_size = shared_size
        self.hierarchical = hierarchical
        self.attention = _tuple(attention)
        self.spectral_epsilon = spectral_epsilon
        self.norm_epsilon = norm_epsilon

        shared = classes is not None and shared_size is not None
        if classes is not None and hierarchical and not shared:
            raise ValueError(
                "`shared_size` must be given where blocks see latents beside "
                f"labels. Received: shared_size={shared_size}, hierarchical="
                f"{hierarchical}"
            )
        (height, columns), *sizes = stage_sizes(
            self.image_shape, stage_widths and len(stage_widths)
        )
        first, *widths = self.stage_widths or widths_of_stages(
            width, max_width or 16 * width, len(sizes) + 1
        )
        small = sum(min(size) <= 64 for size in sizes[:-1])
        self.attentive = check_attention(
            attention, max(small - 1, 0), len(sizes)
        )
        self.parts = _parts(latent_size, len(sizes) if hierarchical else 0)
        self._make_layers((height, columns), first, sizes, widths)
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images.
        """
        latents, labels = split_labels(inputs, self.classes)
        first, *parts = [latents[:, a:b] for a, b in self.parts]
        shared = [] if labels is None else [labels]
        if self.share is not None:
            shared = [self.share(labels)]
        x = self.to_grid(self.stem(first, training=training))
        for i, stage in enumerate(self.stages):
            seen = shared + parts[i : i + 1]
            condition = ops.concatenate(seen, axis=-1) if seen else None
            x = stage(x, condition, training=training)
            if i in self.attentive:
                x = self.attend[str(i)](x, training=training)
        x = ops.relu(self.normalize(x, training=training))
        return ops.tanh(self.to_image(x, training=training))

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "width": self.width,
            "max_width": self.max_width,
            "stage_widths": self.stage_widths,
            "classes": self.classes,
            "shared_size": self.shared_size,
            "hierarchical": self.hierarchical,
            "attention": self.attention,
            "spectral_epsilon": self.spectral_epsilon,
            "norm_epsilon": self.norm_epsilon,
        }

    def _make_layers(self, grid, first, sizes, widths):
        """Those of a grid, and of stages of these sizes and widths."""
        height, columns = grid
        shared = self.classes is not None and self.shared_size is not None
        spectral = {"spectral_epsilon": self.spectral_epsilon}
        orthogonal = keras.initializers.Orthogonal
        convolve = orthogonal_convolutions(spectral)

        def normalize():
            if shared or self.hierarchical:
                return ConditionalBatchNormalization(
                    spectral, epsilon=self.norm_epsilon
                )
            return BatchNormalization(
                epsilon=self.norm_epsilon, classes=self.classes
            )

        with policy_of(self):
            self.share = None
            if shared:
                self.share = layers.Dense(
                    self.shared_size,
                    use_bias=False,
                    kernel_initializer=orthogonal(),
                    dtype=output_dtype(),
                    name="share",
                )
            self.stem = SpectralDense(
                height * columns * first,
                kernel_initializer=orthogonal(),
                name="stem",
                **spectral,
            )
            self.to_grid = layers.Reshape((height, columns, first))
            self.stages = [
                UpBlock(channels, size, convolve, normalize)
                for size, channels in zip(sizes, widths, strict=True)
            ]
            self.attend = {
                str(i): SelfAttention(widths[i], convolve)
                for i in self.attentive
            }
            self.normalize = BatchNormalization(name="normalize")
            self.to_image = SpectralConv2D(
                self.image_shape[-1],
                kernel_size=3,
                kernel_initializer=orthogonal(),
                dtype=output_dtype(),
                name="to_image",
                **spectral,
            )


@keras.saving.register_keras_serializable(package="kerasgan.biggan")
class Discriminator(keras.Model):
    """Halves an image in residual blocks, then sums what is left.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels of the first block.
        max_width: Channels double with each halving of the size up to this;
            None is 16 times `width`.
        stage_widths: Instead of both: channels of each block, the first one
            first.
        halvings: So many blocks halve the size, the others follow; None
            halves to 4 to 8 px, with one more block.
        classes: The number of classes, if labels are used.
        conditioning: With "projection", the input is (images, labels). With
            one of `layers.label_heads`, `heads` has more; labels are then an
            input for "contrast" alone.
        attention: The blocks, by number from 0, that attention follows; None
            takes the first of 64 px or less.
        wide: Whether blocks widen in their first convolution, or the second.
        spectral_epsilon: See `layers.spectral`.
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        width=96,
        max_width=None,
        stage_widths=None,
        halvings=None,
        classes=None,
        conditioning="projection",
        attention=None,
        wide=True,
        spectral_epsilon=1e-6,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.stage_widths = _tuple(stage_widths)
        self.halvings = halvings
        self.classes = classes
        self.conditioning = check_conditioning(conditioning, CONDITIONINGS)
        self.attention = _tuple(attention)
        self.wide = wide
        self.spectral_epsilon = spectral_epsilon

        count = None if halvings is None else halvings + 1
        *sizes, _ = stage_sizes(self.image_shape, count)
        limit = max_width or 16 * width
        widths = widths_of_stages(width, limit, len(sizes))[::-1]
        widths = self.stage_widths or [*widths, widths[-1]]
        ends = itertools.pairwise([self.image_shape[-1], *widths])
        large = sum(min(size) > 64 for size in sizes[1:])
        self.attentive = check_attention(attention, large, len(widths))
        spectral = {"spectral_epsilon": spectral_epsilon}
        convolve = orthogonal_convolutions(spectral)
        with policy_of(self):
            self.stages = [
                DownBlock(
                    old,
                    new,
                    hidden_channels=new if wide else old,
                    halve=i < len(sizes),
                    convolve=convolve,
                    sees_image=not i,
                    name=f"block_{i}",
                )
                for i, (old, new) in enumerate(ends)
            ]
            self.attend = {
                str(i): SelfAttention(widths[i], convolve)
                for i in self.attentive
            }
            self.judge = SpectralHeads(
                classes,
                conditioning,
                kernel_initializer=keras.initializers.Orthogonal,
                **spectral,
            )
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
            features.append(x)
            if i in self.attentive:
                x = self.attend[str(i)](x, training=training)
        heads = self.judge(x, labels, training=training)
        return {**heads, "features": features}

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "stage_widths": self.stage_widths,
            "halvings": self.halvings,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "attention": self.attention,
            "wide": self.wide,
            "spectral_epsilon": self.spectral_epsilon,
        }


def _tuple(values):
    return None if values is None else tuple(values)


def _parts(latent_size, blocks):
    """[(start, end), ...] of latents: the stem's, and each block's."""
    if latent_size <= blocks:
        raise ValueError(
            "`latent_size` must be more than the number of blocks, of which "
            f"each sees some latents: {blocks}. Received: "
            f"latent_size={latent_size}. `hierarchical=False` gives them none."
        )
    size = latent_size // (blocks + 1)
    cuts = [latent_size - i * size for i in range(blocks, -1, -1)]
    return list(itertools.pairwise([0, *cuts]))


PRESETS = {
    "biggan_tiny": {
        "generator": {
            "image_shape": (8, 8, 3),
            "latent_size": 8,
            "width": 4,
            "shared_size": 4,
        },
        "discriminator": {"image_shape": (8, 8, 3), "width": 4},
    },
    "biggan_cifar10_32px": {  # As BigGAN-PyTorch trains it.
        "generator": {
            "image_shape": (32, 32, 3),
            "latent_size": 128,
            "stage_widths": (256, 256, 256, 256),
            "classes": 10,
            "shared_size": None,
            "hierarchical": False,
            "attention": (),
            "spectral_epsilon": 1e-8,
        },
        "discriminator": {
            "image_shape": (32, 32, 3),
            "stage_widths": (256, 256, 256, 256),
            "halvings": 2,
            "classes": 10,
            "attention": (),
            "spectral_epsilon": 1e-8,
        },
    },
    "biggan_imagenet_128px": {
        "generator": {"image_shape": (128, 128, 3), "classes": 1000},
        "discriminator": {"image_shape": (128, 128, 3), "classes": 1000},
    },
}
