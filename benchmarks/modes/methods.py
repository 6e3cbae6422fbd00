"""What is compared: losses, penalties, packing and the like, by `GANModel`s.

Every method trains with its task's networks, Adam and number of generator
steps, but for what its paper demands: `describe` says each setting whole.
"""

import dataclasses

import keras

import kerasgan
from kerasgan import schedules
from kerasgan.regularizers import (
    DRAGAN,
    R1,
    R2,
    GradientPenalty,
    WeightClipping,
)

UNROLLING_RATE = 0.02


@dataclasses.dataclass(frozen=True)
class Method:
    """One row of the table.

    Args:
        title: As the table has it.
        loss: Of `GANModel.compile`.
        regularizers: Pairs (class, weight).
        weight_on_images: What their weights are on stacked digits.
        packing: Of `GANModel`.
        unrolling: Of `UnrolledGANModel`, in its place.
        minibatch_std: Whether the discriminator's last layer sees one.
        discriminator_steps: Each has a batch of its own.
        rmsprop_rate: Of RMSprop for both, in the place of Adam.
        steps: The generator's, in the place of the task's.
        one_seed: Only the first of `--seeds`, since a run takes longer.
    """

    title: str
    loss: str = "non_saturating"
    regularizers: tuple = ()
    weight_on_images: float | None = None
    packing: int = 1
    unrolling: int = 0
    minibatch_std: bool = False
    discriminator_steps: int = 1
    rmsprop_rate: float | None = None
    steps: int | None = None
    one_seed: bool = False

    def regularizers_on(self, task):
        weight = None if task.plane else self.weight_on_images
        return [
            kind(default if weight is None else weight)
            for kind, default in self.regularizers
        ]

    def describe(self, task):
        """All that sets this method's runs on a task apart, as text."""
        parts = [self.loss.replace("_", " ")]
        parts += [
            f"{type(r).__name__}({r.weight:g})"
            for r in self.regularizers_on(task)
        ]
        if self.packing > 1:
            parts.append(f"packing {self.packing}")
        if self.unrolling:
            parts.append(f"{self.unrolling} steps of {UNROLLING_RATE:g} ahead")
        if self.minibatch_std:
            parts.append("minibatch std")
        if self.discriminator_steps > 1:
            parts.append(f"{self.discriminator_steps} discriminator steps")
        if self.rmsprop_rate is not None:
            parts.append(f"RMSprop({self.rmsprop_rate:g})")
        if self.steps is not None:
            parts.append(f"{self.steps:,} steps")
        return ", ".join(parts)


METHODS = {
    "non_saturating": Method("non-saturating GAN"),
    "least_squares": Method("LSGAN", loss="least_squares"),
    "wgan": Method(
        "WGAN, clipping",
        loss="wasserstein",
        regularizers=((WeightClipping, 0.1),),
        discriminator_steps=5,
        rmsprop_rate=5e-4,
    ),
    "wgan_gp": Method(
        "WGAN-GP",
        loss="wasserstein",
        regularizers=((GradientPenalty, 0.1),),
        discriminator_steps=5,
        one_seed=True,
    ),
    "dragan": Method("DRAGAN", regularizers=((DRAGAN, 0.1),)),
    "hinge": Method("hinge", loss="hinge"),
    "hinge_r1": Method(
        "hinge + R1",
        loss="hinge",
        regularizers=((R1, 0.1),),
        weight_on_images=1.0,
    ),
    "pacgan2": Method("PacGAN2", packing=2),
    "pacgan3": Method("PacGAN3", packing=3),
    "relativistic_r1_r2": Method(
        "relativistic + R1 + R2",
        loss="relativistic",
        regularizers=((R1, 0.1), (R2, 0.1)),
        weight_on_images=1.0,
    ),
    "minibatch_std": Method("minibatch std", minibatch_std=True),
    "unrolled": Method("unrolled GAN", unrolling=5, one_seed=True),
}
STACKED = ("non_saturating", "pacgan2", "hinge_r1", "relativistic_r1_r2")


def model(task, method):
    """A `GANModel`, or one of its kind, with the task's networks."""
    networks = task.networks(method.packing, method.minibatch_std)
    if not method.unrolling:
        return kerasgan.GANModel(*networks, packing=method.packing)
    return kerasgan.UnrolledGANModel(
        *networks,
        unrolling=method.unrolling,
        unrolling_rate=UNROLLING_RATE,
        packing=method.packing,
    )


def train(task, method, *, steps, seed):
    """The same, trained by `compile` and `fit`."""
    keras.utils.set_random_seed(seed)
    gan = model(task, method)
    rows = task.batch_size * method.discriminator_steps
    rates = task.rates
    if method.rmsprop_rate is not None:
        rates = {player: method.rmsprop_rate for player in rates}
    gan.compile(
        _optimizer(task, method, rates["generator"]),
        _optimizer(task, method, rates["discriminator"]),
        loss=method.loss,
        regularizers=method.regularizers_on(task),
        discriminator_steps=method.discriminator_steps,
        **{
            f"{player}_learning_rate": schedules.Linear(
                rate, task.last_rate * rate, over_images=steps * rows
            )
            for player, rate in rates.items()
        },
        # In generator steps, so that it is the same for every method.
        ema_half_life_images=task.ema_half_life_steps * rows,
        seed=seed,
        steps_per_execution=min(task.steps_per_execution, steps),
    )
    gan.fit(task.dataset(steps, rows, seed), verbose=0)
    return gan


def _optimizer(task, method, rate):
    if method.rmsprop_rate is not None:
        return keras.optimizers.RMSprop(rate)
    return keras.optimizers.Adam(rate, *task.betas)
