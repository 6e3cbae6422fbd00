"""What a discriminator says besides its logits: of labels, and of codes."""

import keras

# conditioning -> {head: units}, by the number of classes.
_CLASSIFIERS = {
    "classification": lambda classes: {"classes": classes},
    "twin_classification": lambda classes: {
        "classes": classes,
        "twin_classes": classes,
    },
    "discriminative_classification": lambda classes: {
        "real_and_fake_classes": 2 * classes
    },
}
LABEL_HEADS = (*_CLASSIFIERS, "contrast")
_EMBEDDING_SIZE = 512  # As ContraGAN and ReACGAN have for CIFAR-10.


class LabelHeads(keras.layers.Layer):
    """Dense layers beside the one of logits, which label losses read.

    With the conditioning "classification" there is "classes" [batch, classes];
    with "twin_classification" also "twin_classes", as wide; with
    "discriminative_classification" there are "real_and_fake_classes" instead,
    twice as wide; with "contrast" there are "embeddings" and "proxies" [batch, 512], those of samples and of
    their labels. See `kerasgan.label_losses`, which names the papers.

    Args:
        classes: How many, or None.
        conditioning: Any; only those named above have heads.
        codes: Numbers of InfoGAN's codes, told as "codes" [batch, codes], or
            None.
        dense: A function `dense(units, name)` that makes a dense layer.
    """

    def __init__(self, classes, conditioning, codes, dense, **kwargs):
        super().__init__(name="label_heads", **kwargs)
        units = {}
        if classes is not None and conditioning in _CLASSIFIERS:
            units |= _CLASSIFIERS[conditioning](classes)
        self.contrasts = classes is not None and conditioning == "contrast"
        if self.contrasts:
            units["embeddings"] = _EMBEDDING_SIZE
            self.to_proxies = dense(_EMBEDDING_SIZE, "to_proxies")
            self.to_proxies.is_table = True
        if codes is not None:
            units["codes"] = codes
        self.heads = {
            name: dense(count, f"to_{name}") for name, count in units.items()
        }

    def build(self, input_shape):
        """Leaves layers inside to their calls; Keras would run them twice."""

    def call(self, features, labels=None, training=False):
        """Features [batch, n], encoded labels [batch, classes] -> a dict."""
        found = {
            name: layer(features, training=training)
            for name, layer in self.heads.items()
        }
        if self.contrasts:
            found["proxies"] = self.to_proxies(labels, training=training)
        return found


def takes_labels(conditioning):
    """Whether labels are an input; classifiers are not to be told them."""
    return conditioning not in _CLASSIFIERS
