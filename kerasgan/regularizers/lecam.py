"""LeCam regularization: logits stay near what the other side's have been."""

import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import devices, schedules
from kerasgan.regularizers.regularizer import Regularizer
from kerasgan.schedules import Schedule


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class LeCam(Regularizer):
    """Logits are pulled towards running means of the other side's.

        weight * (max(0, D(x) - a_fake)^2 + max(0, a_real - D(G(z)))^2)

    with a_real and a_fake running means of D(x) and D(G(z)), of all replicas:
    against overfitting, of few images. Tseng et al. 2021,
    https://arxiv.org/abs/2104.03310, as in the official code.

    Args:
        decay: What a running mean keeps in an update.
        from_images: Before so many have been seen the means follow at once,
            and the term is 0.
    """

    weight: float | Schedule = 0.3
    decay: float = 0.99
    from_images: int = 0
    name: ClassVar[str] = "lecam"
    synchronized: ClassVar[bool] = True
    state: ClassVar[dict] = {"real": 0.0, "fake": 0.0}

    def __post_init__(self):
        super().__post_init__()
        if self.every != 1:
            raise ValueError(
                "`every` must be 1: running means see all steps. "
                f"Received: every={self.every!r}"
            )

    def terms(self, network, function, batch):
        """The weighted distance; moves the means."""
        del network, function  # The logits are there.
        weight = schedules.get(self.weight)(batch.images_seen)
        started = batch.images_seen >= self.from_images
        follows = ops.logical_or(
            ops.equal(batch.step, 0), ops.logical_not(started)
        )
        kept = ops.where(follows, 0.0, self.decay)
        means = {}
        for kind, logits in batch.logits.items():
            logits = ops.stop_gradient(ops.cast(logits, "float32"))
            mean = devices.mean(logits, tuple(range(len(logits.shape))))
            variable = batch.state[f"{self.name}/{kind}"]
            means[kind] = kept * variable.value + (1.0 - kept) * mean
            variable.assign(means[kind])
        found = lecam(**batch.logits, means=means)
        return {self.name: ops.where(started, weight * found, 0.0)}


def lecam(*, real, fake, means):
    """Logits [batch, ...], {"real", "fake"} of running means -> [batch]."""
    above = ops.relu(ops.cast(real, "float32") - means["fake"])
    below = ops.relu(means["real"] - ops.cast(fake, "float32"))
    squares = ops.square(above) + ops.square(below)
    return ops.mean(ops.reshape(squares, (ops.shape(squares)[0], -1)), axis=1)
