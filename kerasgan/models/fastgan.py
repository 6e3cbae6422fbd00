"""FastGAN (Liu et al. 2021), https://arxiv.org/abs/2101.04775.

    latents [b, 256] -> 4px -> 8px -> ... -> images [b, 256, 256, 3]
    images [b, 256, 256, 3] -> 128px -> ... -> 8px -> logits [b], and back
    from 8px -> ... -> 128px: what the features remember of the image

Generators are shallow, and stages of small grids excite those 16 times as
large, channel by channel. Discriminators are kept from forgetting by decoding
their features. Any other size has as many stages as it takes to come from its
smallest grid, whose shorter side is 4 to 8 px.

Differs from the paper, of whose official code no trusted copy is left:
the discriminator has one logit for its whole grid, not 5x5; it halves by
means, not by strides; it decodes all of its smallest grid, and not also a part
of the one before; and decoded images are compared by absolute differences, not
by LPIPS. The first layer is a matrix from latents to a grid, normalized as one.
Spectral norm is in float32, of one iteration in each call.
"""

import math

import keras
from keras import layers, ops

from kerasgan.layers.activations import leaky_relu
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.noise import NoiseInjection
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.layers.precision import (
    at_least_float32,
    output_dtype,
    policy_of,
)
from kerasgan.layers.projection import CONDITIONINGS, LabelProjection
from kerasgan.layers.resampling import (
    average_pool,
    crop,
    pool_to,
    upsample,
)
from kerasgan.layers.shapes import check_image_shape, make_weights
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense
from kerasgan.layers.stages import stage_sizes, stage_widths

_POOLED = 4  # px, of the grids that excitations are read from


@keras.saving.register_keras_serializable(package="kerasgan.fastgan")
class Generator(keras.Model):
    """Doubles a small grid until it is an image, with gates and noise.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this.
        excited_stages: A stage excites the one that comes so many later; 4 is
            the paper's, from 4 px to 64 px.
        classes: If given, the input is (latents, labels), and batch norm has a
            gain and a bias per class.
    """

    def __init__(
        self,
        image_shape=(256, 256, 3),
        latent_size=256,
        width=32,
        max_width=1024,
        excited_stages=4,
        classes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.max_width = max_width
        self.excited_stages = excited_stages
        self.classes = classes

        sizes = stage_sizes(self.image_shape)
        widths = stage_widths(width, max_width, len(sizes))
        with policy_of(self):
            self.stem = _Stem(sizes[0], widths[0], classes)
            self.stages = [
                # Every second one has a second convolution, and noise.
                _UpBlock(size, channels, classes, full=i % 2 == 0)
                for i, (size, channels) in enumerate(
                    zip(sizes[1:], widths[1:], strict=True)
                )
            ]
            self.excitations = [
                _Excitation(channels, name=f"excite_{size[0]}px")
                for size, channels in list(zip(sizes, widths, strict=True))[
                    excited_stages:
                ]
            ]
            self.to_image = SpectralConv2D(
                self.image_shape[-1],
                3,
                use_bias=False,
                kernel_initializer=_normal(),
                dtype=output_dtype(),
                name="to_image",
            )
        make_weights(self, (latent_size,), classes)

    @property
    def draws(self):
        """What training draws for each image: {name: (distribution, shape)}."""
        return {
            noise.draw: ("normal", noise.shape)
            for stage in self.stages
            for noise in stage.noises
        }

    def call(self, inputs, training=False, draws=None):
        """Latents [batch, latent_size] -> images [batch, h, w, c] in [-1, 1].

        With classes, (latents, labels [batch]) -> images. Without `draws`,
        noise is the stored one.
        """
        x, labels = split_labels(inputs, self.classes)
        x = _unit_moment(ops.cast(x, at_least_float32(self.compute_dtype)))
        grids = [self.stem(x, labels, training=training)]
        excitations = [None] * self.excited_stages + self.excitations
        for i, stage in enumerate(self.stages, 1):
            x = stage(grids[-1], labels, draws, training=training)
            if i < len(excitations) and excitations[i] is not None:
                small = grids[i - self.excited_stages]
                x = x * excitations[i](small, training=training)
            grids.append(x)
        return ops.tanh(self.to_image(grids[-1], training=training))

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "width": self.width,
            "max_width": self.max_width,
            "excited_stages": self.excited_stages,
            "classes": self.classes,
        }


