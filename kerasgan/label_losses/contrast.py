"""Samples of a batch, compared with each other and with their classes."""

import abc
import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan.label_losses.label_loss import LabelLoss, head, integers

_NEVER = -1e9  # A logit whose probability is 0 in float32.


@dataclasses.dataclass(frozen=True)
class _Contrast(LabelLoss):
    """Compares samples with those of the batch, and with their class's proxy.

    Of "embeddings" f and "proxies" v, both [batch, n] and of any length: their
    cosines count. Labels are integers. Only what is computed at once is seen: a
    replica's batch, or its part where gradients are accumulated, which should
    have many rows.
    """

    reads: ClassVar[tuple] = ("embeddings", "proxies")

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
        labels = integers(self, labels)
        samples = _unit(head(heads, "embeddings"))
        proxies = _unit(head(heads, "proxies"))
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


def _unit(vectors):
    vectors = ops.cast(vectors, "float32")
    square = ops.sum(ops.square(vectors), axis=1, keepdims=True)
    return vectors * ops.rsqrt(square + 1e-12)


def _log_sum(first, others):
    """Logits [batch, 1] and [batch, n] -> log of the sum of all exponentials."""
    return ops.logsumexp(ops.concatenate([first, others], axis=1), axis=1)
