"""Adaptive pseudo augmentation (Jiang et al. 2021): some fakes count as real."""

import dataclasses

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import random
from kerasgan.augment.augmenter import AdaptiveAugmenter


@register_keras_serializable(package="kerasgan.augment")
@dataclasses.dataclass(frozen=True)
class APA(AdaptiveAugmenter):
    """Shows the discriminator generated samples as real ones, now and then.

    With the probability, a real sample gives way to the generated one of its
    row (so of its class), which deceives a discriminator that is too sure.
    Samples of any kind. Jiang et al. 2021, https://arxiv.org/abs/2111.06849.

    Differs from the paper: there the generated samples are of a buffer.
    """

    def replaced(self, batch):
        """In the discriminator's update alone, as in the paper."""
        if batch.player != "discriminator" or not batch.training:
            return batch
        shape = (1,) * (len(batch.real.shape) - 1)
        gate = random.uniform(
            batch.numbers, shape, seed=batch.seed, purpose="apa/gate"
        )
        pseudo = ops.less(gate, self.probability_of(batch))
        return batch.replace(
            real=ops.where(pseudo, ops.stop_gradient(batch.fake), batch.real)
        )
