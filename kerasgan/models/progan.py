"""Progressive GAN (Karras et al. 2018), https://arxiv.org/abs/1710.10196.

    latents [b, 512] -> 4px -> 8px -> ... -> 1024px -> images [b, h, w, 3]
    images [b, h, w, 3] -> 1024px -> ... -> 8px -> 4px -> logits [b]

Any other size: the generator doubles a grid whose shorter side is 4 to 8 px.

Both grow by their level, a variable (`layers/growing.py`), which is 0 where
nothing sets it: then they are whole. To train them as the paper does, give
`compile` a schedule of it, `schedules={"level": Growth(...)}`.

Differs from the paper: shapes never change, so the stages that a level leaves
out are computed all the same, and multiplied by 0. Labels join the latents, and
are classified, as in the authors' code. Kernels start at N(0, 1), not
truncated, as there.
"""

import functools

import keras
from keras import layers, ops

from kerasgan.layers.activations import leaky_relu
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.growing import (
    HE_GAIN,
    Growing,
    GrowingTrunk,
    convolve,
    enlarge,
    fade,
    growing_stages,
    merge,
)
from kerasgan.layers.image_norm import pixel_norm
from kerasgan.layers.labels import (
    check_conditioning,
    concatenate_labels,
    split_labels,
)
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.resampling import average_pool
from kerasgan.layers.shapes import (
    check_image_shape,
    make_weights,
)


@keras.saving.register_keras_serializable(package="kerasgan.progan")
class Generator(Growing):
    """Doubles a small grid until it is an image; each stage can draw one.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        width: Channels at the image's own size. They double with each halving
            of it, rounded down where `width` is a fraction.
        max_width: Channels of no stage exceed it.
        classes: If given, the input is (latents, labels).
        normalize_latents: Whether latents and labels are scaled to a mean
            square of 1.
        normalize_features: Whether what each layer gives is, pixel by pixel.
        norm_epsilon: Added to those mean squares.
    """

    bounded = False  # No tanh at the end.

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_size=512,
        width=256,
        max_width=512,
        classes=None,
        normalize_latents=True,
        normalize_features=True,
        norm_epsilon=1e-8,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.normalize_latents = normalize_latents
        self.normalize_features = normalize_features
        self.norm_epsilon = norm_epsilon

        epsilon = norm_epsilon if normalize_features else None
        grid, *stages = reversed(
            growing_stages(self.image_shape, width, max_width)
        )
        with policy_of(self):
            self.stages = [
                _Stem(*grid, epsilon),
                *[_UpBlock(*stage, epsilon) for stage in stages],
            ]
            self.to_images = [
                EqualizedConv2D(
                    self.image_shape[-1],
                    kernel_size=1,
                    dtype=output_dtype(),
                    name=f"to_image_{height}px",
                )
                for height, _, _ in (grid, *stages)
            ]
        make_weights(self, (latent_size,), classes)

    def call(self, inputs, training=False):
        """Latents [batch, latent_size] -> images [batch, h, w, c].

        Of data in [-1, 1], which nothing limits them to. With classes,
        (latents, labels [batch]) -> images.
        """
        latents, labels = split_labels(inputs, self.classes)
        x = concatenate_labels(latents, labels)
        if self.normalize_latents:
            x = pixel_norm(x, self.norm_epsilon)
        images = []
        for stage, to_image in zip(self.stages, self.to_images, strict=True):
            x = stage(x)
            images.append(to_image(x))
        return merge(images, self.level)

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "normalize_latents": self.normalize_latents,
            "normalize_features": self.normalize_features,
            "norm_epsilon": self.norm_epsilon,
        }


