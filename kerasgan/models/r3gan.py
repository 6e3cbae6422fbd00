"""R3GAN (Huang et al. 2024), https://arxiv.org/abs/2501.05441.

    latents [b, 64] -> 4px -> 8px -> 16px -> images [b, 32, 32, 3]
    images [b, 32, 32, 3] -> 16px -> 8px -> 4px -> logits [b]

Both are residual networks without normalization, one the mirror of the other:
a block is a 1x1 convolution to twice the width, a 3x3 in groups and a 1x1
back; between stages lies a filter [1, 3, 3, 1]. Any other size has as many
stages as it takes to come from its smallest grid, whose shorter side is 4 to
8 px. Images are not bounded: no tanh stands at the end.

Differs from the paper: nothing in the networks. Mixed precision holds for all
stages, and not only for those near the image.
"""

import collections
import math

import keras
from keras import layers, ops

from kerasgan.layers import filters
from kerasgan.layers.activations import leaky_relu
from kerasgan.layers.grouped import GroupedConv2D
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.resampling import crop
from kerasgan.layers.shapes import check_image_shape, make_weights
from kerasgan.layers.stages import per_stage, plain, stage_sizes, stage_widths

_SLOPE = 0.2


@keras.saving.register_keras_serializable(package="kerasgan.r3gan")
class Generator(keras.Model):
    """Doubles a learned grid until it is an image.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels at the image's own size; or those of each stage, from
            the smallest grid on.
        max_width: Channels double with each halving of the size up to this.
        group_size: Channels in a group of the 3x3 convolutions; or those of
            each stage. Where a block has fewer, it has one group.
        blocks: In a stage; or in each of them.
        expansion: Channels inside a block, times those outside.
        kernel_size: Of the convolutions in groups.
        taps: Of the filter between stages.
        classes: If given, the input is (latents, labels).
        label_width: Numbers that a label becomes.
        route: How grouped convolutions are computed, see `GroupedConv2D`.
    """

    bounded = False  # No tanh at the end.

    def __init__(
        self,
        image_shape=(32, 32, 3),
        latent_size=64,
        width=768,
        max_width=768,
        group_size=16,
        blocks=2,
        expansion=2,
        kernel_size=3,
        taps=filters.TAPS,
        classes=None,
        label_width=64,
        route="auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = plain(width)
        self.max_width = max_width
        self.group_size = plain(group_size)
        self.blocks = plain(blocks)
        self.expansion = expansion
        self.kernel_size = kernel_size
        self.taps = plain(taps)
        self.classes = classes
        self.label_width = label_width
        self.route = route

        first, *rest = stages = _stages(self)
        make_block = _block_maker(self, stages)
        with policy_of(self):
            self.embed = None
            if classes is not None:
                self.embed = _linear(label_width, name="embed")
            self.stem = _Stem(first, make_block)
            self.stages = [
                _UpStage(old, new, self.taps, make_block)
                for old, new in zip(stages, rest, strict=False)
            ]
            self.to_image = _linear_map(
                self.image_shape[-1], dtype=output_dtype(), name="to_image"
            )
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c].

        With classes, (latents, labels [batch]) -> images. They are about
        [-1, 1], as data are, without a bound.
        """
        del training  # No layer asks.
        x, labels = split_labels(inputs, self.classes)
        if labels is not None:
            x = ops.concatenate(
                [ops.cast(x, self.compute_dtype), self.embed(labels)], axis=-1
            )
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.to_image(x)

    def get_config(self):
        return {
            **super().get_config(),
            **_config(self),
            "latent_size": self.latent_size,
        }


@keras.saving.register_keras_serializable(package="kerasgan.r3gan")
class Discriminator(keras.Model):
    """Halves an image until it is a small grid, and weighs what is there.

    No layer normalizes over the batch, so gradient penalties may be used.

    Args:
        image_shape, width, max_width, group_size, blocks, expansion,
            kernel_size, taps, classes, route: As of the generator; what
            has a number for each stage has it from the smallest grid on too.
        label_width: Numbers that an image and its label are compared by.
        conditioning: "projection": the input is (images, labels).
            "classification": it is images, and `heads` has logits for
            "classes" too.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        width=768,
        max_width=768,
        group_size=16,
        blocks=2,
        expansion=2,
        kernel_size=3,
        taps=filters.TAPS,
        classes=None,
        label_width=768,
        conditioning="projection",
        route="auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = plain(width)
        self.max_width = max_width
        self.group_size = plain(group_size)
        self.blocks = plain(blocks)
        self.expansion = expansion
        self.kernel_size = kernel_size
        self.taps = plain(taps)
        self.classes = classes
        self.label_width = label_width
        self.conditioning = check_conditioning(
            conditioning, ("projection", "classification")
        )
        self.route = route

        projects = classes is not None and conditioning == "projection"
        stages = _stages(self)[::-1]
        make_block = _block_maker(self, stages)
        with policy_of(self):
            self.from_image = _linear_map(stages[0].channels, name="from_image")
            self.stages = [
                _DownStage(stage, new, self.taps, make_block)
                for stage, new in zip(stages, [*stages[1:], None], strict=True)
            ]
            self.basis = _Basis(
                stages[-1].size,
                stages[-1].channels,
                stddev=1 / math.sqrt(math.prod(stages[-1].size)),
                dtype=output_dtype(),
            )
            self.to_logits = _linear(
                label_width if projects else 1,
                dtype=output_dtype(),
                name="to_logits",
            )
            self.embed = self.to_classes = None
            if projects:
                self.embed = _linear(
                    label_width,
                    gain=1 / math.sqrt(label_width),
                    dtype=output_dtype(),
                    name="embed",
                )
            elif classes is not None:
                self.to_classes = _linear(
                    classes, dtype=output_dtype(), name="to_classes"
                )
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the stages' outputs, first to last)
        and, if they are classified, "classes" [batch, classes].
        """
        del training  # No layer asks.
        classified = self.to_classes is not None
        x, labels = split_labels(inputs, self.classes, not classified)
        x = self.from_image(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        x = ops.sum(self.basis(x), axis=(1, 2))
        logits = self.to_logits(x)
        if self.embed is not None:
            logits = logits * self.embed(labels)
        heads = {"logits": ops.sum(logits, axis=-1), "features": features}
        if classified:
            heads["classes"] = self.to_classes(x)
        return heads

    def get_config(self):
        return {
            **super().get_config(),
            **_config(self),
            "conditioning": self.conditioning,
        }


_Stage = collections.namedtuple("_Stage", "size channels groups blocks")


def _stages(network):
    """What each stage has, the smallest grid first."""
    width, group_size = network.width, network.group_size
    if isinstance(width, tuple):
        sizes = stage_sizes(network.image_shape, len(width))
        widths = width
    else:
        sizes = stage_sizes(network.image_shape)
        widths = stage_widths(width, network.max_width, len(sizes))
    groups = [
        _groups(channels * network.expansion, size)
        for channels, size in zip(
            widths, per_stage("group_size", group_size, len(sizes)), strict=True
        )
    ]
    blocks = per_stage("blocks", network.blocks, len(sizes))
    return [
        _Stage(*values)
        for values in zip(sizes, widths, groups, blocks, strict=True)
    ]


def _groups(channels, group_size):
    if channels > group_size and channels % group_size:
        raise ValueError(
            "`group_size` must divide the channels inside a block, `width` "
            f"times `expansion`. Received: group_size={group_size}, and "
            f"{channels} channels"
        )
    return max(1, channels // group_size)


def _config(network):
    names = ("image_shape", "width", "max_width", "group_size", "blocks")
    names += ("expansion", "kernel_size", "taps", "classes", "label_width")
    return {name: getattr(network, name) for name in (*names, "route")}


def _block_maker(network, stages):
    """A function: a stage -> one more of its blocks."""
    # Fixup's scale for m = 3 layers in a branch, L^(-1 / (2m - 2)), so that
    # the blocks together neither blow up nor vanish (section 3.3).
    total = sum(stage.blocks for stage in stages)
    gain = math.sqrt(2 / (1 + _SLOPE**2)) * total**-0.25

    def make_block(stage):
        return _ResidualBlock(
            stage.channels,
            inner=stage.channels * network.expansion,
            groups=stage.groups,
            kernel_size=network.kernel_size,
            gain=gain,
            route=network.route,
        )

    return make_block


class _Basis(layers.Layer):
    """x [batch, h or 1, w or 1, c] times a learned grid [h, w, c]."""

    def __init__(self, size, channels, stddev, dtype=None):
        super().__init__(name="basis", dtype=dtype)
        self.grid = self.add_weight(
            name="grid",
            shape=(*size, channels),
            initializer=keras.initializers.RandomNormal(stddev=stddev),
        )

    def call(self, inputs):
        return inputs * self.grid


class _Stem(layers.Layer):
    """A vector scales a learned grid, channel by channel; then blocks."""

    def __init__(self, stage, make_block):
        super().__init__(name=f"stem_{stage.size[0]}px")
        self.linear = _linear(stage.channels)
        self.basis = _Basis(stage.size, stage.channels, stddev=1.0)
        self.blocks = [make_block(stage) for _ in range(stage.blocks)]

    def call(self, inputs):
        """[batch, n] -> [batch, h, w, channels]."""
        x = self.basis(self.linear(inputs)[:, None, None])
        for block in self.blocks:
            x = block(x)
        return x


class _UpStage(layers.Layer):
    """To its own width, to twice the size, then blocks."""

    def __init__(self, old, stage, taps, make_block):
        super().__init__(name=f"stage_{stage.size[0]}px")
        self.size = stage.size
        self.taps = taps
        self.widen = None
        if old.channels != stage.channels:
            self.widen = _linear_map(stage.channels)
        self.blocks = [make_block(stage) for _ in range(stage.blocks)]

    def call(self, inputs):
        """[batch, h, w, c] -> [batch, *size, channels]."""
        x = inputs if self.widen is None else self.widen(inputs)
        x = crop(filters.double(x, self.taps), self.size)
        for block in self.blocks:
            x = block(x)
        return x


class _DownStage(layers.Layer):
    """Blocks, then to half the size and to the next stage's width, if any."""

    def __init__(self, stage, new, taps, make_block):
        super().__init__(name=f"stage_{stage.size[0]}px")
        self.taps = taps
        self.halve = new is not None
        self.blocks = [make_block(stage) for _ in range(stage.blocks)]
        self.widen = None
        if new is not None and new.channels != stage.channels:
            self.widen = _linear_map(new.channels)

    def call(self, inputs):
        """[batch, h, w, c] -> [batch, h / 2, w / 2, channels]."""
        x = inputs
        for block in self.blocks:
            x = block(x)
        if self.halve:
            x = filters.halve(x, self.taps)
        return x if self.widen is None else self.widen(x)


