"""Latent consistency: what a small step of the latents may change, and must."""

import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import random, schedules
from kerasgan.regularizers.regularizer import Regularizer
from kerasgan.schedules import Schedule


@dataclasses.dataclass(frozen=True)
class _LatentStep(Regularizer):
    """Compares samples with those of latents a little aside."""

    deviation: float = 0.03

    def __post_init__(self):
        super().__post_init__()
        if not self.deviation > 0:
            raise ValueError(
                "`deviation` must be positive. "
                f"Received: deviation={self.deviation!r}"
            )

    def aside(self, batch):
        """A `Batch`'s latents, plus normal noise."""
        rows = {batch.numbers.shape[0], batch.fake.shape[0]}
        if rows != {batch.latents.shape[0]}:
            raise ValueError(
                f"`packing` must be 1 with {type(self).__name__}, which "
                "compares single samples. Received: packs"
            )
        noise = random.normal(
            batch.numbers,
            tuple(batch.latents.shape[1:]),
            seed=batch.seed,
            purpose=f"{self.name}/noise",
        )
        return batch.latents + self.deviation * noise


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class LatentConsistency(_LatentStep):
    """zCR, for the discriminator: it says the same of both samples.

        weight * (D(G(z)) - D(G(z + e)))^2,  e normal

    Zhao et al. 2021, section 2.2, https://arxiv.org/abs/2002.04724, together
    with `LatentDiversity`; ICR is both of them and bCR, `Consistency`.

    Args:
        deviation: Of e.
    """

    weight: float | Schedule = 5.0

    def terms(self, network, function, batch):
        """The squared differences of logits, weighted, float32 [batch]."""
        latents = self.aside(batch)
        weight = schedules.get(self.weight)(batch.images_seen)

        def measure():
            logits = function(batch.generated(latents), "fake")
            return weight * _mean_square(batch.logits["fake"] - logits)

        return {self.name: self.lazily(network, batch, measure)}


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class LatentDiversity(_LatentStep):
    """zCR, for the generator: it does not make the same of both latents.

        -weight * mean over pixels of (G(z) - G(z + e))^2,  e normal

    Zhao et al. 2021, section 2.2, https://arxiv.org/abs/2002.04724, which needs
    `LatentConsistency` beside it.

    Args:
        deviation: Of e.
    """

    weight: float | Schedule = 0.5
    player: ClassVar[str] = "generator"

    def terms(self, network, function, batch):
        """Minus the mean squared differences, weighted, float32 [batch]."""
        latents = self.aside(batch)
        weight = schedules.get(self.weight)(batch.images_seen)

        def measure():
            return -weight * _mean_square(batch.fake - function(latents))

        return {self.name: self.lazily(network, batch, measure)}


def _mean_square(differences):
    differences = ops.cast(differences, "float32")
    rows = ops.reshape(differences, (ops.shape(differences)[0], -1))
    return ops.mean(ops.square(rows), axis=1)
