"""A classifier beside the logits, or an estimate of numbers."""

import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import losses
from kerasgan.label_losses.label_loss import LabelLoss, head, integers


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class Classification(LabelLoss):
    """AC-GAN: an auxiliary classifier, which the generator wants to be right.

        discriminator:  -log C(y|x) - log C(y|G(z, y))
        generator:      -log C(y|G(z, y))

    Odena et al. 2017, section 3, https://arxiv.org/abs/1610.09585. Of "classes"
    [batch, classes]; float labels, of several classes at once, are probabilities
    of each. Discriminators without that head have no such term.
    """

    def discriminator(self, *, real, fake, labels):
        if "classes" not in real:
            return {}
        return {
            "classification": losses.classification(
                labels=labels, logits=real["classes"]
            ),
            "fake_classification": losses.classification(
                labels=labels, logits=fake["classes"]
            ),
        }

    def generator(self, *, fake, labels):
        if "classes" not in fake:
            return {}
        return {
            "classification": losses.classification(
                labels=labels, logits=fake["classes"]
            )
        }


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class TwinClassification(LabelLoss):
    """TAC-GAN: a second classifier, of generated samples, for their variety.

        discriminator:  -log C(y|x) - log C(y|G(z, y)) - log T(y|G(z, y))
        generator:      -log C(y|G(z, y)) + log T(y|G(z, y))

    AC-GAN alone wants classes to be told apart, so far that they shrink. The
    twin T takes that back: Gong et al. 2019, equation 8,
    https://arxiv.org/abs/1907.02690. Of "classes" and "twin_classes", both
    [batch, classes].
    """

    reads: ClassVar[tuple] = ("classes", "twin_classes")

    def discriminator(self, *, real, fake, labels):
        classes = head(real, "classes"), head(fake, "classes")
        twins = head(fake, "twin_classes")
        names = ("classification", "fake_classification", "twin_classification")
        return {
            name: losses.classification(labels=labels, logits=logits)
            for name, logits in zip(names, (*classes, twins), strict=True)
        }

    def generator(self, *, fake, labels):
        logits, twins = head(fake, "classes"), head(fake, "twin_classes")
        return {
            "classification": losses.classification(
                labels=labels, logits=logits
            ),
            "twin_classification": -losses.classification(
                labels=labels, logits=twins
            ),
        }


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class DiscriminativeClassification(LabelLoss):
    """ADC-GAN: the classifier tells real cats from generated ones, too.

        discriminator:  -log C(y, real|x) - log C(y, fake|G(z, y))
        generator:      -log C(y, real|G(z, y)) + log C(y, fake|G(z, y))

    Hou et al. 2022, equations 5 and 6, https://arxiv.org/abs/2107.10060. Of
    "real_and_fake_classes" [batch, 2 * classes], the real ones first; labels
    are integers.
    """

    reads: ClassVar[tuple] = ("real_and_fake_classes",)

    def discriminator(self, *, real, fake, labels):
        (name,) = self.reads
        real, fake = head(real, name), head(fake, name)
        labels = integers(self, labels)
        return {
            "classification": losses.classification(labels=labels, logits=real),
            "fake_classification": losses.classification(
                labels=_generated(labels, fake), logits=fake
            ),
        }

    def generator(self, *, fake, labels):
        logits = head(fake, *self.reads)
        labels = integers(self, labels)
        as_real = losses.classification(labels=labels, logits=logits)
        as_fake = losses.classification(
            labels=_generated(labels, logits), logits=logits
        )
        return {"classification": as_real - as_fake}


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class Regression(LabelLoss):
    """An auxiliary estimate of conditions that are numbers, such as angles.

        discriminator:  |R(x) - y|^2 / n
        generator:      |R(G(z, y)) - y|^2 / n

    AC-GAN's classifier with a Gaussian in the softmax's place, as InfoGAN has
    it for continuous codes (Chen et al. 2016, section 6,
    https://arxiv.org/abs/1606.03657). Of "classes" [batch, n]; labels are
    floats [batch, n].
    """

    def discriminator(self, *, real, fake, labels):
        del fake
        return {"regression": self._error(real, labels)}

    def generator(self, *, fake, labels):
        return {"regression": self._error(fake, labels)}

    def _error(self, heads, labels):
        if len(labels.shape) != 2:
            raise ValueError(
                f"`labels` must be floats [batch, n] for {self}; give the "
                "model `label_examples` of them. Received: labels of shape "
                f"{tuple(labels.shape)}"
            )
        found = ops.cast(head(heads, "classes"), "float32")
        return losses.per_example(ops.square(found - labels))


def _generated(labels, logits):
    """The numbers of the classes of generated samples: the second half."""
    return labels + logits.shape[-1] // 2
