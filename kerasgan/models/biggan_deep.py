"""BigGAN-deep (Brock et al. 2019), https://arxiv.org/abs/1809.11096,
appendix B.

    latents [b, 128] -> 4px -> 8px -> 16px -> 32px -> 64px, which attends to
        itself -> images [b, 128, 128, 3]
    images [b, 128, 128, 3] -> 64px, which attends to itself -> 32px -> 16px
        -> 8px -> 4px -> logits [b]

All latents, beside an embedding of the label, go to the smallest grid and to
the batch norm of every block. Blocks are bottlenecks of four convolutions,
`depth` of them at each size; shortcuts have no weights where they need none:
the generator drops channels, the discriminator appends some.

Any other size: both go between the image and a grid whose shorter side is 4 to
8 px.

Differs from the paper: the vectors of spectral normalization move once in
each update of a network, not in each of its passes; without classes, latents
alone condition the blocks.
"""

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
from kerasgan.layers.resampling import average_pool, crop, upsample
from kerasgan.layers.residual import (
    check_attention,
    orthogonal_convolutions,
)
from kerasgan.layers.shapes import check_image_shape, make_weights
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense
from kerasgan.layers.stages import stage_sizes
from kerasgan.layers.stages import stage_widths as widths_of_stages

_BOTTLENECK = 4  # Channels of a block over those inside it.


@keras.saving.register_keras_serializable(package="kerasgan.biggan_deep")
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
        depth: Blocks at each size but the image's own.
        classes: If given, the input is (latents, labels).
        shared_size: Numbers of a label's embedding, which blocks share.
        attention: The stages, by number from 0, that attention follows; None
            takes the last of 64 px or less before the image's own size.
        spectral_epsilon: See `layers.spectral`.
        norm_epsilon: Added to variances by the blocks' batch norm.
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        latent_size=128,
        width=128,
        max_width=None,
        stage_widths=None,
        depth=2,
        classes=None,
        shared_size=128,
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
        self.stage_widths = stage_widths and tuple(stage_widths)
        self.depth = depth
        self.classes = classes
        self.shared_size = shared_size
        self.attention = None if attention is None else tuple(attention)
        self.spectral_epsilon = spectral_epsilon
        self.norm_epsilon = norm_epsilon

        (height, columns), *sizes = stage_sizes(
            self.image_shape, stage_widths and len(stage_widths)
        )
        widths = self.stage_widths or widths_of_stages(
            width, max_width or 16 * width, len(sizes) + 1
        )
        if sorted(widths, reverse=True) != list(widths):
            raise ValueError(
                "`stage_widths` must not grow, for shortcuts only drop "
                f"channels. Received: stage_widths={stage_widths}"
            )
        small = sum(min(size) <= 64 for size in sizes[:-1])
        self.attentive = check_attention(
            attention, max(small - 1, 0), len(sizes)
        )
        self._make_layers((height, columns), sizes, widths)
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images.
        """
        condition, labels = split_labels(inputs, self.classes)
        if labels is not None:
            condition = ops.concatenate(
                [self.share(labels), condition], axis=-1
            )
        x = self.to_grid(self.stem(condition, training=training))
        for i, stage in enumerate(self.stages):
            for block in stage:
                x = block(x, condition, training=training)
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
            "depth": self.depth,
            "classes": self.classes,
            "shared_size": self.shared_size,
            "attention": self.attention,
            "spectral_epsilon": self.spectral_epsilon,
            "norm_epsilon": self.norm_epsilon,
        }

    def _make_layers(self, grid, sizes, widths):
        """Those of a grid, and of stages of these sizes and widths."""
        height, columns = grid
        depth = self.depth
        spectral = {"spectral_epsilon": self.spectral_epsilon}
        orthogonal = keras.initializers.Orthogonal
        convolve = orthogonal_convolutions(spectral)
        with policy_of(self):
            self.share = None
            if self.classes is not None:
                self.share = layers.Dense(
                    self.shared_size,
                    use_bias=False,
                    kernel_initializer=orthogonal(),
                    dtype=output_dtype(),
                    name="share",
                )
            self.stem = SpectralDense(
                height * columns * widths[0],
                kernel_initializer=orthogonal(),
                name="stem",
                **spectral,
            )
            self.to_grid = layers.Reshape((height, columns, widths[0]))
            self.stages = [
                [
                    _UpBlock(
                        widths[i],
                        widths[i] if j < depth - 1 else widths[i + 1],
                        size if j == depth - 1 else None,
                        convolve,
                        lambda: ConditionalBatchNormalization(
                            spectral, epsilon=self.norm_epsilon
                        ),
                        name=f"stage_{size[0]}px_{j}",
                    )
                    for j in range(depth)
                ]
                for i, size in enumerate(sizes)
            ]
            self.attend = {
                str(i): SelfAttention(widths[i + 1], convolve)
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


@keras.saving.register_keras_serializable(package="kerasgan.biggan_deep")
class Discriminator(keras.Model):
    """Halves an image in residual blocks, then sums what is left.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this;
            None is 16 times `width`.
        stage_widths: Instead of both: channels at the image's own size and
            after each stage.
        halvings: So many stages halve the size, the others follow; None
            halves to 4 to 8 px.
        depth: Blocks of each stage.
        classes: The number of classes, if labels are used.
        conditioning: With "projection", the input is (images, labels). With
            one of `layers.label_heads`, `heads` has more; labels are then an
            input for "contrast" alone.
        attention: The stages, by number from 0, that attention follows; None
            takes the first of 64 px or less.
        spectral_epsilon: See `layers.spectral`.
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        width=128,
        max_width=None,
        stage_widths=None,
        halvings=None,
        depth=2,
        classes=None,
        conditioning="projection",
        attention=None,
        spectral_epsilon=1e-6,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.stage_widths = stage_widths and tuple(stage_widths)
        self.halvings = halvings
        self.depth = depth
        self.classes = classes
        self.conditioning = check_conditioning(conditioning, CONDITIONINGS)
        self.attention = None if attention is None else tuple(attention)
        self.spectral_epsilon = spectral_epsilon

        count = None if halvings is None else halvings + 1
        *sizes, _ = stage_sizes(self.image_shape, count)
        sizes = sizes[::-1]
        widths = self.stage_widths
        if widths is None:
            widths = widths_of_stages(
                width, max_width or 16 * width, len(sizes) + 1
            )[::-1]
        if sorted(widths) != list(widths):
            raise ValueError(
                "`stage_widths` must not shrink, for shortcuts only append "
                f"channels. Received: stage_widths={stage_widths}"
            )
        stages = len(widths) - 1
        large = sum(min(size) > 64 for size in sizes[:-1])
        self.attentive = check_attention(attention, large, stages)
        self._make_layers(len(sizes), widths)
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch].

        With a projection, (images, labels [batch]) -> logits.
        """
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the stages' outputs, first to last)
        and those of `layers.label_heads`.
        """
        told = takes_labels(self.conditioning)
        x, labels = split_labels(inputs, self.classes, required=told)
        x = self.from_image(x, training=training)
        features = []
        for i, stage in enumerate(self.stages):
            for block in stage:
                x = block(x, training=training)
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
            "depth": self.depth,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "attention": self.attention,
            "spectral_epsilon": self.spectral_epsilon,
        }

    def _make_layers(self, halvings, widths):
        """Those of stages of these widths, so many of which halve."""
        spectral = {"spectral_epsilon": self.spectral_epsilon}
        convolve = orthogonal_convolutions(spectral)
        with policy_of(self):
            self.from_image = convolve(widths[0], kernel_size=3)
            self.stages = [
                [
                    _DownBlock(
                        widths[i + bool(j)],
                        widths[i + 1],
                        halve=i < halvings and not j,
                        convolve=convolve,
                        name=f"block_{i}_{j}",
                    )
                    for j in range(self.depth)
                ]
                for i in range(len(widths) - 1)
            ]
            self.attend = {
                str(i): SelfAttention(widths[i + 1], convolve)
                for i in self.attentive
            }
            self.judge = SpectralHeads(
                self.classes,
                self.conditioning,
                kernel_initializer=keras.initializers.Orthogonal,
                **spectral,
            )


