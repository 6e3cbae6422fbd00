"""StyleGAN (Karras et al. 2019), https://arxiv.org/abs/1812.04948.

    latents [b, 512] -> style [b, 512]
    a learned 4px grid, styled -> 8px -> ... -> 1024px -> images [b, h, w, 3]
    images [b, h, w, 3] -> 1024px -> ... -> 8px -> 4px -> logits [b]

Any other size: the generator doubles a grid whose shorter side is 4 to 8 px.

Both grow by their level, a variable (`layers/growing.py`), which is 0 where
nothing sets it: then they are whole. To train them as the paper does, give
`compile` a schedule of it, `schedules={"level": Growth(...)}`.

Differs from the paper: shapes never change, so the stages that a level leaves
out are computed all the same, and multiplied by 0. Labels, which it has none
of, are embedded beside the latents, and choose the discriminator's logit, as
in the authors' code. Styles are mixed image by image, not batch by batch.
Truncation is a method, `truncate`.
"""

import keras
from keras import layers, ops

from kerasgan.layers.activations import leaky_relu
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.filters import smooth
from kerasgan.layers.growing import (
    Growing,
    GrowingTrunk,
    convolve,
    enlarge,
    fade,
    growing_stages,
    merge,
)
from kerasgan.layers.image_norm import instance_norm
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.mapping import MappingNetwork, mix_styles
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.resampling import average_pool
from kerasgan.layers.shapes import check_image_shape, make_weights

# Section 2.1, for low-pass filtered resampling.
_BLUR = (1.0, 2.0, 1.0)


