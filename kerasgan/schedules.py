"""Values as functions of images seen, for rates, weights and half-lives."""

import abc
import dataclasses
import math

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan.serialization import Saveable


class Schedule(Saveable, abc.ABC):
    """A number that changes while training proceeds.

    Counted in images, so that it survives another batch size.
    """

    @abc.abstractmethod
    def __call__(self, images_seen):
        """Images seen [] -> float32 []."""


@register_keras_serializable(package="kerasgan.schedules")
@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """Always the same value."""

    value: float

    def __call__(self, images_seen):
        del images_seen
        return ops.convert_to_tensor(self.value, dtype="float32")


@register_keras_serializable(package="kerasgan.schedules")
@dataclasses.dataclass(frozen=True)
class Linear(Schedule):
    """Goes in a straight line from `start` to `end`, and stays on either side.

    Args:
        start: The value until `from_images`.
        end: The value after `from_images + over_images`.
        over_images: How many images the way takes.
        from_images: How many images come before it.
    """

    start: float
    end: float
    over_images: int
    from_images: int = 0

    def __post_init__(self):
        if self.over_images <= 0:
            raise ValueError(
                "`over_images` must be positive. "
                f"Received: over_images={self.over_images}"
            )

    def __call__(self, images_seen):
        way = ops.cast(images_seen - self.from_images, "float32")
        share = ops.clip(way / self.over_images, 0.0, 1.0)
        return self.start + (self.end - self.start) * self._shape(share)

    def _shape(self, share):
        return share


@register_keras_serializable(package="kerasgan.schedules")
@dataclasses.dataclass(frozen=True)
class Cosine(Linear):
    """Like `Linear`, but leaves and arrives gently, on half a cosine wave."""

    def _shape(self, share):
        return (1.0 - ops.cos(math.pi * share)) / 2.0


def get(value):
    """A `Schedule`, from itself or from a number."""
    if isinstance(value, Schedule):
        return value
    return Constant(float(value))
