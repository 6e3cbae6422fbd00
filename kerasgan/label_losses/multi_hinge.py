"""One hinge for all classes, of which what is generated is one."""

import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import losses
from kerasgan.label_losses.label_loss import LabelLoss, head, integers

_NEVER = -1e9  # A logit whose probability is 0 in float32.


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class MultiHinge(LabelLoss):
    """MHGAN: real or not is one more class, and all are told by one hinge.

        discriminator:  h(x, y) + h(G(z, y), generated)
        generator:      h(G(z, y), y)
        h(x, k) = max(0, 1 - s_k(x) + max over others of s_j(x))

    Kavalerov et al. 2021, section 3, https://arxiv.org/abs/1912.04216; the hinge
    is Crammer and Singer's. The scores s are "classes" [batch, classes], and of
    the class of what is generated, -"logits". It takes the place of the
    adversarial loss, which is only logged; labels are integers.
    """

    # All scores may grow alike, and it stays as it is.
    splits_at_zero: ClassVar[bool] = False
    term_weights: ClassVar[dict] = {
        "discriminator_adversarial": 0.0,
        "generator_adversarial": 0.0,
    }

    def discriminator(self, *, real, fake, labels):
        labels = integers(self, labels)
        scores = _with_generated(fake)
        generated = ops.full_like(labels, scores.shape[-1] - 1)
        return {
            "multi_hinge": _crammer_singer(_with_generated(real), labels)
            + _crammer_singer(scores, generated)
        }

    def generator(self, *, fake, labels):
        labels = integers(self, labels)
        return {"multi_hinge": _crammer_singer(_with_generated(fake), labels)}


def _with_generated(heads):
    """The scores [batch, classes + 1], that of generated samples last."""
    logits = losses.per_example(heads["logits"])[:, None]
    classes = ops.cast(head(heads, "classes"), "float32")
    return ops.concatenate([classes, -logits], axis=1)


def _crammer_singer(scores, labels):
    """Scores [batch, k], integers [batch] -> the hinge, float32 [batch]."""
    wanted = ops.one_hot(labels, scores.shape[-1], dtype="bool")
    score = ops.sum(ops.where(wanted, scores, 0.0), axis=1)
    highest = ops.max(ops.where(wanted, _NEVER, scores), axis=1)
    return ops.relu(1.0 - score + highest)