@keras.saving.register_keras_serializable(package="kerasgan.progan")
class Discriminator(Growing):
    """Halves an image until it is a small grid; each stage can begin with one.

    Its last stage sees how much images of a group differ.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels at the image's own size. They double with each halving
            of it, rounded down where `width` is a fraction.
        max_width: Channels of no stage exceed it.
        classes: If given, `heads` has logits for "classes" too.
        conditioning: "classification": labels are not seen, but told.
        group_size: Images that are compared with each other.
        deviation_channels: Channels that tell of them; 0 leaves it out.
        pools_rectified: Whether a stage halves what its last convolution's
            activation gives, as in the paper. False halves before the
            activation, as the authors' code does unless it is told otherwise
            (`fused_scale`).
    """

    def __init__(
        self,
        image_shape=(64, 64, 3),
        width=256,
        max_width=512,
        classes=None,
        conditioning="classification",
        group_size=4,
        deviation_channels=1,
        pools_rectified=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.conditioning = check_conditioning(
            conditioning, ("classification",)
        )
        self.group_size = group_size
        self.deviation_channels = deviation_channels
        self.pools_rectified = pools_rectified

        with policy_of(self):
            self.trunk = GrowingTrunk(
                self.image_shape,
                width,
                max_width,
                outputs=1 + (classes or 0),
                group_size=group_size,
                deviation_channels=deviation_channels,
                halve=functools.partial(
                    _DownBlock, pools_rectified=pools_rectified
                ),
            )
        make_weights(self, self.image_shape, classes)

    def prepare_real(self, images):
        """Images [batch, h, w, c] -> with no more detail than the level's."""
        return fade(images, self.level, len(self.trunk.stages))

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the stages' outputs, first to last)
        and, with classes, "classes" [batch, classes].
        """
        images, _ = split_labels(inputs, self.classes, required=False)
        logits, features = self.trunk(images, self.level)
        heads = {"logits": logits[:, 0], "features": features}
        if self.classes is not None:
            heads["classes"] = logits[:, 1:]
        return heads

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "group_size": self.group_size,
            "deviation_channels": self.deviation_channels,
            "pools_rectified": self.pools_rectified,
        }


class _Normalized(layers.Layer):
    """A stage that normalizes by pixel, unless the epsilon is None."""

    def __init__(self, name, epsilon):
        super().__init__(name=name)
        self.epsilon = epsilon

    def normalize(self, x):
        return x if self.epsilon is None else pixel_norm(x, self.epsilon)


class _Stem(_Normalized):
    """Normal vectors [batch, n] -> a grid [batch, height, width, channels]."""

    def __init__(self, height, width, channels, epsilon):
        super().__init__(f"stem_{height}px", epsilon)
        self.size = (height, width)
        # The authors' gain: as of a grid of 4x4 that were one convolution.
        self.dense = EqualizedDense(
            height * width * channels, use_bias=False, gain=HE_GAIN / 4
        )
        self.bias = self.add_weight(
            name="bias", shape=(channels,), initializer="zeros"
        )
        self.convolution = convolve(channels)

    def call(self, inputs):
        x = ops.reshape(
            self.dense(inputs), (-1, *self.size, self.bias.shape[0])
        )
        x = self.normalize(leaky_relu(x + self.bias))
        return self.normalize(self.convolution(x))


class _UpBlock(_Normalized):
    """Doubles the size, cropped to (height, width), then two convolutions."""

    def __init__(self, height, width, channels, epsilon):
        super().__init__(f"stage_{height}px", epsilon)
        self.size = (height, width)
        self.first = convolve(channels)
        self.second = convolve(channels)

    def call(self, inputs):
        x = self.normalize(self.first(enlarge(inputs, self.size)))
        return self.normalize(self.second(x))


class _DownBlock(layers.Layer):
    """Two convolutions, then half the size."""

    def __init__(self, height, width, channels, wider, pools_rectified):
        super().__init__(name=f"stage_{height}px")
        del width  # Pooling knows it.
        self.pools_rectified = pools_rectified
        self.first = convolve(channels)
        self.second = convolve(wider, activation=None)

    def call(self, inputs):
        x = self.second(self.first(inputs))
        if self.pools_rectified:
            return average_pool(leaky_relu(x))
        return leaky_relu(average_pool(x))


PRESETS = {
    # Two stages: at a level of 1/2 they all take part.
    "progan_tiny": {
        "generator": {
            "image_shape": (8, 8, 3),
            "latent_size": 8,
            "width": 4,
            "max_width": 6,
        },
        "discriminator": {"image_shape": (8, 8, 3), "width": 4, "max_width": 6},
    },
    "progan_lsun_256px": {
        "generator": {"image_shape": (256, 256, 3), "width": 64},
        "discriminator": {"image_shape": (256, 256, 3), "width": 64},
    },
    "progan_celebahq_1024px": {  # The paper's table 2.
        "generator": {"image_shape": (1024, 1024, 3), "width": 16},
        "discriminator": {"image_shape": (1024, 1024, 3), "width": 16},
    },
}
