"""What `compile` was told: checked at once, saved with the model."""

import dataclasses
import math

import keras

from kerasgan import augment, devices, label_losses, losses, schedules
from kerasgan.errors import unknown_name
from kerasgan.regularizers import Regularizer
from kerasgan.training import averaging, freezing

_KINDS = ("optimizer", "learning_rate", "beta_2", "steps", "frozen_stages")
_DEFAULT_OPTIMIZER = {"learning_rate": 2e-4, "beta_1": 0.5}  # DCGAN's.


@dataclasses.dataclass(frozen=True)
class Player:
    """One side of the game: the networks that it may change, and how."""

    name: str
    networks: tuple
    optimizer: keras.optimizers.Optimizer
    learning_rate: schedules.Schedule | None
    beta_2: schedules.Schedule | None
    own_beta_2: float | None  # The optimizer's.
    steps: int
    regularizers: tuple

    @property
    def variables(self):
        return [v for net in self.networks for v in net.trainable_variables]

    def apply(self, slopes, images_seen):
        """Moves the variables once, at the rates that schedules say."""
        optimizer = self.optimizer
        if self.learning_rate is not None:
            rate = self.learning_rate(images_seen)
            devices.assign([(optimizer.learning_rate, rate)])
        if self.beta_2 is None:
            optimizer.apply(slopes, self.variables)
            return
        # Keras has a number there, which saving asks for: a compiled step
        # must leave none of its tensors behind.
        try:
            optimizer.beta_2 = self.beta_2(images_seen)
            optimizer.apply(slopes, self.variables)
        finally:
            optimizer.beta_2 = self.own_beta_2


class Settings:
    """Holds the arguments of `compile`, resolved.

    Not an object of a kind that Keras tracks, or it would save the optimizers
    a second time.

    Args:
        networks: {player: its networks}, in the order of their updates. Each
            `<player>_optimizer`, `<player>_learning_rate`,
            `<player>_beta_2`, `<player>_steps` and `<player>_frozen_stages`
            may be among the arguments.
        arguments: Those of `AdversarialModel.compile`, by name.
        of_players: Those that carry a player's name.
    """

    def __init__(self, networks, *, arguments, of_players):
        self.arguments = {**arguments, **of_players}
        self.loss = losses.get(arguments["loss"])
        self.label_loss = label_losses.get(arguments["label_loss"])
        self.regularizers = _checked(arguments["regularizers"], networks)
        self.augmenter = augment.get(arguments["augmenter"])
        for scored in (self.loss, self.label_loss):
            self.augmenter.check_loss(scored)
        self.term_weights = {
            **self.label_loss.term_weights,
            **(arguments["term_weights"] or {}),
        }
        self.half_life_images = averaging.half_life(
            arguments["ema_half_life_images"]
        )
        self.schedules = _schedules(arguments["schedules"], networks)
        self.seed = _seed(arguments["seed"])
        self.gradient_accumulation_steps = _positive_integer(
            "gradient_accumulation_steps",
            arguments["gradient_accumulation_steps"],
            "parts",
        )
        self.loss_scale = _loss_scale(arguments["loss_scale"])
        known = {f"{player}_{kind}" for player in networks for kind in _KINDS}
        for name in of_players:
            if name not in known:
                raise unknown_name("argument of compile", name, known)
        optimizers = {
            name: _optimizer(of_players.get(f"{name}_optimizer"))
            for name in networks
        }
        self.players = tuple(
            Player(
                name,
                networks=tuple(networks[name]),
                optimizer=optimizers[name],
                learning_rate=_rate(of_players.get(f"{name}_learning_rate")),
                beta_2=_rate(of_players.get(f"{name}_beta_2")),
                own_beta_2=getattr(optimizers[name], "beta_2", None),
                steps=_positive_integer(
                    f"{name}_steps",
                    of_players.get(f"{name}_steps", 1),
                    "updates",
                ),
                regularizers=tuple(
                    r for r in self.regularizers if r.player == name
                ),
            )
            for name in networks
        )
        for player in self.players:
            _check_beta_2(player)
        if len({id(p.optimizer) for p in self.players}) < len(self.players):
            raise ValueError(
                "Each player must have an optimizer of its own, since it "
                "keeps its moments there. Received one object for several."
            )
        # At last, for it lasts.
        freezing.freeze(
            networks,
            {
                name: of_players.get(f"{name}_frozen_stages", 0)
                for name in networks
            },
        )

    def scheduled(self, averages, batch):
        """Pairs (variable, its value now) of networks that schedules change.

        Of averages too: they are to show what training has come to.

        Args:
            averages: Pairs (network, its averaged clone).
        """
        networks = [net for p in self.players for net in p.networks]
        networks += [average for _, average in averages]
        return [
            (variables[name], schedule(batch.images_seen))
            for variables in (getattr(n, "scheduled", {}) for n in networks)
            for name, schedule in self.schedules.items()
            if name in variables
        ]

    def add_state(self, model, state):
        """Gives a model variables for what regularizers and augmenters keep.

        Args:
            state: {"<regularizer>/<name>": variable}, of an earlier `compile`
                too; it takes those that are new.
        """
        for owner in (*self.regularizers, self.augmenter):
            for name, start in owner.state.items():
                key = f"{owner.name}/{name}"
                if key in state:
                    continue
                state[key] = model.add_weight(
                    name=f"{owner.name}_{name}",
                    shape=(),
                    initializer=keras.initializers.Constant(start),
                    trainable=False,
                    autocast=False,
                    aggregation="mean",
                )

    def get_config(self):
        """The arguments of `compile` as plain data."""
        arguments = dict(self.arguments)
        for player in self.players:
            arguments[f"{player.name}_optimizer"] = player.optimizer
        arguments["loss"] = self.loss
        arguments["label_loss"] = self.label_loss
        arguments["augmenter"] = self.augmenter
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


def _schedules(given, networks):
    """{name: Schedule} for variables that networks name in `scheduled`."""
    known = {
        name
        for networks_of_player in networks.values()
        for network in networks_of_player
        for name in getattr(network, "scheduled", {})
    }
    for name in given or {}:
        if name not in known:
            raise unknown_name("schedules", name, known)
    return {name: schedules.get(v) for name, v in (given or {}).items()}


def _optimizer(optimizer):
    if optimizer is None:
        return keras.optimizers.Adam(**_DEFAULT_OPTIMIZER)
    return keras.optimizers.get(optimizer)


def _rate(learning_rate):
    return None if learning_rate is None else schedules.get(learning_rate)


def _check_beta_2(player):
    if player.beta_2 is not None and player.own_beta_2 is None:
        raise ValueError(
            f"`{player.name}_beta_2` must not be given to an optimizer that "
            f"has none. Received: {type(player.optimizer).__name__}"
        )


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


def _checked(regularizers, players):
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
        if regularizer.player not in players:
            raise ValueError(
                "`regularizers` must be about one of the players, "
                f"{', '.join(players)}. Received: {regularizer!r}, which is "
                f"about the {regularizer.player}"
            )
    names = [(r.player, r.name) for r in regularizers]
    if len(set(names)) < len(names):
        raise ValueError(
            "`regularizers` must differ in kind: terms of one name would hide "
            "each other. Received: "
            f"{', '.join(name for _, name in names)}"
        )
    return regularizers
