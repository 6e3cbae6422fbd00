"""What every augmenter is; and those whose strength follows from logits."""

import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import schedules
from kerasgan.schedules import Schedule
from kerasgan.serialization import Saveable


@register_keras_serializable(package="kerasgan.augment")
@dataclasses.dataclass(frozen=True)
class Augmenter(Saveable):
    """Shows images as they are: the one that others derive from."""

    # {name: what it starts from}: numbers that the model holds and saves for
    # it, as `batch.state["augmenter/<name>"]`.
    state: ClassVar[dict] = {}

    name: ClassVar[str] = "augmenter"

    # Whether images look otherwise to the discriminator.
    changes_images: ClassVar[bool] = False

    def check(self, sample_shape, packing):
        """Raises if samples of this shape, in packs, cannot be augmented."""
        del sample_shape, packing

    def check_loss(self, loss):
        """Raises if it cannot work with an adversarial loss."""
        del loss

    def __call__(self, images, batch, purpose):
        """Images [batch, h, w, c] -> the same shape, changed at random.

        Args:
            batch: A `Batch`, with the numbers of its images and the seed.
            purpose: What draws are for; one purpose gives the same changes.
        """
        del batch, purpose
        return images

    def replaced(self, batch):
        """A `Batch` with samples of both kinds -> what takes their place."""
        return batch

    def terms(self, batch):
        """{name: float32 [batch]}, which the discriminator logs."""
        del batch
        return {}

    def adapted(self, batch, logs):
        """Pairs (variable of the state, its new value), after an update.

        Args:
            logs: Means of the discriminator's terms.
        """
        del batch, logs
        return []


@dataclasses.dataclass(frozen=True)
class AdaptiveAugmenter(Augmenter):
    """An augmenter of a probability, which overfitting raises.

    The discriminator overfits as far as it calls more real images real than
    not: the mean sign of D(real). Karras et al. 2020, "Training generative
    adversarial networks with limited data", section 3,
    https://arxiv.org/abs/2006.06676.

    Args:
        probability: In [0, 1]: a number or a `Schedule`; None adapts it.
        target: Adapted, it rises while the mean sign is above, else it falls.
        images_to_one: So many images raise it from 0 to 1.
        every: Steps between two changes; signs are those of all of them, in
            each of the discriminator's last update.
    """

    # Of signs, steps and images: sums since the last change.
    state: ClassVar[dict] = {
        "probability": 0.0,
        "signs": 0.0,
        "steps": 0.0,
        "images": 0.0,
    }

    probability: float | Schedule | None = dataclasses.field(
        default=None, kw_only=True
    )
    target: float = dataclasses.field(default=0.6, kw_only=True)
    images_to_one: int = dataclasses.field(default=500_000, kw_only=True)
    every: int = dataclasses.field(default=4, kw_only=True)

    def __post_init__(self):
        fixed = self.probability
        if isinstance(fixed, (int, float)) and not 0 <= fixed <= 1:
            raise ValueError(
                "`probability` must be None or in [0, 1]. "
                f"Received: probability={fixed!r}"
            )
        if not -1 <= self.target <= 1:
            raise ValueError(
                "`target` must be in [-1, 1], a mean of signs. "
                f"Received: target={self.target!r}"
            )
        for name in ("images_to_one", "every"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"`{name}` must be a positive integer. "
                    f"Received: {name}={value!r}"
                )

    def probability_of(self, batch):
        """The probability in this step, float32 []."""
        if self.probability is None:
            return batch.kept[f"{self.name}/probability"]
        return schedules.get(self.probability)(batch.images_seen)

    def terms(self, batch):
        """The "augmentation" term: the probability, to see it change."""
        rows = ops.ones_like(batch.numbers, dtype="float32")
        return {"augmentation": rows * self.probability_of(batch)}

    def adapted(self, batch, logs):
        if self.probability is not None:
            return []
        variables = {
            name: batch.state[f"{self.name}/{name}"] for name in self.state
        }
        kept = {name: variable.value for name, variable in variables.items()}
        # Replicas have put their signs together by the next step, not before.
        due = kept["steps"] >= self.every
        mean = kept["signs"] / ops.maximum(kept["images"], 1.0)
        change = ops.sign(mean - self.target) * kept["images"]
        moved = kept["probability"] + change / self.images_to_one
        moved = ops.maximum(moved, 0.0)  # Above 1, all gates are open.
        images = ops.cast(batch.images, "float32")
        seen = {
            "signs": images * logs["discriminator_real_signs"],
            "steps": 1.0,
            "images": images,
        }
        found = {"probability": ops.where(due, moved, kept["probability"])}
        for name, value in seen.items():
            found[name] = ops.where(due, 0.0, kept[name]) + value
        return [(variables[name], found[name]) for name in found]

    def check_loss(self, loss):
        if self.probability is None and not loss.splits_at_zero:
            raise ValueError(
                "`augmenter` must have a `probability`, a number or a "
                "schedule, with a loss whose logits say nothing by their "
                f"sign. Received: augmenter={self!r}, and loss={loss!r}"
            )


def check_images(augmenter, sample_shape, packing, channels=None):
    """Raises if samples are not images by themselves.

    Args:
        channels: How many they may have; None: any.
    """
    right = len(sample_shape) == 3
    if channels is not None:
        right = right and sample_shape[-1] in channels
    if right and packing == 1:
        return
    of = f" of {' or '.join(map(str, channels))} channels" if channels else ""
    raise ValueError(
        f"`augmenter` must be None, or one that suits the samples: this one "
        f"changes single images{of}. Received: augmenter={augmenter!r}, "
        f"samples of shape {tuple(sample_shape)}, packing={packing}"
    )
