"""What every regularizer is: a weight, an interval, a player."""

import abc
import dataclasses
import re
from typing import ClassVar

from keras import ops

from kerasgan import gradients
from kerasgan.schedules import Schedule
from kerasgan.serialization import Saveable


@dataclasses.dataclass(frozen=True)
class Regularizer(Saveable, abc.ABC):
    """Has a weight, and an interval in training steps.

    It acts as terms of a loss, or as limits on weights after an update.
    """

    # Whether it needs what other replicas see.
    synchronized = False

    weight: float | Schedule
    every: int = dataclasses.field(default=1, kw_only=True)

    player: ClassVar[str] = "discriminator"  # Whose networks it is about.
    # {name: what it starts from}: numbers that it keeps from step to step,
    # which the model holds and saves, as `batch.state["<regularizer>/<name>"]`.
    state: ClassVar[dict] = {}

    def __post_init__(self):
        for name in ("every", "shrink"):
            value = getattr(self, name, 1)
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"`{name}` must be a positive integer. "
                    f"Received: {name}={value!r}"
                )
        if not isinstance(self.weight, Schedule) and self.weight < 0:
            raise ValueError(
                "`weight` must not be negative. "
                f"Received: weight={self.weight!r}"
            )

    @property
    def name(self):
        """The term's name in logs: `GradientPenalty` -> gradient_penalty."""
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__)
        return name.lower()

    def terms(self, network, function, batch):
        """Terms of the player's loss, {name: float32 [batch]}.

        Args:
            network: The player's.
            function: What it does to its input [batch, ...], labels given; a
                discriminator may be told as which of "real" and "fake".
            batch: A `Batch` with what the player's objective has.
        """
        del network, function, batch
        return {}

    def lazily(self, network, batch, measure):
        """measure() -> float32 [batch], `every` times it or, between, zero.

        Its passes through the network leave nothing behind.
        """

        def measured():
            with gradients.without_writes(network):
                return self.every * measure()

        if self.every == 1:
            return measured()
        zeros = ops.zeros_like(batch.numbers, dtype="float32")
        return ops.cond(is_due(batch, self.every), measured, lambda: zeros)

    def limits(self, variables, batch):
        """Pairs (variable, the value it may have) after an update."""
        del variables, batch
        return []


def is_due(batch, every):
    return ops.equal(batch.step % every, 0)