class _UpBlock(layers.Layer):
    """Four convolutions; doubles the size to `size` if there is one.

    The shortcut keeps the first channels.
    """

    def __init__(
        self, old_channels, channels, size, convolve, normalize, **kwargs
    ):
        super().__init__(**kwargs)
        self.channels = channels
        self.size = size
        hidden = max(1, old_channels // _BOTTLENECK)
        self.norms = [normalize() for _ in range(4)]
        self.convolutions = [
            convolve(hidden, kernel_size=1),
            convolve(hidden, kernel_size=3),
            convolve(hidden, kernel_size=3),
            convolve(channels, kernel_size=1),
        ]

    def build(self, input_shape):
        """Leaves layers inside to their calls; Keras would run them twice."""

    def call(self, inputs, condition, training=False):
        """x [batch, h, w, c], a condition -> [batch, *size, channels]."""
        x = inputs
        for i, (norm, convolution) in enumerate(
            zip(self.norms, self.convolutions, strict=True)
        ):
            x = ops.relu(norm(x, condition, training=training))
            x = convolution(self._enlarge(x) if i == 1 else x)
        return x + self._enlarge(inputs[..., : self.channels])

    def _enlarge(self, x):
        if self.size is None:
            return x
        return crop(upsample(x, "nearest"), self.size)


class _DownBlock(layers.Layer):
    """Four convolutions; halves the size if `halve`.

    The shortcut appends the channels that are missing.
    """

    def __init__(self, old_channels, channels, halve, convolve, **kwargs):
        super().__init__(**kwargs)
        self.halve = halve
        hidden = max(1, channels // _BOTTLENECK)
        self.convolutions = [
            convolve(hidden, kernel_size=1),
            convolve(hidden, kernel_size=3),
            convolve(hidden, kernel_size=3),
            convolve(channels, kernel_size=1),
        ]
        self.shortcut = None
        if channels > old_channels:
            self.shortcut = convolve(channels - old_channels, kernel_size=1)

    def build(self, input_shape):
        """Leaves layers inside to their calls; Keras would run them twice."""

    def call(self, inputs):
        """[batch, h, w, c] -> [batch, h or half, w or half, channels]."""
        *first, last = self.convolutions
        x = inputs
        for convolution in first:
            x = convolution(ops.relu(x))
        x, shortcut = ops.relu(x), inputs
        if self.halve:
            x, shortcut = average_pool(x), average_pool(shortcut)
        if self.shortcut is not None:
            shortcut = ops.concatenate(
                [shortcut, self.shortcut(shortcut)], axis=-1
            )
        return last(x) + shortcut


PRESETS = {
    "biggan_deep_tiny": {
        "generator": {
            "image_shape": (8, 8, 3),
            "latent_size": 8,
            "width": 8,
            "shared_size": 4,
            "depth": 1,
        },
        "discriminator": {"image_shape": (8, 8, 3), "width": 8, "depth": 1},
    },
    "biggan_deep_imagenet_128px": {
        "generator": {"image_shape": (128, 128, 3), "classes": 1000},
        "discriminator": {"image_shape": (128, 128, 3), "classes": 1000},
    },
}
