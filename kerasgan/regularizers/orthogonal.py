"""Orthogonal regularization of weights."""

import dataclasses

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import schedules
from kerasgan.regularizers.regularizer import Regularizer
from kerasgan.schedules import Schedule


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class Orthogonal(Regularizer):
    """Filters differ from each other, and are as long as they like.

        weight * |W^T W * (1 - I)|^2  summed over kernels W [inputs, outputs]

    Brock et al. 2019, equation 3, https://arxiv.org/abs/1809.11096: so that
    truncated latents still give images.

    Args:
        player: Whose kernels: those of two axes or more, but embeddings.
    """

    weight: float | Schedule = 1e-4
    player: str = "generator"

    def terms(self, network, function, batch):
        """The weighted sum, the same for all rows, float32 [batch]."""
        del function
        weight = schedules.get(self.weight)(batch.images_seen)
        total = sum(
            _overlaps(variable)
            for variable in network.trainable_variables
            if len(variable.shape) > 1 and "embed" not in variable.path
        )
        rows = ops.ones_like(batch.numbers, dtype="float32")
        return {self.name: rows * weight * total}


def _overlaps(kernel):
    """The squared inner products of different filters, float32 []."""
    filters = ops.reshape(ops.cast(kernel, "float32"), (-1, kernel.shape[-1]))
    products = ops.matmul(ops.transpose(filters), filters)
    return ops.sum(ops.square(products * (1.0 - ops.eye(kernel.shape[-1]))))
