"""Label losses: what both players learn of labels, beside what is real.

Each reads what the discriminator's `heads` say besides "logits", and gives
terms of a player's loss, one number per example, float32 [batch]. Their weights
are `compile(term_weights={"<player>_<term>": weight})`. Whoever names a class
that is also an input (a projection, a concatenation) needs none of them.
"""

import abc
import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import losses
from kerasgan.errors import unknown_name
from kerasgan.serialization import Saveable

_NEVER = -1e9  # A logit whose probability is 0 in float32.


class LabelLoss(Saveable, abc.ABC):
    """Scores what heads say of labels, for each of the two players.

    Heads are dicts as discriminators give them, labels integers [batch] or
    floats [batch, classes].
    """

    # {"<player>_<term>": weight} of terms that do not weigh 1 with it.
    term_weights: ClassVar[dict] = {}

    @abc.abstractmethod
    def discriminator(self, *, real, fake, labels):
        """Heads of both kinds -> {term: float32 [batch]}."""

    @abc.abstractmethod
    def generator(self, *, fake, labels):
        """Heads of generated samples -> {term: float32 [batch]}."""


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

    def discriminator(self, *, real, fake, labels):
        classes = _head(real, "classes"), _head(fake, "classes")
        twins = _head(fake, "twin_classes")
        names = ("classification", "fake_classification", "twin_classification")
        return {
            name: losses.classification(labels=labels, logits=logits)
            for name, logits in zip(names, (*classes, twins), strict=True)
        }

    def generator(self, *, fake, labels):
        logits, twins = _head(fake, "classes"), _head(fake, "twin_classes")
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
    "classes" [batch, 2 * classes], the real ones first; labels are integers.
    """

    def discriminator(self, *, real, fake, labels):
        real, fake = _head(real, "classes"), _head(fake, "classes")
        labels = _integers(self, labels)
        return {
            "classification": losses.classification(labels=labels, logits=real),
            "fake_classification": losses.classification(
                labels=_generated(labels, fake), logits=fake
            ),
        }

    def generator(self, *, fake, labels):
        logits = _head(fake, "classes")
        labels = _integers(self, labels)
        as_real = losses.classification(labels=labels, logits=logits)
        as_fake = losses.classification(
            labels=_generated(labels, logits), logits=logits
        )
        return {"classification": as_real - as_fake}


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

    term_weights: ClassVar[dict] = {
        "discriminator_adversarial": 0.0,
        "generator_adversarial": 0.0,
    }

    def discriminator(self, *, real, fake, labels):
        labels = _integers(self, labels)
        scores = _with_generated(fake)
        generated = ops.full_like(labels, scores.shape[-1] - 1)
        return {
            "multi_hinge": _crammer_singer(_with_generated(real), labels)
            + _crammer_singer(scores, generated)
        }

    def generator(self, *, fake, labels):
        labels = _integers(self, labels)
        return {"multi_hinge": _crammer_singer(_with_generated(fake), labels)}


@dataclasses.dataclass(frozen=True)
class _Contrast(LabelLoss):
    """Compares samples with those of the batch, and with their class's proxy.

    Of "embeddings" f and "proxies" v, both [batch, n] and of any length: their
    cosines count. Labels are integers. Only the batch of one replica is seen,
    or a part of it where gradients are accumulated.
    """

    temperature: float

    def __post_init__(self):
        if not self.temperature > 0:
            raise ValueError(
                "`temperature` must be positive. "
                f"Received: temperature={self.temperature!r}"
            )

    def discriminator(self, *, real, fake, labels):
        del fake  # As both papers have it.
        return {"contrast": self._of(real, labels)}

    def generator(self, *, fake, labels):
        return {"contrast": self._of(fake, labels)}

    def _of(self, heads, labels):
        labels = _integers(self, labels)
        samples = _unit(_head(heads, "embeddings"))
        proxies = _unit(_head(heads, "proxies"))
        count = ops.shape(samples)[0]
        alike = ops.equal(labels[:, None], labels[None])
        itself = ops.eye(count, dtype="bool")
        return self.contrast(
            cosines=ops.matmul(samples, ops.transpose(samples)),
            to_proxy=ops.sum(samples * proxies, axis=1),
            alike=alike,
            itself=itself,
        )

    @abc.abstractmethod
    def contrast(self, *, cosines, to_proxy, alike, itself):
        """Cosines [batch, batch], [batch], masks [batch, batch] -> [batch]."""


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class ConditionalContrast(_Contrast):
    """2C, ContraGAN's: near one's class's proxy and samples, far from others.

        -log [(exp(f_i.v_i / t) + sum over j of i's class of exp(f_i.f_j / t))
            / (exp(f_i.v_i / t) + sum over all j of exp(f_i.f_j / t))],  j != i

    Kang and Park 2020, equation 9, https://arxiv.org/abs/2006.12681.

    Args:
        temperature: t.
    """

    temperature: float = 1.0

    def contrast(self, *, cosines, to_proxy, alike, itself):
        proxy = to_proxy[:, None] / self.temperature
        others = ops.where(itself, _NEVER, cosines / self.temperature)
        friends = ops.where(alike, others, _NEVER)
        return _log_sum(proxy, others) - _log_sum(proxy, friends)


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class DataToDataCrossEntropy(_Contrast):
    """D2D-CE, ReACGAN's: as far as it is easy, nothing is learned.

        -log [exp(p_i / t) / (exp(p_i / t) + sum over j of other classes of
            exp(max(0, f_i.f_j - m_n) / t))],  p_i = min(0, f_i.v_i - m_p)

    Kang et al. 2021, equation 6, https://arxiv.org/abs/2111.01118.

    Args:
        temperature: t.
        positive_margin: m_p, a cosine from which on a sample is near enough.
        negative_margin: m_n, one up to which it is far enough.
    """

    temperature: float = 0.5
    positive_margin: float = 0.98
    negative_margin: float = 0.02

    def contrast(self, *, cosines, to_proxy, alike, itself):
        lack = ops.minimum(to_proxy - self.positive_margin, 0.0)
        lack = lack[:, None] / self.temperature
        near = ops.relu(cosines - self.negative_margin) / self.temperature
        others = ops.where(alike, _NEVER, near)
        return _log_sum(lack, others) - lack[:, 0]


@register_keras_serializable(package="kerasgan.label_losses")
@dataclasses.dataclass(frozen=True)
class Regression(LabelLoss):
    """An auxiliary estimate of conditions that are numbers, such as angles.

        discriminator:  |R(x) - y|^2 / n
        generator:      |R(G(z, y)) - y|^2 / n

    AC-GAN's classifier with a Gaussian in the softmax's place, as InfoGAN has
    it for continuous codes (Chen et al. 2016, section 7.2,
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
                f"`labels` must be floats [batch, n] for {self}. Received: "
                f"labels of shape {tuple(labels.shape)}"
            )
        found = ops.cast(_head(heads, "classes"), "float32")
        return losses.per_example(ops.square(found - labels))


LABEL_LOSSES = {
    "classification": Classification,
    "twin_classification": TwinClassification,
    "discriminative_classification": DiscriminativeClassification,
    "multi_hinge": MultiHinge,
    "conditional_contrast": ConditionalContrast,
    "data_to_data": DataToDataCrossEntropy,
    "regression": Regression,
}


def get(label_loss):
    """A `LabelLoss`, from itself or from its name in `LABEL_LOSSES`."""
    if isinstance(label_loss, LabelLoss):
        return label_loss
    if label_loss not in LABEL_LOSSES:
        raise unknown_name("label_loss", label_loss, LABEL_LOSSES)
    return LABEL_LOSSES[label_loss]()


def _head(heads, name):
    if name not in heads:
        raise ValueError(
            f"`label_loss` must find {name!r} in the discriminator's `heads`, "
            "which its `conditioning` decides: see `layers.label_heads`. "
            f"Received: heads {', '.join(heads)}"
        )
    return heads[name]


def _integers(loss, labels):
    if len(labels.shape) != 1:
        raise ValueError(
            f"`labels` must be integers [batch] for {loss}. Received: labels "
            f"of shape {tuple(labels.shape)}"
        )
    return ops.cast(labels, "int32")


def _generated(labels, logits):
    """The numbers of the classes of generated samples: the second half."""
    return labels + logits.shape[-1] // 2


def _with_generated(heads):
    """The scores [batch, classes + 1], that of generated samples last."""
    logits = losses.per_example(heads["logits"])[:, None]
    classes = ops.cast(_head(heads, "classes"), "float32")
    return ops.concatenate([classes, -logits], axis=1)


def _crammer_singer(scores, labels):
    """Scores [batch, k], integers [batch] -> the hinge, float32 [batch]."""
    wanted = ops.one_hot(labels, scores.shape[-1], dtype="bool")
    score = ops.sum(ops.where(wanted, scores, 0.0), axis=1)
    highest = ops.max(ops.where(wanted, _NEVER, scores), axis=1)
    return ops.relu(1.0 - score + highest)


def _unit(vectors):
    vectors = ops.cast(vectors, "float32")
    square = ops.sum(ops.square(vectors), axis=1, keepdims=True)
    return vectors * ops.rsqrt(square + 1e-12)


def _log_sum(first, others):
    """Logits [batch, 1] and [batch, n] -> log of the sum of all exponentials."""
    return ops.logsumexp(ops.concatenate([first, others], axis=1), axis=1)
