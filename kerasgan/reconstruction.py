"""Distances between two tensors, or two lists of them, one number per example.

Terms for generators that are told what to make (`L1`, `L2`), or told to look
alike to the discriminator's layers (`FeatureMatching`).
"""

import abc
import dataclasses

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan.errors import unknown_name
from kerasgan.serialization import Saveable


class Distance(Saveable, abc.ABC):
    """How far generated values are from real ones."""

    @abc.abstractmethod
    def __call__(self, *, real, fake):
        """Two tensors [batch, ...], or lists of them -> float32 [batch]."""


@register_keras_serializable(package="kerasgan.reconstruction")
@dataclasses.dataclass(frozen=True)
class L1(Distance):
    """The mean absolute difference."""

    def __call__(self, *, real, fake):
        return _mean_by_example(ops.abs(_float32(fake) - _float32(real)))


@register_keras_serializable(package="kerasgan.reconstruction")
@dataclasses.dataclass(frozen=True)
class L2(Distance):
    """The mean squared difference."""

    def __call__(self, *, real, fake):
        return _mean_by_example(ops.square(_float32(fake) - _float32(real)))


@register_keras_serializable(package="kerasgan.reconstruction")
@dataclasses.dataclass(frozen=True)
class FeatureMatching(Distance):
    """The distance between a discriminator's features, averaged over layers.

    Real features are constants: only the generator is to move.

    Args:
        compare: "means" compares the batch's mean features by their squared
            difference, for samples without partners (Salimans et al. 2016,
            section 3.1, https://arxiv.org/abs/1606.03498); every example gets
            the same number. "pairs" compares each example with its partner by
            the absolute difference (pix2pixHD, Wang et al. 2018, equation 4,
            https://arxiv.org/abs/1711.11585).
    """

    compare: str = "means"

    def __post_init__(self):
        if self.compare not in ("means", "pairs"):
            raise unknown_name("compare", self.compare, ["means", "pairs"])

    def __call__(self, *, real, fake):
        """Lists of features [batch, ...] -> float32 [batch]."""
        total = 0.0
        for real_layer, fake_layer in zip(real, fake, strict=True):
            real_layer = ops.stop_gradient(_float32(real_layer))
            total += self._distance(real_layer, _float32(fake_layer))
        return total / len(real)

    def _distance(self, real, fake):
        if self.compare == "pairs":
            return L1()(real=real, fake=fake)
        means = [ops.mean(x, axis=0, keepdims=True) for x in (real, fake)]
        distance = L2()(real=means[0], fake=means[1])
        return ops.broadcast_to(distance, (ops.shape(fake)[0],))


def _float32(values):
    return ops.cast(values, "float32")


def _mean_by_example(values):
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)
