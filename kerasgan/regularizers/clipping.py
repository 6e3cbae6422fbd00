"""Limits to weights."""

import dataclasses

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import schedules
from kerasgan.regularizers.regularizer import Regularizer, is_due
from kerasgan.schedules import Schedule


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class WeightClipping(Regularizer):
    """The first WGAN: after an update, weights are cut to [-weight, weight].

    Arjovsky et al. 2017, algorithm 1, https://arxiv.org/abs/1701.07875.
    """

    weight: float | Schedule = 0.01

    def limits(self, variables, batch):
        """All of them, cut where they are due."""
        due = is_due(batch, self.every)
        limit = schedules.get(self.weight)(batch.images_seen)
        return [
            (v, ops.where(due, ops.clip(v.value, -limit, limit), v.value))
            for v in variables
        ]