class _ResidualBlock(layers.Layer):
    """1x1 to more channels, 3x3 in groups, 1x1 back; starts as nothing."""

    def __init__(self, channels, inner, groups, kernel_size, gain, route):
        super().__init__(name="block")
        self.first = _linear_map(inner, use_bias=True, gain=gain)
        self.second = GroupedConv2D(
            inner,
            kernel_size,
            groups,
            use_bias=True,
            kernel_initializer=_normal(gain),
            route=route,
        )
        self.third = layers.Conv2D(
            channels, 1, use_bias=False, kernel_initializer="zeros"
        )

    def call(self, inputs):
        """[batch, h, w, channels] -> the same shape."""
        x = leaky_relu(self.first(inputs), _SLOPE)
        x = leaky_relu(self.second(x), _SLOPE)
        return inputs + self.third(x)


def _linear(units, gain=1.0, **kwargs):
    return layers.Dense(
        units, use_bias=False, kernel_initializer=_normal(gain), **kwargs
    )


def _linear_map(channels, use_bias=False, gain=1.0, **kwargs):
    """The same matrix at every place."""
    return layers.Conv2D(
        channels,
        kernel_size=1,
        use_bias=use_bias,
        kernel_initializer=_normal(gain),
        **kwargs,
    )


def _normal(gain):
    """N(0, gain^2 / fan in)."""
    return keras.initializers.VarianceScaling(
        scale=gain**2, mode="fan_in", distribution="untruncated_normal"
    )


def _published(image_shape, max_width=768, **arguments):
    """Both networks, which are mirror images."""
    arguments = {
        "image_shape": image_shape,
        "max_width": max_width,
        "width": max_width,
        **arguments,
    }
    return {
        "generator": {**arguments, "latent_size": 64, "label_width": 64},
        "discriminator": {**arguments, "label_width": max_width},
    }


_TINY = {
    "image_shape": (8, 8, 3),
    "width": 4,
    "max_width": 4,
    "group_size": 4,
    "label_width": 4,
}
PRESETS = {
    "r3gan_tiny": {
        "generator": {**_TINY, "latent_size": 8},
        "discriminator": _TINY,
    },
    "r3gan_cifar10_32px": _published((32, 32, 3), classes=10),
    "r3gan_ffhq_64px": _published((64, 64, 3), width=384),
    "r3gan_ffhq_256px": _published((256, 256, 3), width=96),
    "r3gan_imagenet_32px": _published(
        (32, 32, 3), max_width=1536, group_size=32, classes=1000
    ),
    "r3gan_imagenet_64px": _published(
        (64, 64, 3), max_width=1536, group_size=32, classes=1000
    ),
}
