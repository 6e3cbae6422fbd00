"""Labels told to a discriminator by a projection, and its last layers."""

import keras
from keras import ops

from kerasgan.layers.label_heads import LABEL_HEADS, LabelHeads
from kerasgan.layers.labels import check_conditioning
from kerasgan.layers.precision import output_dtype
from kerasgan.layers.spectral import SpectralDense, SpectralLayer

CONDITIONINGS = ("projection", *LABEL_HEADS)


@keras.saving.register_keras_serializable(package="kerasgan.projection")
class LabelProjection(SpectralLayer):
    """How well features fit labels: <embed(labels), features>.

    Miyato & Koyama 2018, equation 3, https://arxiv.org/abs/1802.05637. The
    table of embeddings is spectrally normalized as a whole, with u over its
    classes.

    Args:
        kernel_initializer: Of the table.
        **kwargs: Those of `SpectralLayer`.
    """

    is_table = True  # Of vectors for labels, which are no filters.

    def __init__(self, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, features_shape, labels_shape):
        self._add_kernel(
            (labels_shape[-1], features_shape[-1]), self.kernel_initializer
        )

    def call(self, features, labels, training=False):
        """[batch, c], encoded labels [batch, classes] -> [batch]."""
        table = self._normalized(training)
        embedded = ops.matmul(ops.cast(labels, table.dtype), table)
        return ops.sum(embedded * features, axis=-1)

    def compute_output_shape(self, features_shape, labels_shape):
        return features_shape[:1]

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }

    def _matrix(self):
        return ops.transpose(self.kernel)


@keras.saving.register_keras_serializable(package="kerasgan.projection")
class SpectralHeads(keras.layers.Layer):
    """What a discriminator says of its last activations.

    They are rectified and summed over places.

    Args:
        classes: How many, or None.
        conditioning: "projection" tells the labels, others ask for them: see
            `LabelHeads`.
        codes: As `LabelHeads` has it.
        rotations: If True, it also asks by which quarter turn an image was
            rotated (SSGAN).
        kernel_initializer: A function that makes one, None for Keras'.
        **spectral: Arguments of `SpectralLayer`.
    """

    def __init__(
        self,
        classes=None,
        conditioning="projection",
        rotations=False,
        codes=None,
        kernel_initializer=None,
        **spectral,
    ):
        super().__init__(name="heads", dtype=output_dtype())
        check_conditioning(conditioning, CONDITIONINGS)
        if kernel_initializer is not None:
            spectral["kernel_initializer"] = kernel_initializer
        spectral["dtype"] = output_dtype()
        self.to_logits = SpectralDense(1, **spectral)
        self.project = self.to_rotations = None
        if classes is not None and conditioning == "projection":
            self.project = LabelProjection(**spectral)
        self.label_heads = LabelHeads(
            classes,
            conditioning,
            codes,
            dense=lambda units, name: SpectralDense(
                units, name=name, **spectral
            ),
            dtype=output_dtype(),
        )
        if rotations:
            self.to_rotations = SpectralDense(4, **spectral)

    def build(self, input_shape):
        """Leaves layers inside to their calls; Keras would run them twice."""

    def call(self, inputs, labels=None, training=False):
        """x [batch, h, w, c], encoded labels [batch, classes] -> a dict.

        "logits" [batch], what `LabelHeads` gives and, where they are asked for,
        "rotations" [batch, 4].
        """
        features = ops.sum(ops.relu(inputs), axis=(1, 2))
        logits = ops.squeeze(self.to_logits(features, training=training), -1)
        if self.project is not None:
            logits += self.project(features, labels, training=training)
        heads = {
            "logits": logits,
            **self.label_heads(features, labels, training=training),
        }
        if self.to_rotations is not None:
            heads["rotations"] = self.to_rotations(features, training=training)
        return heads
