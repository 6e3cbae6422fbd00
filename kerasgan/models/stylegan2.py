"""StyleGAN2 (Karras et al. 2020), https://arxiv.org/abs/1912.04958, as trained
in StyleGAN2-ADA (Karras et al. 2020), https://arxiv.org/abs/2006.06676.

    latents [b, 512] -> styles [b, 14, 512]
    4px -> 8px -> ... -> images [b, 256, 256, 3], a style for each convolution
    images [b, 256, 256, 3] -> 128px -> ... -> 4px -> logits [b]

Any other size doubles from a grid whose shorter side is 4 to 8 px.

Differs from the paper: images are not bounded, as there, but training data are
in [-1, 1]. Style mixing draws a crossover for each image, not for each batch.
Labels are mapped and projected as in StyleGAN2-ADA, or classified (AC-GAN).
"""

import math

import keras
from keras import layers, ops

from kerasgan.layers.equalized import EqualizedConv2D
from kerasgan.layers.filters import double
from kerasgan.layers.labels import split_labels
from kerasgan.layers.mapping import MappingNetwork, mix_styles
from kerasgan.layers.modulation import StyledConvolution, ToImage
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.resampling import crop
from kerasgan.layers.shapes import (
    check_image_shape,
    halved_sizes,
    make_weights,
)
from kerasgan.layers.style_discriminator import (
    StyleDiscriminator,
    check_architecture,
    stage_widths,
)


@keras.saving.register_keras_serializable(package="kerasgan.stylegan2")
class Generator(keras.Model):
    """Maps latents to styles, which steer the growth of a learned constant.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        style_size: Numbers per style.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this.
        classes: If given, the input is (latents, labels).
        architecture: How stages reach the image: "original", the last alone;
            "skip", each draws one and they are added up; "residual", stages
            have shortcuts (the paper's figure 7).
        mapping_depth: Dense layers from latents to styles.
        mapping_width: Of all of them but the last; None is `style_size`.
        mapping_learning_rate_multiplier: Of those layers.
        label_size: Of a label's embedding; None is `style_size`.
        average_decay: What the average style keeps in each training step.
        style_mixing: In training, the share of images whose finer stages
            follow the style of another latent vector.
        noise: Whether noise is added after each convolution.
        clamp: Activations are cut to [-clamp, clamp]; 256 is for float16.
    """

    bounded = False  # No tanh at the end.

    def __init__(
        self,
        image_shape=(256, 256, 3),
        latent_size=512,
        style_size=512,
        width=64,
        max_width=512,
        classes=None,
        architecture="skip",
        mapping_depth=8,
        mapping_width=None,
        mapping_learning_rate_multiplier=0.01,
        label_size=None,
        average_decay=0.995,
        style_mixing=0.9,
        noise=True,
        clamp=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.style_size = style_size
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.architecture = check_architecture(architecture)
        self.mapping_depth = mapping_depth
        self.mapping_width = mapping_width
        self.mapping_learning_rate_multiplier = mapping_learning_rate_multiplier
        self.label_size = label_size
        self.average_decay = average_decay
        self.style_mixing = style_mixing
        self.noise = noise
        self.clamp = clamp

        with policy_of(self):
            self._build_layers()
        make_weights(self, (latent_size,), classes)

    def _build_layers(self):
        sizes = halved_sizes(self.image_shape)[::-1]
        widths = stage_widths(self.width, self.max_width, len(sizes))[::-1]
        # One for each convolution, and one to draw the last image with.
        self.style_count = 2 * len(sizes)
        self.mapping = MappingNetwork(
            self.latent_size,
            self.style_size,
            self.mapping_depth,
            self.classes,
            hidden_size=self.mapping_width,
            label_size=self.label_size,
            learning_rate_multiplier=self.mapping_learning_rate_multiplier,
            average_decay=self.average_decay,
            dtype=output_dtype(),
            name="mapping",
        )
        self.constant = self.add_weight(
            name="constant",
            shape=(*sizes[0], widths[0]),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
        )
        last = len(sizes) - 1
        draws = [self.architecture == "skip"] * last
        self.stages = [
            _SynthesisStage(
                size=size,
                old_channels=None if i == 0 else widths[i - 1],
                channels=widths[i],
                image_channels=self.image_shape[-1] if draws_image else None,
                style_size=self.style_size,
                residual=self.architecture == "residual",
                noise=self.noise,
                clamp=self.clamp,
            )
            for i, (size, draws_image) in enumerate(
                zip(sizes, [*draws, True], strict=True)
            )
        ]

    @property
    def draws(self):
        """{name: (distribution, shape)}, what training wants for each image."""
        draws = {
            layer.noise_name: ("normal", (*layer.size, 1))
            for stage in self.stages
            for layer in stage.convolutions
            if self.noise
        }
        if self.style_mixing:
            draws["mixing_latents"] = ("normal", (self.latent_size,))
            draws["mixing"] = ("uniform", (2,))
        return draws

    @property
    def style_kernels(self):
        """For each style, the kernel [style_size, n] of all that read it."""
        readers, used = [[] for _ in range(self.style_count)], 0
        for stage in self.stages:
            drawing = [] if stage.to_image is None else [stage.to_image]
            for i, layer in enumerate([*stage.convolutions, *drawing]):
                readers[used + i].append(layer.to_scales.scaled_kernel)
            used += len(stage.convolutions)
        return [ops.concatenate(kernels, axis=1) for kernels in readers]

    def call(self, inputs, training=False, draws=None):
        """Latents [batch, latent_size] -> images [batch, h, w, c].

        With classes, (latents, labels [batch]) -> images. Without `draws`,
        noise is the stored constant, and no styles are mixed.
        """
        styles = self.styles(inputs, training=training, draws=draws)
        return self.synthesize(styles, draws)

    def styles(self, inputs, training=False, draws=None):
        """Latents, or (latents, labels) -> [batch, style_count, style_size]."""
        latents, labels = split_labels(inputs, self.classes)
        styles = self.mapping(latents, labels, training=training)
        # Not repeated: XLA takes no derivative of that in a condition.
        styles = styles[:, None] + ops.zeros(
            (self.style_count, 1), styles.dtype
        )
        if not draws or not self.style_mixing:
            return styles
        others = self.mapping(draws["mixing_latents"], labels)
        return mix_styles(
            styles,
            others,
            draws["mixing"],
            share=self.style_mixing,
            count=self.style_count,
        )

    def truncate(self, styles, psi, cutoff=None):
        """Moves styles towards their average, the first `cutoff` or all."""
        return self.mapping.truncate(styles, psi, cutoff)

    def synthesize(self, styles, draws=None, noise=True):
        """Styles [batch, style_count, style_size] -> images [batch, h, w, c].

        Args:
            draws: Random noise, by name; None takes the stored constant.
            noise: False leaves it out.
        """
        return self.stage_outputs(styles, draws, noise)[0]

    def stage_outputs(self, styles, draws=None, noise=True):
        """As `synthesize` -> images, and what each stage gives."""
        rows = ops.ones_like(styles[:, :1, :1, None])
        x = ops.cast(rows * self.constant, self.compute_dtype)
        image, features, used = None, [], 0
        for stage in self.stages:
            noises = [
                layer.noise_of(draws) if noise else None
                for layer in stage.convolutions
            ]
            x, image = stage(x, image, styles[:, used:], noises)
            features.append(x)
            used += len(stage.convolutions)
        return image, features

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "style_size": self.style_size,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "architecture": self.architecture,
            "mapping_depth": self.mapping_depth,
            "mapping_width": self.mapping_width,
            "mapping_learning_rate_multiplier": (
                self.mapping_learning_rate_multiplier
            ),
            "label_size": self.label_size,
            "average_decay": self.average_decay,
            "style_mixing": self.style_mixing,
            "noise": self.noise,
            "clamp": self.clamp,
        }