@keras.saving.register_keras_serializable(package="kerasgan.fastgan")
class Discriminator(keras.Model):
    """Halves an image until it is a small grid, and can draw it from that.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this.
        classes: The number of classes, if labels are used.
        conditioning: "projection": the input is (images, labels).
            "classification": it is images, and `heads` has logits for
            "classes" too.
    """

    def __init__(
        self,
        image_shape=(256, 256, 3),
        width=32,
        max_width=512,
        classes=None,
        conditioning="projection",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.conditioning = check_conditioning(conditioning, CONDITIONINGS)

        sizes = stage_sizes(self.image_shape)
        widths = stage_widths(width, max_width, len(sizes))
        with policy_of(self):
            self.from_image = _convolve(width, name="from_image")
            self.stages = [
                _DownBlock(size, channels)
                for size, channels in list(zip(sizes, widths, strict=True))[
                    -2::-1
                ]
            ]
            # Back to half the image's size.
            self.decoder = [
                _UpBlock(size, channels, None, full=False, name="decode")
                for size, channels in zip(
                    sizes[1:-1], widths[1:-1], strict=True
                )
            ]
            dtype = output_dtype()
            self.decode = _convolve(
                self.image_shape[-1], dtype=dtype, name="decode"
            )
            self.flatten = layers.Flatten()
            self.to_logits = _linear(1, dtype=dtype, name="to_logits")
            self.project = self.to_classes = None
            if classes is not None and conditioning == "projection":
                self.project = LabelProjection(dtype=dtype, name="project")
            elif classes is not None:
                self.to_classes = _linear(
                    classes, dtype=dtype, name="to_classes"
                )
        make_weights(self, self.image_shape, classes)

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the blocks' outputs, first to last),
        "reconstruction" [batch], how far the image is from what the last
        features remember of it, and, if they are classified, "classes"
        [batch, classes].
        """
        classified = self.to_classes is not None
        images, labels = split_labels(inputs, self.classes, not classified)
        x = leaky_relu(self.from_image(images, training=training))
        features = []
        for stage in self.stages:
            x = stage(x, training=training)
            features.append(x)
        flat = self.flatten(x)
        logits = ops.squeeze(self.to_logits(flat, training=training), axis=-1)
        if self.project is not None:
            pooled = ops.cast(ops.mean(x, axis=(1, 2)), logits.dtype)
            logits = logits + self.project(pooled, labels, training=training)
        heads = {
            "logits": logits,
            "features": features,
            "reconstruction": self._forgotten(images, x, training),
        }
        if classified:
            heads["classes"] = self.to_classes(flat, training=training)
        return heads

    def _forgotten(self, images, x, training):
        """Images, the last features -> mean absolute differences [batch]."""
        for stage in self.decoder:
            x = stage(x, training=training)
        decoded = ops.tanh(self.decode(x, training=training))
        wanted = average_pool(ops.cast(images, decoded.dtype))
        return ops.mean(ops.abs(decoded - wanted), axis=(1, 2, 3))

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "conditioning": self.conditioning,
        }


def _unit_moment(x):
    """Latents [batch, n] whose squares have the mean 1."""
    moment = ops.mean(ops.square(x), axis=-1, keepdims=True)
    return x * ops.rsqrt(moment + 1e-8)


class _Stem(layers.Layer):
    """Latents -> a grid, normalized and gated."""

    def __init__(self, size, channels, classes):
        super().__init__(name=f"stem_{size[0]}px")
        self.linear = _linear(math.prod(size) * 2 * channels, use_bias=False)
        self.grid = layers.Reshape((*size, 2 * channels))
        self.normalize = BatchNormalization(classes=classes)

    def call(self, inputs, labels=None, training=False):
        """[batch, n] -> [batch, h, w, channels]."""
        x = self.grid(self.linear(inputs, training=training))
        return _gate(self.normalize(x, labels, training=training))


class _UpBlock(layers.Layer):
    """Doubles the size, cropped to `size`; one gated convolution or two."""

    def __init__(self, size, channels, classes, full, name="stage"):
        super().__init__(name=f"{name}_{size[0]}px")
        self.size = size
        count = 2 if full else 1
        self.convolutions = [
            _convolve(2 * channels, name=f"convolve_{i}") for i in range(count)
        ]
        self.norms = [BatchNormalization(classes=classes) for _ in range(count)]
        self.noises = [NoiseInjection(size, i) for i in range(count) if full]

    def call(self, inputs, labels=None, draws=None, training=False):
        """[batch, h, w, c] -> [batch, *size, channels]."""
        x = crop(upsample(inputs, "nearest"), self.size)
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x, training=training)
            if self.noises:
                x = self.noises[i](x, draws)
            x = _gate(self.norms[i](x, labels, training=training))
        return x


class _Excitation(layers.Layer):
    """A grid of another stage, pooled to 4 px -> a factor for each channel."""

    def __init__(self, channels, name):
        super().__init__(name=name)
        self.flatten = layers.Flatten()
        self.first = _linear(channels, use_bias=False, name="first")
        self.second = _linear(channels, use_bias=False, name="second")

    def call(self, inputs, training=False):
        """[batch, h, w, c] -> [batch, 1, 1, channels] in [0, 1]."""
        x = self.flatten(pool_to(inputs, _POOLED))
        x = ops.silu(self.first(x, training=training))
        return ops.sigmoid(self.second(x, training=training))[:, None, None]


class _DownBlock(layers.Layer):
    """Half the size: two convolutions beside one of a mean, averaged."""

    def __init__(self, size, channels):
        super().__init__(name=f"stage_{size[0]}px")
        self.first = _convolve(channels, name="first")
        self.second = _convolve(channels, name="second")
        self.direct = _convolve(channels, kernel_size=1, name="direct")
        self.norms = [BatchNormalization() for _ in range(3)]

    def call(self, inputs, training=False):
        """[batch, h, w, c] -> [batch, h / 2, w / 2, channels]."""
        norms = [
            lambda x, n=norm: leaky_relu(n(x, training=training))
            for norm in self.norms
        ]
        x = norms[0](average_pool(self.first(inputs, training=training)))
        x = norms[1](self.second(x, training=training))
        direct = self.direct(average_pool(inputs), training=training)
        return (x + norms[2](direct)) / 2


def _gate(x):
    """GLU: half of the channels, times the other half's sigmoid."""
    x, gates = ops.split(x, 2, axis=-1)
    return x * ops.sigmoid(gates)


def _convolve(channels, kernel_size=3, **kwargs):
    return SpectralConv2D(
        channels,
        kernel_size,
        use_bias=False,
        kernel_initializer=_normal(),
        **kwargs,
    )


def _linear(units, **kwargs):
    return SpectralDense(units, kernel_initializer=_normal(), **kwargs)


def _normal():
    return keras.initializers.RandomNormal(0.0, 0.02)


PRESETS = {
    "fastgan_tiny": {
        "generator": {
            "image_shape": (8, 8, 3),
            "latent_size": 8,
            "width": 4,
            "max_width": 8,
            "excited_stages": 1,
        },
        "discriminator": {"image_shape": (8, 8, 3), "width": 4, "max_width": 8},
    },
    # No parameter counts are published.
    "fastgan_fewshot_256px": {"generator": {}, "discriminator": {}},
    "fastgan_fewshot_1024px": {
        "generator": {"image_shape": (1024, 1024, 3), "width": 8},
        "discriminator": {"image_shape": (1024, 1024, 3), "width": 8},
    },
}
