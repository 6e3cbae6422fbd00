"""Dense blocks up and down, after DenseNet (Huang et al. 2017),
https://arxiv.org/abs/1608.06993.

    latents [b, 128] -> 4px -> 8px -> 16px -> images [b, 32, 32, 3]
    images [b, 32, 32, 3] -> 16px -> 8px -> 4px -> logits [b]

Each layer of a block sees what all before it made, and adds a few channels.
Any other size has as many stages as it takes to come from its smallest grid,
whose shorter side is 4 to 8 px.

Differs from the paper: it is about classifiers, and there is no official GAN
of this kind to be equal to. Generators have its blocks in reverse, with
doublings in place of pooling; discriminators have no batch norm, so that
penalties on gradients may be used, and leaky ReLUs.
"""

import keras
from keras import layers, ops

from kerasgan.layers.activations import leaky_relu
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.resampling import average_pool, crop, upsample
from kerasgan.layers.shapes import check_image_shape, make_weights
from kerasgan.layers.stages import stage_sizes


@keras.saving.register_keras_serializable(package="kerasgan.densenet")
class Generator(keras.Model):
    """Doubles a small grid until it is an image, a dense block at each size.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels of the smallest grid, before its block.
        growth: Channels that each layer of a block adds.
        depth: Layers of a block.
        compression: The share of channels that go on to the next size.
        classes: If given, the input is (latents, labels), and batch norm has a
            gain and a bias per class.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        latent_size=128,
        width=256,
        growth=32,
        depth=4,
        compression=0.5,
        classes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.growth = growth
        self.depth = depth
        self.compression = _checked(compression)
        self.classes = classes

        sizes = stage_sizes(self.image_shape)
        with policy_of(self):
            height, grid_width = sizes[0]
            self.stem = layers.Dense(
                height * grid_width * width,
                kernel_initializer=_scaled(),
                name="stem",
            )
            self.grid = layers.Reshape((height, grid_width, width))
            self.blocks, self.transitions, channels = [], [], width
            for i, size in enumerate(sizes):
                name = f"{size[0]}px"
                if i:
                    channels = _compressed(channels, compression)
                    self.transitions.append(
                        _Layer(channels, 1, f"to_{name}", True, classes)
                    )
                self.blocks.append(
                    _Block(growth, depth, f"block_{name}", True, classes)
                )
                channels += growth * depth
            self.sizes = sizes
            self.normalize = BatchNormalization(name="normalize")
            self.to_image = layers.Conv2D(
                self.image_shape[-1],
                3,
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
        x, labels = split_labels(inputs, self.classes)
        x = self.grid(self.stem(x))
        for i, block in enumerate(self.blocks):
            if i:
                x = self.transitions[i - 1](x, labels, training=training)
                x = crop(upsample(x, "nearest"), self.sizes[i])
            x = block(x, labels, training=training)
        return self.to_image(ops.relu(self.normalize(x, training=training)))

    def get_config(self):
        return {
            **super().get_config(),
            **_config(self),
            "latent_size": self.latent_size,
        }


@keras.saving.register_keras_serializable(package="kerasgan.densenet")
class Discriminator(keras.Model):
    """Halves an image until it is a small grid, a dense block at each size.

    No layer normalizes over the batch, so gradient penalties may be used.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels of the image's own size, before its block.
        growth, depth, compression: As of the generator.
        classes: The number of classes, if labels are used.
        conditioning: "projection": the input is (images, labels).
            "classification": it is images, and `heads` has logits for
            "classes" too.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        width=64,
        growth=32,
        depth=4,
        compression=0.5,
        classes=None,
        conditioning="projection",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.growth = growth
        self.depth = depth
        self.compression = _checked(compression)
        self.classes = classes
        self.conditioning = check_conditioning(
            conditioning, ("projection", "classification")
        )

        sizes = stage_sizes(self.image_shape)[::-1]
        with policy_of(self):
            self.from_image = _convolve(width, 3, name="from_image")
            self.blocks, self.transitions, channels = [], [], width
            for i, size in enumerate(sizes):
                name = f"{size[0]}px"
                if i:
                    channels = _compressed(channels, compression)
                    self.transitions.append(_Layer(channels, 1, f"to_{name}"))
                self.blocks.append(_Block(growth, depth, f"block_{name}"))
                channels += growth * depth
            dtype = output_dtype()
            self.to_logits = layers.Dense(1, dtype=dtype, name="to_logits")
            self.embed = self.to_classes = None
            if classes is not None and conditioning == "projection":
                self.embed = layers.Dense(
                    channels, use_bias=False, dtype=dtype, name="embed"
                )
            elif classes is not None:
                self.to_classes = layers.Dense(
                    classes, dtype=dtype, name="to_classes"
                )
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the blocks' outputs, first to last)
        and, if they are classified, "classes" [batch, classes].
        """
        del training  # No layer asks.
        classified = self.to_classes is not None
        x, labels = split_labels(inputs, self.classes, not classified)
        x = self.from_image(x)
        features = []
        for i, block in enumerate(self.blocks):
            if i:
                x = average_pool(self.transitions[i - 1](x))
            x = block(x)
            features.append(x)
        x = ops.mean(leaky_relu(x), axis=(1, 2))
        logits = ops.squeeze(self.to_logits(x), axis=-1)
        if self.embed is not None:
            fit = self.embed(labels) * ops.cast(x, logits.dtype)
            logits = logits + ops.sum(fit, axis=-1)
        heads = {"logits": logits, "features": features}
        if classified:
            heads["classes"] = self.to_classes(x)
        return heads

    def get_config(self):
        return {
            **super().get_config(),
            **_config(self),
            "conditioning": self.conditioning,
        }


def _config(network):
    names = ("image_shape", "width", "growth", "depth", "compression")
    return {name: getattr(network, name) for name in (*names, "classes")}


def _checked(compression):
    if not 0 < compression <= 1:
        raise ValueError(
            "`compression` must be a share of the channels, above 0 and at "
            f"most 1. Received: compression={compression}"
        )
    return compression


def _compressed(channels, compression):
    return max(1, int(channels * compression))


class _Block(layers.Layer):
    """Layers that each see what all before them made (section 3)."""

    def __init__(self, growth, depth, name, normalizes=False, classes=None):
        super().__init__(name=name)
        self.layers = [
            _Layer(growth, 3, f"layer_{i}", normalizes, classes)
            for i in range(depth)
        ]

    def call(self, inputs, labels=None, training=False):
        """[batch, h, w, c] -> [batch, h, w, c + growth * depth]."""
        x = inputs
        for layer in self.layers:
            new = layer(x, labels, training=training)
            x = ops.concatenate([x, new], axis=-1)
        return x


class _Layer(layers.Layer):
    """Normalizes or not, rectifies, convolves, in this order."""

    def __init__(self, channels, size, name, normalizes=False, classes=None):
        super().__init__(name=name)
        self.normalize = None
        if normalizes:
            self.normalize = BatchNormalization(classes=classes)
        self.convolve = _convolve(channels, size, name="convolve")

    def call(self, inputs, labels=None, training=False):
        """[batch, h, w, c] -> [batch, h, w, channels]."""
        if self.normalize is None:
            return self.convolve(leaky_relu(inputs))
        x = self.normalize(inputs, labels, training=training)
        return self.convolve(ops.relu(x))


def _convolve(channels, size, name):
    return layers.Conv2D(
        channels, size, padding="same", kernel_initializer=_scaled(), name=name
    )


def _scaled():
    """He et al. 2015, as the paper has it (section 4.2)."""
    return keras.initializers.HeNormal()


_TINY = {
    "image_shape": (8, 8, 3),
    "width": 6,
    "growth": 3,
    "depth": 2,
}
# Nothing is published; `densenet_cifar10_32px` is of the size of WGAN-GP's.
PRESETS = {
    "densenet_tiny": {
        "generator": {**_TINY, "latent_size": 8},
        "discriminator": _TINY,
    },
    "densenet_cifar10_32px": {"generator": {}, "discriminator": {}},
}
