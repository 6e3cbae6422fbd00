"""From latents to styles: StyleGAN's mapping network.

Karras et al. 2019, section 2, https://arxiv.org/abs/1812.04948; with labels
and the average of styles as in Karras et al. 2020,
https://arxiv.org/abs/2006.06676.
"""

import math

import keras
from keras import ops

from kerasgan.layers.activations import leaky_relu, scaled_leaky_relu
from kerasgan.layers.equalized import EqualizedDense
from kerasgan.layers.image_norm import pixel_norm


class MappingNetwork(keras.layers.Layer):
    """Latents [batch, latent_size], labels [batch, classes] -> styles.

    Without latents it maps labels alone, as a discriminator wants them.

    Args:
        latent_size: Numbers per latent vector; None: there are none.
        style_size: Numbers per style.
        depth: Dense layers.
        classes: The width of encoded labels; None: there are none.
        hidden_size: Of all layers but the last; None is `style_size`.
        label_size: Of a label's embedding; None is `style_size`.
        learning_rate_multiplier: Of the dense layers, not of the embedding.
        average_decay: What the average of all styles keeps in each training
            step; None keeps no average.
        version: 1 is StyleGAN's own: the embedding has no scale and no bias,
            it is normalized together with the latents, and the activations'
            gain is in the kernels. 2 is StyleGAN2's.
    """

    def __init__(
        self,
        latent_size,
        style_size,
        depth=8,
        classes=None,
        hidden_size=None,
        label_size=None,
        learning_rate_multiplier=0.01,
        average_decay=0.995,
        version=2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.latent_size = latent_size
        self.style_size = style_size
        self.classes = classes
        self.average_decay = average_decay
        self.version = version
        self.embed = None
        if classes is not None:
            self.embed = EqualizedDense(
                label_size or style_size,
                use_bias=version > 1,
                gain=1.0 if version > 1 else math.sqrt(classes),
                dtype=self.dtype_policy,
                name="embed",
            )
        sizes = [hidden_size or style_size] * (depth - 1) + [style_size]
        sizes = sizes[:depth]  # None where labels alone are embedded.
        self.dense = [
            EqualizedDense(
                size,
                activation=scaled_leaky_relu if version > 1 else leaky_relu,
                gain=1.0 if version > 1 else math.sqrt(2.0),
                learning_rate_multiplier=learning_rate_multiplier,
                dtype=self.dtype_policy,
                name=f"dense_{i}",
            )
            for i, size in enumerate(sizes)
        ]

    def build(self, latents_shape=None, labels_shape=None):
        del latents_shape, labels_shape
        size = self.latent_size or 0
        if self.embed is not None:
            self.embed.build((None, self.classes))
            size += self.embed.units
        for layer in self.dense:
            layer.build((None, size))
            size = layer.units
        self.average = None
        if self.average_decay is not None:
            self.average = self.add_weight(
                name="average",
                shape=(self.style_size,),
                initializer="zeros",
                trainable=False,
                autocast=False,
                aggregation="mean",
            )

    def call(self, latents=None, labels=None, training=False):
        """[batch, latent_size], [batch, classes] -> [batch, style_size]."""
        parts = [] if self.latent_size is None else [latents]
        if self.embed is not None:
            parts.append(self.embed(labels))
        if self.version > 1:
            parts = [pixel_norm(part) for part in parts]
        x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        if self.version == 1:
            x = pixel_norm(x)
        for layer in self.dense:
            x = layer(x)
        if training and self.average is not None:
            mean = ops.stop_gradient(ops.mean(x, axis=0))
            mean = ops.cast(mean, self.average.dtype)
            self.average.assign(
                mean + self.average_decay * (self.average - mean)
            )
        return x

    def truncate(self, styles, psi, cutoff=None):
        """Moves styles [batch, n, style_size] towards their average.

        Args:
            psi: 1 leaves them, 0 gives the average.
            cutoff: Only the first so many of the n; None moves all.
        """
        average = ops.cast(self.average, styles.dtype)
        moved = average + psi * (styles - average)
        if cutoff is None:
            return moved
        return ops.concatenate([moved[:, :cutoff], styles[:, cutoff:]], axis=1)


def mix_styles(styles, others, draws, share, count):
    """Takes others' styles from a layer on: Karras et al. 2019, section 3.1.

    The first style always stays; each other crossover is as likely.

    Args:
        styles: [batch, layers, n].
        others: [batch, n].
        draws: Uniform [batch, 2]: whether, and from which layer on.
        share: Of images that are to mix, in [0, 1].
        count: Among how many of the layers to cross over.
    """
    chance, place = ops.split(ops.cast(draws, styles.dtype), 2, axis=1)
    first = 1 + ops.floor(place * (count - 1))
    places = ops.cast(ops.arange(styles.shape[1]), styles.dtype)[None]
    mixed = ops.logical_and(chance < share, places >= first)
    return ops.where(mixed[..., None], others[:, None], styles)
