"""What every label loss is, and how it reads heads and labels."""

import abc
from typing import ClassVar

from keras import ops

from kerasgan.serialization import Saveable

# Of labels, as `layers.label_heads` makes them.
HEADS = (
    "classes",
    "twin_classes",
    "real_and_fake_classes",
    "embeddings",
    "proxies",
    "codes",
)


class LabelLoss(Saveable, abc.ABC):
    """Scores what heads say of labels, for each of the two players.

    Heads are dicts as discriminators give them, labels integers [batch] or
    floats [batch, classes].
    """

    # Heads that it reads, besides "logits".
    reads: ClassVar[tuple] = ("classes",)
    # Whether real samples' logits are to be positive, and others' negative.
    splits_at_zero: ClassVar[bool] = True
    # {"<player>_<term>": weight} of terms that do not weigh 1 with it.
    term_weights: ClassVar[dict] = {}

    def check(self, heads, others=()):
        """Raises if a head would learn nothing, for nobody reads it.

        Args:
            others: Names of heads that something else reads.
        """
        for name in HEADS:
            if name in heads and name not in (*self.reads, *others):
                raise ValueError(
                    "`label_loss` must read all that the discriminator's "
                    "`heads` say of labels, or its `conditioning` must be "
                    f"another. Received: {self}, which reads "
                    f"{', '.join(self.reads)}, and the head {name!r}"
                )

    @abc.abstractmethod
    def discriminator(self, *, real, fake, labels):
        """Heads of both kinds -> {term: float32 [batch]}."""

    @abc.abstractmethod
    def generator(self, *, fake, labels):
        """Heads of generated samples -> {term: float32 [batch]}."""


def head(heads, name):
    if name not in heads:
        raise ValueError(
            f"`label_loss` must find {name!r} in the discriminator's `heads`, "
            "which its `conditioning` decides: see `layers.label_heads`. "
            f"Received: heads {', '.join(heads)}"
        )
    return heads[name]


def integers(loss, labels):
    if len(labels.shape) != 1:
        raise ValueError(
            f"`labels` must be integers [batch] for {loss}. Received: labels "
            f"of shape {tuple(labels.shape)}"
        )
    return ops.cast(labels, "int32")
