"""DCGAN (Radford et al. 2015), https://arxiv.org/abs/1511.06434.

    latents [b, 100] -> 4px -> 8px -> 16px -> 32px -> images [b, 64, 64, 3]
    images [b, 64, 64, 3] -> 32px -> 16px -> 8px -> 4px -> logits [b]

Any other size has as many stages as it takes to come from its smallest grid,
whose shorter side is 4 to 8 px: 28 px is 7 -> 14 -> 28. Images below 16 px
have two stages: 8 px is 2 -> 4 -> 8.

Differs from the paper: kernels are 4x4, not 5x5, and widths start at 64, not
128, as in PyTorch's well-known example. Batch norm's gains start at N(1, 0.02)
as in the authors' code. Labels are concatenated before every stage, as in the
authors' conditional model of MNIST, or classified (AC-GAN, Odena et al. 2017,
https://arxiv.org/abs/1610.09585).
"""

import keras
from keras import layers, ops

from kerasgan.layers.label_heads import LABEL_HEADS, LabelHeads, takes_labels
from kerasgan.layers.labels import (
    check_conditioning,
    concatenate_labels,
    split_labels,
)
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.shapes import (
    check_image_shape,
    halved_sizes,
    make_weights,
)


@keras.saving.register_keras_serializable(package="kerasgan.dcgan")
class Generator(keras.Model):
    """Doubles a small grid until it is an image, halving the width each time.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels of the last hidden stage, at half the image's size.
        max_width: Channels of no stage exceed it.
        classes: If given, the input is (latents, labels).
    """

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_size=100,
        width=64,
        max_width=1024,
        classes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.max_width = max_width
        self.classes = classes

        grid, *stages = reversed(_stages(self.image_shape, width, max_width))
        with policy_of(self):
            self.stem = _grow_grid(*grid)
            self.stages = [_double(*stage) for stage in stages]
            self.to_image = _draw(*self.image_shape)
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images.
        """
        x, labels = split_labels(inputs, self.classes)
        x = self.stem(concatenate_labels(x, labels), training=training)
        for stage in self.stages:
            x = stage(concatenate_labels(x, labels), training=training)
        return self.to_image(concatenate_labels(x, labels))

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
        }


@keras.saving.register_keras_serializable(package="kerasgan.dcgan")
class Discriminator(keras.Model):
    """Halves an image until it is a small grid, doubling the width each time.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels of the first stage, at half the image's size.
        max_width: Channels of no stage exceed it.
        classes: The number of classes, if labels are used.
        conditioning: With "concatenation", the input is (images, labels) and
            every stage sees the labels. With one of `layers.label_heads`,
            `heads` has more; labels are then an input for "contrast" alone.
        codes: How many numbers `heads` tells as "codes", InfoGAN's; None: none.
        batch_norm: False under a penalty on gradients, which is meant for each
            example by itself. Layers then have biases.
        dropout: The part of each stage's activations that training drops.
    """

    def __init__(
        self,
        image_shape=(64, 64, 3),
        width=64,
        max_width=1024,
        classes=None,
        conditioning="concatenation",
        codes=None,
        batch_norm=True,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.conditioning = check_conditioning(
            conditioning, ("concatenation", *LABEL_HEADS)
        )
        self.codes = codes
        self.batch_norm = batch_norm
        self.dropout = dropout

        with policy_of(self):
            self.stages = [
                # Section 3: no batch norm on the layer that sees the image.
                _halve(*stage, batch_norm and i > 0, use_bias=not batch_norm)
                for i, stage in enumerate(
                    _stages(self.image_shape, width, max_width)
                )
            ]
            self.drop = layers.Dropout(dropout)
            self.flatten = layers.Flatten()
            self.to_logits = _score(1, not batch_norm, "to_logits")
            self.label_heads = LabelHeads(
                classes,
                conditioning,
                codes,
                dense=lambda units, name: _score(units, True, name),
                dtype=output_dtype(),
            )
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the stages' activations, first to
        last) and those of `layers.label_heads`.
        """
        told = takes_labels(self.conditioning)
        x, labels = split_labels(inputs, self.classes, required=told)
        seen = labels if self.conditioning == "concatenation" else None
        features = []
        for stage in self.stages:
            x = stage(concatenate_labels(x, seen), training=training)
            features.append(x)
            x = self.drop(x, training=training)
        x = concatenate_labels(self.flatten(x), seen)
        return {
            "logits": ops.squeeze(self.to_logits(x), axis=-1),
            "features": features,
            **self.label_heads(x, labels, training=training),
        }

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "codes": self.codes,
            "batch_norm": self.batch_norm,
            "dropout": self.dropout,
        }


