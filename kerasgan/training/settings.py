"""What `compile` was told: checked at once, saved with the model."""

import dataclasses
import math

import keras

from kerasgan import losses, schedules
from kerasgan.errors import unknown_name
from kerasgan.regularizers import Regularizer

_DEFAULT_OPTIMIZER = {"learning_rate": 2e-4, "beta_1": 0.5}  # DCGAN's.


@dataclasses.dataclass(frozen=True)
class Player:
    """One side of the game: the networks that it may change, and how."""

    name: str
    networks: tuple
    optimizer: keras.optimizers.Optimizer
    learning_rate: schedules.Schedule | None
    steps: int
    regularizers: tuple

    @property
    def variables(self):
        return [v for net in self.networks for v in net.trainable_variables]


class Settings:
    """Holds the arguments of `compile`, resolved.

    Not an object of a kind that Keras tracks, or it would save the optimizers
    a second time.

    Args:
        networks: {player: its networks}, in the order of their updates. Each
            `<player>_optimizer`, `<player>_learning_rate` and
            `<player>_steps` may be among the arguments.
        arguments: Those of `AdversarialModel.compile`, by name.
        of_players: Those that carry a player's name.
    """

    def __init__(self, networks, *, arguments, of_players):
        self.arguments = {**arguments, **of_players}
        self.loss = losses.get(arguments["loss"])
        self.regularizers = _checked(arguments["regularizers"])
        self.term_weights = dict(arguments["term_weights"] or {})
        self.half_life_images = _half_life(arguments["ema_half_life_images"])
        self.seed = _seed(arguments["seed"])
        self.gradient_accumulation_steps = _positive_integer(
            "gradient_accumulation_steps",
            arguments["gradient_accumulation_steps"],
            "parts",
        )
        self.loss_scale = _loss_scale(arguments["loss_scale"])
        kinds = ("optimizer", "learning_rate", "steps")
        known = {f"{player}_{kind}" for player in networks for kind in kinds}
        for name in of_players:
            if name not in known:
                raise unknown_name("argument of compile", name, known)
        self.players = tuple(
            Player(
                name,
                networks=tuple(networks[name]),
                optimizer=_optimizer(of_players.get(f"{name}_optimizer")),
                learning_rate=_rate(of_players.get(f"{name}_learning_rate")),
                steps=_positive_integer(
                    f"{name}_steps",
                    of_players.get(f"{name}_steps", 1),
                    "updates",
                ),
                # What there is to regularize is the discriminator.
                regularizers=self.regularizers
                if name == "discriminator"
                else (),
            )
            for name in networks
        )
        if len({id(p.optimizer) for p in self.players}) < len(self.players):
            raise ValueError(
                "Each player must have an optimizer of its own, since it "
                "keeps its moments there. Received one object for several."
            )

    def get_config(self):
        """The arguments of `compile` as plain data."""
        arguments = dict(self.arguments)
        for player in self.players:
            arguments[f"{player.name}_optimizer"] = player.optimizer
        arguments["loss"] = self.loss
        return {
            name: keras.saving.serialize_keras_object(value)
            for name, value in arguments.items()
        }


class ByMembership:
    """Tells a `MultiOptimizer` whose variable it is.

    Keras' own map goes by a variable's path, which changes when a network is
    rebuilt from its configuration; every variable would silently fall to the
    default optimizer.
    """

    def __init__(self, players):
        self._players = players
        self._owner = {id(v): p for p in players for v in p.variables}

    def __call__(self, variable):
        return self._owner[id(variable)].optimizer

    def values(self):
        return [player.optimizer for player in self._players]


def _seed(seed):
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(
            f"`seed` must be an integer, 0 or more. Received: seed={seed!r}"
        )
    return seed


def _half_life(half_life_images):
    if not isinstance(half_life_images, schedules.Schedule):
        if not 0 <= half_life_images < math.inf:
            raise ValueError(
                "`ema_half_life_images` must be 0 or more. Received: "
                f"ema_half_life_images={half_life_images!r}"
            )
    return schedules.get(half_life_images)


def _optimizer(optimizer):
    if optimizer is None:
        return keras.optimizers.Adam(**_DEFAULT_OPTIMIZER)
    return keras.optimizers.get(optimizer)


def _rate(learning_rate):
    return None if learning_rate is None else schedules.get(learning_rate)


def _positive_integer(name, value, of_what):
    if not isinstance(value, int) or value < 1:
        raise ValueError(
            f"`{name}` must be a positive number of {of_what}. "
            f"Received: {name}={value!r}"
        )
    return value


def _loss_scale(loss_scale):
    if not 0 < loss_scale < math.inf:
        raise ValueError(
            "`loss_scale` must be positive, and a power of two to change "
            f"nothing in float32. Received: loss_scale={loss_scale!r}"
        )
    return float(loss_scale)


def _checked(regularizers):
    if not isinstance(regularizers, (list, tuple)):
        raise ValueError(
            "`regularizers` must be a list, such as [R1(weight=10.0)]. "
            f"Received: {regularizers!r}"
        )
    regularizers = tuple(regularizers)
    for regularizer in regularizers:
        if not isinstance(regularizer, Regularizer):
            raise ValueError(
                "`regularizers` must be a list of objects from "
                "`kerasgan.regularizers`, such as R1(weight=10.0). "
                f"Received: {regularizer!r}"
            )
    names = [regularizer.name for regularizer in regularizers]
    if len(set(names)) < len(names):
        raise ValueError(
            "`regularizers` must differ in kind: terms of one name would hide "
            f"each other. Received: {names}"
        )
    return regularizers