@keras.saving.register_keras_serializable(package="kerasgan.stylegan2")
class Discriminator(StyleDiscriminator):
    """Halves an image down to a small grid, then compares across the batch.

    Its arguments are those of `layers.style_discriminator`.
    """


class _SynthesisStage(layers.Layer):
    """Doubles the size (but for the first stage), and may draw an image."""

    def __init__(
        self,
        size,
        old_channels,
        channels,
        image_channels,
        style_size,
        residual,
        noise,
        clamp,
    ):
        # Images and styles stay in float32.
        super().__init__(name=f"stage_{size[0]}px", autocast=False)
        self.size = size
        self.shortcut, first = None, []
        if old_channels is not None:
            first = [
                StyledConvolution(
                    old_channels, channels, size, style_size, True, noise, clamp
                )
            ]
            if residual:
                self.shortcut = EqualizedConv2D(
                    channels,
                    kernel_size=1,
                    sampling="double",
                    use_bias=False,
                    name="shortcut",
                )
        # Both branches of a sum halve their variance.
        gain = 1.0 if self.shortcut is None else math.sqrt(0.5)
        self.gain = gain
        last = StyledConvolution(
            channels, channels, size, style_size, False, noise, clamp, gain
        )
        self.convolutions = [*first, last]
        self.to_image = None
        if image_channels is not None:
            self.to_image = ToImage(channels, image_channels, style_size, clamp)

    def call(self, x, image, styles, noises):
        """x, image or None, styles [batch, n, style_size] -> x, image."""
        y = x
        for i, (layer, noise) in enumerate(
            zip(self.convolutions, noises, strict=True)
        ):
            y = layer(y, styles[:, i], noise)
        if self.shortcut is not None:
            y = y + self.gain * crop(self.shortcut(x), self.size)
        if image is not None:
            image = crop(double(image), self.size)
        if self.to_image is not None:
            drawn = self.to_image(y, styles[:, len(self.convolutions)])
            image = drawn if image is None else image + drawn
        return y, image


def _both(generator=None, discriminator=None, **arguments):
    return {
        "generator": {**arguments, **(generator or {})},
        "discriminator": {**arguments, **(discriminator or {})},
    }


PRESETS = {
    "stylegan2_tiny": _both(
        image_shape=(8, 8, 3),
        width=6,
        max_width=8,
        mapping_depth=2,
        generator={"latent_size": 8, "style_size": 10},
    ),
    "stylegan2_ffhq_256px": _both(  # "paper256" of StyleGAN2-ADA.
        discriminator={"group_size": 8},
    ),
    "stylegan2_ffhq_1024px": _both(  # Configuration F of StyleGAN2.
        image_shape=(1024, 1024, 3), width=32
    ),
    "stylegan2_cifar10_32px": _both(  # "cifar" of StyleGAN2-ADA.
        image_shape=(32, 32, 3),
        width=512,
        classes=10,
        mapping_depth=2,
        generator={"style_mixing": 0.0},
        discriminator={"architecture": "original", "group_size": 32},
    ),
}
