"""The discriminator of StyleGAN2, which StyleGAN3 has as well.

Karras et al. 2020, https://arxiv.org/abs/1912.04958, section 4.1 and figure 7;
with labels as in Karras et al. 2020, https://arxiv.org/abs/2006.06676.
"""

import math

import keras
from keras import layers, ops

from kerasgan.errors import unknown_name
from kerasgan.layers.activations import clip, leaky_relu, scaled_leaky_relu
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.filters import halve
from kerasgan.layers.labels import check_conditioning, split_labels
from kerasgan.layers.mapping import MappingNetwork
from kerasgan.layers.minibatch import MinibatchStdDev
from kerasgan.layers.precision import output_dtype, policy_of
from kerasgan.layers.shapes import (
    check_image_shape,
    halved_sizes,
    make_weights,
)

ARCHITECTURES = ("original", "skip", "residual")


class StyleDiscriminator(keras.Model):
    """Halves an image down to a small grid, then compares across the batch.

    Args:
        image_shape: (height, width, channels), any.
        width: Channels at the image's own size.
        max_width: Channels double with each halving of the size up to this.
        classes: The number of classes, if labels are used.
        conditioning: With "projection", the input is (images, labels), and the
            logit is the product of features with the mapped label. With
            "classification", it is images, and `heads` has "classes" too.
        architecture: "original"; "skip", every stage sees the image; or
            "residual".
        mapping_depth: Dense layers from labels to what is projected on.
        mapping_width: Of all of them but the last; None is `label_size`.
        mapping_learning_rate_multiplier: Of those layers.
        embedding_size: Of a label's embedding, before them; None is
            `label_size`.
        label_size: Of what labels become; None is the last stage's channels.
        group_size: Images that are compared with each other: see
            `MinibatchStdDev`. None: the whole batch.
        deviation_channels: Channels that tell of them; 0 leaves it out.
        clamp: Activations are cut to [-clamp, clamp]; 256 is for float16.
    """

    def __init__(
        self,
        image_shape=(256, 256, 3),
        width=64,
        max_width=512,
        classes=None,
        conditioning="projection",
        architecture="residual",
        mapping_depth=8,
        mapping_width=None,
        mapping_learning_rate_multiplier=0.01,
        embedding_size=None,
        label_size=None,
        group_size=4,
        deviation_channels=1,
        clamp=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.width = width
        self.max_width = max_width
        self.classes = classes
        self.conditioning = check_conditioning(
            conditioning, ("projection", "classification")
        )
        self.architecture = check_architecture(architecture)
        self.mapping_depth = mapping_depth
        self.mapping_width = mapping_width
        self.mapping_learning_rate_multiplier = mapping_learning_rate_multiplier
        self.embedding_size = embedding_size
        self.label_size = label_size
        self.group_size = group_size
        self.deviation_channels = deviation_channels
        self.clamp = clamp

        sizes = halved_sizes(self.image_shape)
        widths = stage_widths(width, max_width, len(sizes))
        with policy_of(self):
            self.stages = [
                _DownStage(
                    f"stage_{size[0]}px",
                    channels=widths[i],
                    new_channels=widths[i + 1],
                    sees_image=architecture == "skip" or i == 0,
                    architecture=architecture,
                    clamp=clamp,
                )
                for i, size in enumerate(sizes[:-1])
            ]
            self._build_head(widths[-1])
        make_weights(self, self.image_shape, classes)

    def _build_head(self, channels):
        """What judges the smallest grid, in float32."""
        projects = self.classes and self.conditioning == "projection"
        dtype, size = output_dtype(), self.label_size or channels
        self.from_image = None
        if self.architecture == "skip":
            # In float32, where nothing has to be cut.
            self.from_image = _Convolution(
                "from_image", channels, 1, clamp=None, dtype=dtype
            )
        self.deviation = None
        if self.deviation_channels:
            self.deviation = MinibatchStdDev(
                self.group_size, self.deviation_channels, dtype=dtype
            )
        self.last = _Convolution("last", channels, 3, self.clamp, dtype=dtype)
        self.dense = EqualizedDense(
            channels, activation=scaled_leaky_relu, dtype=dtype, name="dense"
        )
        self.to_logits = EqualizedDense(
            size if projects else 1, dtype=dtype, name="to_logits"
        )
        self.mapping, self.to_classes = None, None
        if projects:
            self.mapping = MappingNetwork(
                None,
                size,
                self.mapping_depth,
                self.classes,
                hidden_size=self.mapping_width,
                label_size=self.embedding_size,
                learning_rate_multiplier=self.mapping_learning_rate_multiplier,
                average_decay=None,
                dtype=dtype,
                name="mapping",
            )
        elif self.classes:
            self.to_classes = EqualizedDense(
                self.classes, dtype=dtype, name="to_classes"
            )

    def call(self, inputs, training=False):
        """Images [batch, h, w, c] in [-1, 1] -> logits [batch]."""
        return self.heads(inputs, training=training)["logits"]

    def heads(self, inputs, training=False):
        """Images [batch, h, w, c], or (images, labels [batch]) -> a dict.

        Of "logits" [batch], "features" (the stages' outputs, first to last)
        and, if they are classified, "classes" [batch, classes].
        """
        del training  # Nothing differs.
        image, labels = split_labels(
            inputs, self.classes, required=self.mapping is not None
        )
        x, features = None, []
        for stage in self.stages:
            x, image = stage(x, image)
            features.append(x)
        if self.from_image is not None:
            x = x + self.from_image(image)
        if self.deviation is not None:
            x = self.deviation(x)
        x = self.last(x)
        x = self.dense(ops.reshape(x, (-1, math.prod(x.shape[1:]))))
        logits = self.to_logits(x)
        if self.mapping is not None:
            directions = self.mapping(labels=labels)
            logits = ops.sum(logits * directions, axis=-1, keepdims=True)
            logits = logits / math.sqrt(directions.shape[-1])
        heads = {"logits": ops.squeeze(logits, axis=-1), "features": features}
        if self.to_classes is not None:
            heads["classes"] = self.to_classes(x)
        return heads

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "width": self.width,
            "max_width": self.max_width,
            "classes": self.classes,
            "conditioning": self.conditioning,
            "architecture": self.architecture,
            "mapping_depth": self.mapping_depth,
            "mapping_width": self.mapping_width,
            "mapping_learning_rate_multiplier": (
                self.mapping_learning_rate_multiplier
            ),
            "embedding_size": self.embedding_size,
            "label_size": self.label_size,
            "group_size": self.group_size,
            "deviation_channels": self.deviation_channels,
            "clamp": self.clamp,
        }