@keras.saving.register_keras_serializable(package="kerasgan.stylegan")
class Generator(Growing):
    """Doubles a learned grid, whose every layer is scaled by a style.

    Outside of training it is a pure function: its noise is a constant. In
    training noise, and the styles that are mixed, are given as `draws`.

    Args:
        image_shape: (height, width, channels), any.
        latent_size: Numbers per latent vector.
        style_size: Numbers per style, the paper's w.
        width: Channels at the image's own size. They double with each halving
            of it, rounded down where `width` is a fraction.
        max_width: Channels of no stage exceed it.
        classes: If given, the input is (latents, labels).
        mapping_depth: Dense layers between latents and styles.
        mapping_width: Their numbers, but for the last one.
        mapping_learning_rate_multiplier: Of those layers.
        average_decay: What the average style keeps in each training step.
        style_mixing: The share of images in training that take the styles of
            another latent vector from some layer on.
    """

    bounded = False  # No tanh at the end.

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_size=512,
        style_size=512,
        width=256,
        max_width=512,
        classes=None,
        mapping_depth=8,
        mapping_width=512,
        mapping_learning_rate_multiplier=0.01,
        average_decay=0.995,
        style_mixing=0.9,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_size = latent_size
        self.style_size = style_size
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.mapping_depth = mapping_depth
        self.mapping_width = mapping_width
        self.mapping_learning_rate_multiplier = mapping_learning_rate_multiplier
        self.average_decay = average_decay
        self.style_mixing = style_mixing

        stages = growing_stages(self.image_shape, width, max_width)[::-1]
        with policy_of(self):
            self.mapping = MappingNetwork(
                latent_size,
                style_size,
                mapping_depth,
                classes,
                hidden_size=mapping_width,
                label_size=latent_size,
                learning_rate_multiplier=mapping_learning_rate_multiplier,
                average_decay=average_decay,
                version=1,
                dtype=output_dtype(),
                name="mapping",
            )
            self.stages = [
                _Stage(*stage, style_size, begins=number == 0)
                for number, stage in enumerate(stages)
            ]
            self.to_images = [
                EqualizedConv2D(
                    self.image_shape[-1],
                    kernel_size=1,
                    dtype=output_dtype(),
                    name=f"to_image_{height}px",
                )
                for height, _, _ in stages
            ]
        self.style_count = 2 * len(stages)
        make_weights(self, (latent_size,), classes)

    @property
    def draws(self):
        """{name: (distribution, shape)}: random numbers for each image."""
        draws = {
            f"noise_{i}": ("normal", self.stages[i // 2].size)
            for i in range(self.style_count)
        }
        if self.style_mixing:
            draws["mixing_latents"] = ("normal", (self.latent_size,))
            draws["mixing"] = ("uniform", (2,))
        return draws

    @property
    def style_kernels(self):
        """For each style, the kernel [style_size, n] of what reads it."""
        return [
            layer.to_style.scaled_kernel
            for stage in self.stages
            for layer in (stage.first_style, stage.second_style)
        ]

    def call(self, inputs, training=False, draws=None):
        """Latents [batch, latent_size] -> images [batch, h, w, c].

        Of data in [-1, 1], which nothing limits them to. With classes,
        (latents, labels [batch]) -> images. `draws` has a tensor
        [batch, *shape] for every name in `self.draws`.
        """
        styles = self.styles(inputs, training=training, draws=draws)
        return self.synthesize(styles, draws)

    def styles(self, inputs, training=False, draws=None):
        """Latents, or (latents, labels) -> [batch, style_count, style_size]."""
        latents, labels = split_labels(inputs, self.classes)
        styles = self.mapping(latents, labels, training=training)
        styles = ops.repeat(styles[:, None], self.style_count, axis=1)
        if not draws or not self.style_mixing:
            return styles
        others = self.mapping(draws["mixing_latents"], labels)
        unused = 2 * ops.cast(ops.floor(self.level), styles.dtype)
        return mix_styles(
            styles,
            others,
            draws["mixing"],
            share=self.style_mixing,
            count=self.style_count - unused,
        )

    def truncate(self, styles, psi=0.7, cutoff=8):
        """Moves styles towards their average: section B, on its first layers.

        Args:
            psi: 1 leaves them, 0 gives the average.
            cutoff: Only the first so many; None moves all.
        """
        return self.mapping.truncate(styles, psi, cutoff)

    def synthesize(self, styles, draws=None):
        """Styles [batch, style_count, style_size] -> images [batch, h, w, c].

        Args:
            draws: Random noise, by name; None takes the stored constant.
        """
        draws = draws or {}
        x, images = None, []
        for number, stage in enumerate(self.stages):
            own = 2 * number, 2 * number + 1
            noise = [draws.get(f"noise_{i}") for i in own]
            x = stage(styles[:, own[0]], styles[:, own[1]], noise, x)
            images.append(self.to_images[number](x))
        return merge(images, self.level)

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_size": self.latent_size,
            "style_size": self.style_size,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "mapping_depth": self.mapping_depth,
            "mapping_width": self.mapping_width,
            "mapping_learning_rate_multiplier": (
                self.mapping_learning_rate_multiplier
            ),
            "average_decay": self.average_decay,
            "style_mixing": self.style_mixing,
        }


@keras.saving.register_keras_serializable(package="kerasgan.stylegan")
class Discriminator(Growing):
    """Halves an image until it is a small grid; each stage can begin with one.

    Progressive GAN's, with low-pass filters before images are halved.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels at the image's own size. They double with each halving
            of it, rounded down where `width` is a fraction.
        max_width: Channels of no stage exceed it.
        classes: If given, the input is (images, labels).
        conditioning: "selection": there is a logit for each class, of which
            the labels choose one (Mescheder et al. 2018).
        group_size: Images that are compared with each other, by
            `MinibatchStdDev`.
        deviation_channels: Channels that tell of them; 0 leaves it out.
    """

    def __init__(
        self,
        image_shape=(64, 64, 3),
        width=256,
        max_width=512,
        classes=None,
        conditioning="selection",
        group_size=4,
        deviation_channels=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.conditioning = check_conditioning(conditioning, ("selection",))
        self.group_size = group_size
        self.deviation_channels = deviation_channels

        with policy_of(self):
            self.trunk = GrowingTrunk(
                self.image_shape,
                width,
                max_width,
                outputs=classes or 1,
                group_size=group_size,
                deviation_channels=deviation_channels,
                halve=_DownBlock,
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

        Of "logits" [batch] and "features" (the stages' outputs, first to
        last).
        """
        images, labels = split_labels(inputs, self.classes)
        logits, features = self.trunk(images, self.level)
        if labels is not None:
            logits = logits * ops.cast(labels, logits.dtype)
        return {"logits": ops.sum(logits, axis=-1), "features": features}

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
        }


class _Stage(layers.Layer):
    """Two styled layers, of a learned grid or of x at twice its size."""

    def __init__(self, height, width, channels, style_size, begins):
        super().__init__(name=f"stage_{height}px")
        self.size = (height, width)
        self.grid = self.first = None
        if begins:
            shape = (height, width, channels)
            self.grid = self.add_weight(
                name="grid", shape=shape, initializer="ones"
            )
        else:
            self.first = convolve(channels, activation=None, use_bias=False)
        self.first_style = _Styled("first", self.size, channels, style_size)
        self.second = convolve(channels, activation=None, use_bias=False)
        self.second_style = _Styled("second", self.size, channels, style_size)

    def call(self, first_style, second_style, noise, inputs=None):
        """Styles [batch, n], x or None -> [batch, height, width, channels]."""
        if self.first is None:
            x = self.grid[None]
        else:
            x = smooth(self.first(enlarge(inputs, self.size)), _BLUR)
        x = self.first_style(x, first_style, noise[0])
        return self.second_style(self.second(x), second_style, noise[1])


class _Styled(layers.Layer):
    """Noise, bias, activation; then the scale and mean that a style wants."""

    def __init__(self, place, size, channels, style_size):
        super().__init__(name=f"{place}_style")
        self.channels = channels
        self.noise = self.add_weight(
            name="noise",
            shape=size,
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            trainable=False,
        )
        self.noise_gain = self.add_weight(
            name="noise_gain", shape=(channels,), initializer="zeros"
        )
        self.bias = self.add_weight(
            name="bias", shape=(channels,), initializer="zeros"
        )
        self.to_style = EqualizedDense(2 * channels, name="to_style")
        self.to_style.build((None, style_size))

    def call(self, inputs, style, noise=None):
        """x [batch or 1, h, w, c], style [batch, n] -> [batch, h, w, c]."""
        noise = self.noise[None] if noise is None else noise
        noise = ops.cast(noise, inputs.dtype)[..., None]
        x = leaky_relu(inputs + noise * self.noise_gain + self.bias)
        style = ops.reshape(self.to_style(style), (-1, 2, 1, 1, self.channels))
        return instance_norm(x) * (style[:, 0] + 1.0) + style[:, 1]


class _DownBlock(layers.Layer):
    """Two convolutions, a low-pass filter between them, then half the size."""

    def __init__(self, height, width, channels, wider):
        super().__init__(name=f"stage_{height}px")
        del width  # Pooling knows it.
        self.first = convolve(channels)
        self.second = convolve(wider, activation=None)

    def call(self, inputs):
        """[batch, h, w, c] -> [batch, h / 2, w / 2, wider]."""
        x = smooth(self.first(inputs), _BLUR)
        return leaky_relu(average_pool(self.second(x)))


PRESETS = {
    # Two stages: at a level of 1/2 they all take part.
    "stylegan_tiny": {
        "generator": {
            "image_shape": (8, 8, 3),
            "latent_size": 8,
            "style_size": 7,
            "width": 4,
            "max_width": 6,
            "mapping_depth": 2,
            "mapping_width": 6,
        },
        "discriminator": {"image_shape": (8, 8, 3), "width": 4, "max_width": 6},
    },
    "stylegan_ffhq_1024px": {
        "generator": {"image_shape": (1024, 1024, 3), "width": 16},
        "discriminator": {"image_shape": (1024, 1024, 3), "width": 16},
    },
}
