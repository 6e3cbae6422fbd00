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


@register_keras_serializable(package="kerasgan.schedules")
@dataclasses.dataclass(frozen=True)
class Growth(Schedule):
    """The level of networks that grow: from `levels` down to 0 in stages.

    A stage trains for `stable_images` as it is, then fades the next one in
    over `fade_images`. Karras et al. 2018, appendix A,
    https://arxiv.org/abs/1710.10196; what a level is, says `layers/growing.py`.

    Args:
        levels: How many of the networks' finest stages are left out at first.
        stable_images: 0 fades from the first image.
        fade_images: 0 switches at once.
    """

    levels: int
    stable_images: int = 600_000
    fade_images: int = 600_000

    def __post_init__(self):
        for name in ("levels", "stable_images", "fade_images"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"`{name}` must be 0 or more. "
                    f"Received: {name}={getattr(self, name)}"
                )
        if self.stable_images + self.fade_images == 0:
            raise ValueError(
                "`stable_images` or `fade_images` must be positive. Received "
                "0 for both."
            )

    def __call__(self, images_seen):
        stage_images = self.stable_images + self.fade_images
        stages = images_seen // stage_images
        # Whole numbers up to here: float32 counts to 16 million only.
        faded = images_seen % stage_images - self.stable_images
        faded = ops.cast(faded, "float32") / max(self.fade_images, 1)
        level = self.levels - ops.cast(stages, "float32")
        return ops.maximum(level - ops.clip(faded, 0.0, 1.0), 0.0)


def get(value):
    """A `Schedule`, from itself or from a number."""
    if isinstance(value, Schedule):
        return value
    return Constant(float(value))
