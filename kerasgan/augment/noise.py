"""Instance noise: a blur between two distributions that do not meet."""

import dataclasses
from typing import ClassVar

from keras.saving import register_keras_serializable

from kerasgan import random, schedules
from kerasgan.augment.augmenter import Augmenter
from kerasgan.schedules import Schedule


@register_keras_serializable(package="kerasgan.augment")
@dataclasses.dataclass(frozen=True)
class InstanceNoise(Augmenter):
    """Adds normal noise to all that the discriminator sees, of any kind.

    Sønderby et al. 2017, section 4, https://arxiv.org/abs/1610.04490; usually
    it fades, as by `Linear(0.1, 0.0, over_images=...)`.

    Args:
        deviation: Of the noise, in the data's unit.
    """

    changes_images: ClassVar[bool] = True

    deviation: float | Schedule = 0.1

    def __post_init__(self):
        if not isinstance(self.deviation, Schedule) and self.deviation < 0:
            raise ValueError(
                "`deviation` must not be negative. "
                f"Received: deviation={self.deviation!r}"
            )

    def __call__(self, images, batch, purpose):
        noise = random.normal(
            batch.numbers,
            tuple(images.shape[1:]),
            seed=batch.seed,
            purpose=f"{purpose}/noise",
        )
        return images + schedules.get(self.deviation)(batch.images_seen) * noise
