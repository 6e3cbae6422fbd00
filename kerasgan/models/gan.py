"""The first GAN (Goodfellow et al. 2014), https://arxiv.org/abs/1406.2661,
and its conditional form (Mirza & Osindero 2014),
https://arxiv.org/abs/1411.1784: multilayer perceptrons.

    latents [b, 100] -> 1200 -> 1200 -> images [b, 28, 28, 1]
    images [b, 28, 28, 1] -> 240 x 5 -> 240 x 5 -> logits [b]

With classes, the first layer becomes two, one for labels, which are joined.

Differs from the papers: images are in [-1, 1], so the generator ends in tanh,
not a sigmoid; the discriminator's sigmoid is left to the loss. The papers give
no initial weights: He normal before ReLU, Glorot uniform elsewhere. All maxout
layers have the same number of pieces, where the conditional paper's last has 4
after 5. Labels may be classified instead of joined (AC-GAN, Odena et al. 2017,
https://arxiv.org/abs/1610.09585).
"""

import math

import keras
from keras import layers, ops

from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.shapes import check_image_shape, make_weights


@keras.saving.register_keras_serializable(package="kerasgan.gan")
class Generator(keras.Model):
    """Maps latents to all pixels of an image by dense layers with ReLU.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        widths: Units of each hidden layer.
        label_width: Units beside the first layer's that see the labels.
        classes: If given, the input is (latents, labels).
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_size=100,
        widths=(1200, 1200),
        label_width=1000,
        classes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.widths = _check_widths(widths)
        self.label_width = label_width
        self.classes = classes

        with policy_of(self):
            first, *rest = self.widths
            self.from_latents = _rectified(first, "from_latents")
            self.from_labels = None
            if classes is not None:
                self.from_labels = _rectified(label_width, "from_labels")
            self.hidden = [
                _rectified(width, f"hidden_{i}") for i, width in enumerate(rest)
            ]
            dtype = output_dtype()
            self.to_pixels = layers.Dense(
                math.prod(self.image_shape),
                activation="tanh",
                dtype=dtype,
                name="to_pixels",
            )
            self.to_image = layers.Reshape(self.image_shape, dtype=dtype)
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images.
        """
        del training  # Nothing here acts differently.
        latents, labels = split_labels(inputs, self.classes)
        x = self.from_latents(latents)
        if labels is not None:
            x = ops.concatenate([x, self.from_labels(labels)], axis=-1)
        for layer in self.hidden:
            x = layer(x)
        return self.to_image(self.to_pixels(x))

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "widths": self.widths,
            "label_width": self.label_width,
            "classes": self.classes,
        }


@keras.saving.register_keras_serializable(package="kerasgan.gan")
class Discriminator(keras.Model):
    """Maps all pixels of an image to a logit by maxout layers.

    Args:
        image_shape: (height, width, channels), any.
        widths: Units of each hidden layer.
        pieces: Linear functions of which a maxout unit takes the largest.
        label_width: Units beside the first layer's that see the labels.
        classes: The number of classes, if labels are used.
        conditioning: With "concatenation", the input is (images, labels). With
            "classification", it is images, and `heads` has logits for
            "classes" too.
        dropout: The part of each layer's activations that training drops; the
            papers use it, the first names no rate.
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        widths=(240, 240),
        pieces=5,
        label_width=50,
        classes=None,
        conditioning="concatenation",
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.widths = _check_widths(widths)
        self.pieces = pieces
        self.label_width = label_width
        self.classes = classes
        self.conditioning = check_conditioning(
            conditioning, ("concatenation", "classification")
        )
        self.dropout = dropout

        with policy_of(self):
            first, *rest = self.widths
            self.flatten = layers.Flatten()
            self.from_image = _Maxout(first, pieces, "from_image")
            self.from_labels, self.to_classes = None, None
            if classes is not None and conditioning == "concatenation":
                self.from_labels = _Maxout(label_width, pieces, "from_labels")
            self.hidden = [
                _Maxout(width, pieces, f"hidden_{i}")
                for i, width in enumerate(rest)
            ]
            self.drop = layers.Dropout(dropout)
            dtype = output_dtype()
            self.to_logits = layers.Dense(1, dtype=dtype, name="to_logits")
            if classes is not None and conditioning == "classification":
                self.to_classes = layers.Dense(
                    classes, dtype=dtype, name="to_classes"
                )
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the layers' activations, first to
        last) and, if they are classified, "classes" [batch, classes].
        """
        classified = self.to_classes is not None
        images, labels = split_labels(inputs, self.classes, not classified)
        x = self.from_image(self.flatten(images))
        if self.from_labels is not None:
            x = ops.concatenate([x, self.from_labels(labels)], axis=-1)
        features = [x]
        for layer in self.hidden:
            x = layer(self.drop(x, training=training))
            features.append(x)
        x = self.drop(x, training=training)
        heads = {
            "logits": ops.squeeze(self.to_logits(x), axis=-1),
            "features": features,
        }
        if classified:
            heads["classes"] = self.to_classes(x)
        return heads

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "widths": self.widths,
            "pieces": self.pieces,
            "label_width": self.label_width,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "dropout": self.dropout,
        }


class _Maxout(layers.Layer):
    """Each unit is the largest of some linear functions of its input.

    Goodfellow et al. 2013, https://arxiv.org/abs/1302.4389.
    """

    def __init__(self, units, pieces, name):
        super().__init__(name=name)
        self.units = units
        self.pieces = pieces
        self.linear = layers.Dense(units * pieces)

    def call(self, inputs):
        """[batch, n] -> [batch, units]."""
        x = self.linear(inputs)
        x = ops.reshape(x, (-1, self.units, self.pieces))
        return ops.max(x, axis=-1)


def _rectified(units, name):
    return layers.Dense(
        units, activation="relu", kernel_initializer="he_normal", name=name
    )


def _check_widths(widths):
    widths = tuple(widths)
    if not widths:
        raise ValueError(
            "`widths` must name one hidden layer or more. "
            f"Received: widths={widths}"
        )
    return widths


PRESETS = {
    "gan_tiny": {
        "generator": {
            "image_shape": (8, 8, 1),
            "latent_size": 8,
            "widths": (16, 16),
            "label_width": 6,
        },
        "discriminator": {
            "image_shape": (8, 8, 1),
            "widths": (12, 12),
            "pieces": 3,
            "label_width": 6,
        },
    },
    "gan_mnist_28px": {
        "generator": {"image_shape": (28, 28, 1)},
        "discriminator": {"image_shape": (28, 28, 1), "dropout": 0.5},
    },
    "gan_mnist_28px_conditional": {  # Mirza & Osindero, section 4.1.
        "generator": {
            "image_shape": (28, 28, 1),
            "widths": (200, 1200),
            "label_width": 1000,
            "classes": 10,
        },
        "discriminator": {
            "image_shape": (28, 28, 1),
            "widths": (240, 240),
            "label_width": 50,
            "classes": 10,
            "dropout": 0.5,
        },
    },
}
