"""Consistency: what does not change an image's content changes no logit."""

import dataclasses

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import schedules
from kerasgan.augment import Augmenter, DiffAugment
from kerasgan.regularizers.regularizer import Regularizer
from kerasgan.schedules import Schedule


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class Consistency(Regularizer):
    """The discriminator says the same of an image and of a changed one.

        weight * (D(x) - D(T(x)))^2 + fake_weight * (D(G(z)) - D(T(G(z))))^2

    CR (Zhang et al. 2020, https://arxiv.org/abs/1910.12027) with real images
    alone; bCR (Zhao et al. 2021, https://arxiv.org/abs/2002.04724) with both,
    each of weight 10.

    Args:
        fake_weight: Of generated images.
        transform: T, an augmenter; by default mirrors and shifts by an eighth
            at most, as those papers do. One that stands before the
            discriminator (`compile(augmenter=...)`) acts as well.
    """

    weight: float | Schedule = 10.0
    fake_weight: float | Schedule = 0.0
    transform: Augmenter = dataclasses.field(
        default_factory=lambda: DiffAugment("flip,translation")
    )

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.fake_weight, Schedule) and self.fake_weight < 0:
            raise ValueError(
                "`fake_weight` must not be negative. "
                f"Received: fake_weight={self.fake_weight!r}"
            )
        adapted = getattr(self.transform, "probability", 0.0) is None
        if not isinstance(self.transform, Augmenter) or adapted:
            raise ValueError(
                "`transform` must be an augmenter that adapts to nothing, such "
                f"as DiffAugment(). Received: transform={self.transform!r}"
            )

    def terms(self, network, function, batch):
        """The squared differences of logits, weighted, float32 [batch]."""
        self.transform.check(tuple(batch.real.shape[1:]), packing=1)
        return {
            self.name: self.lazily(
                network, batch, lambda: self._differences(function, batch)
            )
        }

    def _differences(self, function, batch):
        total = ops.zeros_like(batch.numbers, dtype="float32")
        for kind, weight in (("real", self.weight), ("fake", self.fake_weight)):
            if weight == 0:
                continue
            changed = self.transform(
                getattr(batch, kind), batch, f"{self.name}/{kind}"
            )
            difference = ops.cast(
                batch.logits[kind] - function(changed, kind), "float32"
            )
            rows = ops.reshape(difference, (ops.shape(difference)[0], -1))
            weight = schedules.get(weight)(batch.images_seen)
            total = total + weight * ops.mean(ops.square(rows), axis=1)
        return total