def check_architecture(architecture):
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    return architecture


def stage_widths(width, max_width, stages):
    """Channels at the image's size, at half of it, and so on."""
    return [min(int(width * 2**i), max_width) for i in range(stages)]


class _DownStage(layers.Layer):
    """Two convolutions down to half the size, odd sides rounded up."""

    def __init__(
        self, name, channels, new_channels, sees_image, architecture, clamp
    ):
        super().__init__(name=name, autocast=False)
        self.keeps_image = architecture == "skip"
        self.from_image, self.shortcut = None, None
        if sees_image:
            self.from_image = _Convolution("from_image", channels, 1, clamp)
        if architecture == "residual":
            self.shortcut = EqualizedConv2D(
                new_channels,
                kernel_size=1,
                sampling="halve",
                use_bias=False,
                name="shortcut",
            )
        self.gain = 1.0 if self.shortcut is None else math.sqrt(0.5)
        self.first = _Convolution("first", channels, 3, clamp)
        self.last = _Convolution(
            "last", new_channels, 3, clamp, self.gain, "halve"
        )

    def call(self, x, image):
        """x or None, image or None -> x [batch, h / 2, w / 2, c], image."""
        if self.from_image is not None:
            seen = self.from_image(image)
            x = seen if x is None else x + seen
        y = self.last(self.first(x))
        if self.shortcut is not None:
            y = y + self.gain * self.shortcut(x)
        return y, halve(image) if self.keeps_image else None


class _Convolution(layers.Layer):
    """An equalized convolution with the activation, which may be cut."""

    def __init__(
        self,
        name,
        channels,
        kernel_size,
        clamp,
        gain=1.0,
        sampling=None,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.convolution = EqualizedConv2D(
            channels, kernel_size, sampling=sampling, dtype=dtype
        )
        self.clamp = clamp
        self.gain = gain

    def call(self, x):
        """x [batch, h, w, c] -> [batch, h', w', channels]."""
        x = leaky_relu(self.convolution(x), gain=math.sqrt(2.0) * self.gain)
        return clip(x, self.clamp, self.gain)
