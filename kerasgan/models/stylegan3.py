"""StyleGAN3 (Karras et al. 2021), https://arxiv.org/abs/2106.12423.

    latents [b, 512] -> styles [b, 16, 512]
    waves [b, 36, 36, c] -> 14 layers, each with a margin of 10 px around what
    it shows -> images [b, 256, 256, 3]
    images [b, 256, 256, 3] -> StyleGAN2's discriminator -> logits [b]

Signals are sampled finely enough for their frequencies in every layer, so that
details move with what they are of. By default configuration T, which follows
translations; kernel_size=1, radial=True and twice the width make R, which
follows rotations too. An image of any other size is the middle of the square
whose side is the next power of two.

Differs from the paper: styles are normalised image by image before they scale
kernels, not over the batch, which changes no more than the demodulation's
epsilon.
"""

import math

import keras
from keras import ops

from kerasgan.layers.alias_free import FilteredConvolution, Signal, Waves
from kerasgan.layers.labels import split_labels
from kerasgan.layers.mapping import MappingNetwork
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.shapes import check_image_shape, make_weights
from kerasgan.layers.style_discriminator import StyleDiscriminator


@keras.saving.register_keras_serializable(package="kerasgan.stylegan3")
class Generator(keras.Model):
    """Maps latents to styles, which steer how waves become an image.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        style_size: Numbers per style.
        width: Channels at the image's own cutoff frequency.
        max_width: Channels double with each halving of it up to this.
        classes: If given, the input is (latents, labels).
        depth: Layers, without the one that draws the image.
        critical_layers: How many of the last are sampled critically.
        margin_px: How far layers go beyond what the image shows.
        kernel_size: 3, or 1 for configuration R.
        radial: Filters down are alike in all directions, for R.
        first_cutoff, first_stopband: Of the first layer, in cycles per side of
            the square: up to where frequencies pass, and from where they do
            not. Section 3.2: both grow geometrically.
        last_stopband: Of the last layer, times its cutoff, which is as much
            as the image can hold.
        filter_taps: Of a filter, times the factor of its resampling.
        oversampling: How much finer than both of its sides a layer samples
            what its activation acts on.
        output_scale: What the last layer's output is multiplied by.
        mapping_depth: Dense layers from latents to styles.
        mapping_learning_rate_multiplier: Of those layers.
        average_decay: What the average style keeps in each training step.
        magnitude_decay: What the average square of activations keeps.
        clamp: Activations are cut to [-clamp, clamp].
    """

    bounded = False  # No tanh at the end.

    def __init__(
        self,
        image_shape=(256, 256, 3),
        latent_size=512,
        style_size=512,
        width=128,
        max_width=512,
        classes=None,
        depth=14,
        critical_layers=2,
        margin_px=10,
        kernel_size=3,
        radial=False,
        first_cutoff=2.0,
        first_stopband=2.0**2.1,
        last_stopband=2.0**0.3,
        filter_taps=6,
        oversampling=2,
        output_scale=0.25,
        mapping_depth=2,
        mapping_learning_rate_multiplier=0.01,
        average_decay=0.998,
        magnitude_decay=0.999,
        clamp=256.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.style_size = style_size
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.depth = depth
        self.critical_layers = _check_critical(critical_layers, depth)
        self.margin_px = margin_px
        self.kernel_size = kernel_size
        self.radial = radial
        self.first_cutoff = first_cutoff
        self.first_stopband = first_stopband
        self.last_stopband = last_stopband
        self.filter_taps = filter_taps
        self.oversampling = oversampling
        self.output_scale = output_scale
        self.mapping_depth = mapping_depth
        self.mapping_learning_rate_multiplier = mapping_learning_rate_multiplier
        self.average_decay = average_decay
        self.magnitude_decay = magnitude_decay
        self.clamp = clamp

        with policy_of(self):
            self._build_layers()
        make_weights(self, (latent_size,), classes)

    def _build_layers(self):
        signals = self._signals()
        self.style_count = self.depth + 2
        self.mapping = MappingNetwork(
            self.latent_size,
            self.style_size,
            self.mapping_depth,
            self.classes,
            learning_rate_multiplier=self.mapping_learning_rate_multiplier,
            average_decay=self.average_decay,
            dtype=output_dtype(),
            name="mapping",
        )
        self.waves = Waves(signals[0], self.style_size)
        self.stages = [
            FilteredConvolution(
                f"layer_{i}",
                signals[max(i - 1, 0)],
                signal,
                self.style_size,
                kernel_size=1 if i == self.depth else self.kernel_size,
                draws=i == self.depth,
                radial=self.radial and i < self.depth - self.critical_layers,
                taps=self.filter_taps,
                oversampling=self.oversampling,
                magnitude_decay=self.magnitude_decay,
                clamp=self.clamp,
            )
            for i, signal in enumerate(signals)
        ]

    def _signals(self):
        """The `Signal` of each layer, the image's last."""
        *size, image_channels = self.image_shape
        square = 2 ** math.ceil(math.log2(max(size)))
        last_cutoff = square / 2
        last_stopband = last_cutoff * self.last_stopband
        signals = []
        for i in range(self.depth + 1):
            share = min(i / (self.depth - self.critical_layers), 1.0)
            growth = last_cutoff / self.first_cutoff
            cutoff = self.first_cutoff * growth**share
            growth = last_stopband / self.first_stopband
            channels = round(
                min(self.width * last_cutoff / cutoff, self.max_width)
            )
            signals.append(
                Signal(
                    cutoff,
                    self.first_stopband * growth**share,
                    square,
                    size,
                    image_channels if i == self.depth else channels,
                    None if i >= self.depth - 1 else self.margin_px,
                )
            )
        return signals

    @property
    def style_kernels(self):
        """For each style, the kernel [style_size, n] of what reads it."""
        return [
            self.waves.pose_kernel / math.sqrt(self.style_size),
            *(stage.to_scales.scaled_kernel for stage in self.stages),
        ]

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c].

        With classes, (latents, labels [batch]) -> images.
        """
        styles = self.styles(inputs, training=training)
        return self.synthesize(styles, training=training)

    def styles(self, inputs, training=False):
        """Latents, or (latents, labels) -> [batch, style_count, style_size]."""
        latents, labels = split_labels(inputs, self.classes)
        styles = self.mapping(latents, labels, training=training)
        return ops.repeat(styles[:, None], self.style_count, axis=1)

    def truncate(self, styles, psi, cutoff=None):
        """Moves styles towards their average, the first `cutoff` or all."""
        return self.mapping.truncate(styles, psi, cutoff)

    def synthesize(self, styles, training=False):
        """Styles [batch, n, style_size] -> images [batch, h, w, c]."""
        return self.stage_outputs(styles, training)[0]

    def stage_outputs(self, styles, training=False):
        """As `synthesize` -> images, and [the waves, what layers give]."""
        x = self.waves(styles[:, 0])
        features = [x]
        for i, stage in enumerate(self.stages):
            x = stage(x, styles[:, i + 1], training=training)
            features.append(x)
        return self.output_scale * x, features

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "style_size": self.style_size,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "depth": self.depth,
            "critical_layers": self.critical_layers,
            "margin_px": self.margin_px,
            "kernel_size": self.kernel_size,
            "radial": self.radial,
            "first_cutoff": self.first_cutoff,
            "first_stopband": self.first_stopband,
            "last_stopband": self.last_stopband,
            "filter_taps": self.filter_taps,
            "oversampling": self.oversampling,
            "output_scale": self.output_scale,
            "mapping_depth": self.mapping_depth,
            "mapping_learning_rate_multiplier": (
                self.mapping_learning_rate_multiplier
            ),
            "average_decay": self.average_decay,
            "magnitude_decay": self.magnitude_decay,
            "clamp": self.clamp,
        }


@keras.saving.register_keras_serializable(package="kerasgan.stylegan3")
class Discriminator(StyleDiscriminator):
    """Halves an image down to a small grid, then compares across the batch.

    Its arguments are those of `layers.style_discriminator`.
    """


def _check_critical(critical_layers, depth):
    if not 0 <= critical_layers < depth:
        raise ValueError(
            "`critical_layers` must be 0 or more, and fewer than `depth`. "
            f"Received: critical_layers={critical_layers!r}, depth={depth!r}"
        )
    return critical_layers


def _both(width, generator=None, **arguments):
    """Both networks of a configuration; the discriminator is always T's.

    R's generator has twice the width and the limit of T's at the same size,
    its discriminator has not.
    """
    return {
        "generator": {**arguments, "width": width, **(generator or {})},
        "discriminator": {**arguments, "width": width},
    }


_R = {"kernel_size": 1, "radial": True, "max_width": 1024}
PRESETS = {
    "stylegan3_tiny": {
        "generator": {
            "image_shape": (8, 8, 3),
            "latent_size": 8,
            "style_size": 10,
            "width": 6,
            "max_width": 8,
            "depth": 3,
            "critical_layers": 1,
            "margin_px": 4,
        },
        "discriminator": {
            "image_shape": (8, 8, 3),
            "width": 6,
            "max_width": 8,
        },
    },
    # "FFHQ-U ablations at 256x256 resolution" of the authors' configurations.
    "stylegan3_t_ffhqu_256px": _both(64),
    "stylegan3_r_ffhqu_256px": _both(64, {"width": 128, **_R}),
    "stylegan3_t_ffhq_1024px": _both(32, image_shape=(1024, 1024, 3)),
    "stylegan3_r_ffhq_1024px": _both(
        32, {"width": 64, **_R}, image_shape=(1024, 1024, 3)
    ),
}