def _stages(image_shape, width, max_width):
    """(height, width, channels) of each hidden stage, the largest first."""
    # Two of them even for 8 px: a single convolution judges nothing.
    _, *sizes = halved_sizes(image_shape, at_least=2)
    return [
        (*size, min(width * 2**i, max_width)) for i, size in enumerate(sizes)
    ]


def _grow_grid(height, width, channels):
    return keras.Sequential(
        [
            layers.Dense(
                height * width * channels,
                use_bias=False,  # Batch norm follows and would cancel it.
                kernel_initializer=_small_normal(),
            ),
            layers.Reshape((height, width, channels)),
            _normalize(),
            layers.ReLU(),
        ],
        name=f"stem_{height}px",
    )


def _double(height, width, channels):
    return keras.Sequential(
        [*_upsample(height, width, channels), _normalize(), layers.ReLU()],
        name=f"stage_{height}px",
    )


def _draw(height, width, channels):
    return keras.Sequential(
        _upsample(height, width, channels, "tanh", output_dtype()),
        name="to_image",
    )


def _upsample(height, width, channels, activation=None, dtype=None):
    convolution = layers.Conv2DTranspose(
        channels,
        kernel_size=4,
        strides=2,
        padding="same",
        use_bias=False,
        activation=activation,
        kernel_initializer=_small_normal(),
        dtype=dtype,
    )
    # Half of an odd side was rounded up: its double is one too many.
    excess = ((0, height % 2), (0, width % 2))
    if excess == ((0, 0), (0, 0)):  # Nothing would be copied all the same.
        return [convolution]
    return [convolution, layers.Cropping2D(excess, dtype=dtype)]


def _halve(height, width, channels, normalize, use_bias):
    del width  # A convolution that strides halves both sides.
    convolution = layers.Conv2D(
        channels,
        kernel_size=4,
        strides=2,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=_small_normal(),
    )
    normalization = [_normalize()] if normalize else []
    return keras.Sequential(
        [convolution, *normalization, layers.LeakyReLU(0.2)],
        name=f"stage_{height}px",
    )


def _score(outputs, use_bias, name):
    return layers.Dense(
        outputs,
        use_bias=use_bias,
        kernel_initializer=_small_normal(),
        dtype=output_dtype(),
        name=name,
    )


def _normalize():
    return BatchNormalization(
        gain_initializer=keras.initializers.RandomNormal(1.0, 0.02)
    )


def _small_normal():
    # Section 4. A new object per layer: one that is shared gives every layer
    # of the same shape the same weights.
    return keras.initializers.RandomNormal(0.0, 0.02)


PRESETS = {
    "dcgan_tiny": {
        "generator": {"image_shape": (16, 16, 3), "latent_size": 8, "width": 4},
        "discriminator": {"image_shape": (16, 16, 3), "width": 4},
    },
    "dcgan_mnist_28px": {
        "generator": {"image_shape": (28, 28, 1)},
        "discriminator": {"image_shape": (28, 28, 1)},
    },
    "dcgan_lsun_64px": {  # The paper's figure 1.
        "generator": {"image_shape": (64, 64, 3), "width": 128},
        "discriminator": {"image_shape": (64, 64, 3), "width": 128},
    },
}
