"""The one adversarial training step, which every GAN plugs into.

For each player in order, for each of its updates: sample a batch, evaluate the
player's objective, differentiate, apply. Then average the generator and count
the images. What is played for is a task model's affair: see `gan.py`.
"""

import abc
import dataclasses
import functools
from typing import Any

import keras
from keras import ops

from kerasgan import devices, gradients
from kerasgan.errors import unknown_name
from kerasgan.layers import spectral
from kerasgan.training import averaging, dropout, examples, replicas
from kerasgan.training.settings import ByMembership, Settings


@dataclasses.dataclass(frozen=True)
class Batch:
    """What one update sees. A task model fills in what its objectives need."""

    images_seen: Any  # int [], before this step
    step: Any  # int [], how many steps came before
    seed: int
    training: bool
    player: str = ""  # Whose update it is for
    numbers: Any = None  # int [batch], the rows' places among all images
    images: Any = None  # int, of this step on all replicas
    real: Any = None
    fake: Any = None
    logits: Any = None  # {"real", "fake"}, for the discriminator's penalties
    generated: Any = None  # A function: other latents -> fake samples
    latents: Any = None
    labels: Any = None
    # {player: {name: [batch, ...]}}, what its network draws in training.
    draws: Any = dataclasses.field(default_factory=dict)
    # {"<regularizer>/<name>": variable}, what regularizers and the augmenter
    # keep.
    state: Any = dataclasses.field(default_factory=dict)
    # Their values before this step: a penalty's scope knows no variables.
    kept: Any = dataclasses.field(default_factory=dict)

    def replace(self, **values):
        return dataclasses.replace(self, **values)


class AdversarialModel(keras.Model, abc.ABC):
    """Trains networks against each other with `compile` and `fit`.

    A task model gives what is abstract here, and for each player an objective
    `<player>_objective(batch) -> {term: float32 [batch]}`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # Schedules, intervals and every random draw follow from this count.
        self.images_seen = self.add_weight(
            name="images_seen", shape=(), dtype="int", trainable=False
        )
        self._step_sizes = set()
        self._kept = {}

    # So many rows of a batch are of no use without each other.
    rows_together = 1
    # Terms that do not weigh 1, unless `compile` says so; 0 is logged only.
    default_term_weights = {}

    @property
    @abc.abstractmethod
    def networks(self):
        """{player: (network, ...)}, in the order of the players' updates."""

    @property
    @abc.abstractmethod
    def averages(self):
        """Pairs (network, its averaged clone)."""

    @property
    @abc.abstractmethod
    def data_spec(self):
        """A batch of data as `KerasTensor`s, such as `fit` will be given."""

    @abc.abstractmethod
    def sample_batch(self, data, player, batch):
        """Data, the `Player`, a `Batch` with numbers -> with all it needs."""

    @abc.abstractmethod
    def generate(self, count, **conditions):
        """So many samples from the averaged generator, as a NumPy array."""

    def compile(
        self,
        *,
        loss="non_saturating",
        label_loss="classification",
        regularizers=(),
        augmenter=None,
        term_weights=None,
        ema_half_life_images=10_000,
        schedules=None,
        seed=0,
        gradient_accumulation_steps=1,
        loss_scale=1.0,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        **of_players,
    ):
        """Prepares for `fit`; task models document the arguments."""
        self.settings = Settings(
            self.networks,
            arguments={
                "loss": loss,
                "label_loss": label_loss,
                "regularizers": regularizers,
                "augmenter": augmenter,
                "term_weights": term_weights,
                "ema_half_life_images": ema_half_life_images,
                "schedules": schedules,
                "seed": seed,
                "gradient_accumulation_steps": gradient_accumulation_steps,
                "loss_scale": loss_scale,
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
            },
            of_players=of_players,
        )
        # Around a strategy's replicas, XLA cannot be: each compiles its own.
        compiles = not run_eagerly and devices.compiles(jit_compile)
        self._jit_replicas = compiles and devices.has_strategy()
        replicas.check(self.settings, self._jit_replicas)
        self.settings.add_state(self, self._kept)
        super().compile(
            # One object: Keras saves, restores and passes on just one.
            optimizer=keras.optimizers.MultiOptimizer(
                ByMembership(self.settings.players)
            ),
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=compiles and not self._jit_replicas,
            auto_scale_loss=False,
        )
        self.optimizer.build(
            [v for player in self.settings.players for v in player.variables]
        )
        self._means = self._means_of_terms()

    def train_step(self, *arguments):
        """One update of every player, or several: what `fit` repeats."""
        return gradients.run_step(self, self._train, arguments)

    def test_step(self, *arguments):
        """Losses and logits on held-out data: what `evaluate` repeats."""
        return gradients.run_step(self, self._test, arguments)

    def _train(self, data):
        logs = {}
        images = devices.total(_rows(data))
        batch = self._empty_batch(images)
        devices.assign(self.settings.scheduled(self.averages, batch))
        for player in self.settings.players:
            for update in range(player.steps):
                part = functools.partial(
                    self._part, data, player, batch, update
                )
                logs |= self._update(player, batch, part)
        devices.assign(self.settings.augmenter.adapted(batch, logs))
        self._step_sizes.add(images if isinstance(images, int) else None)
        for network, average in self.averages:
            averaging.update(
                network,
                average,
                images=images,
                half_life_images=self.settings.half_life_images(
                    self.images_seen
                ),
            )
        seen = self.images_seen + ops.cast(images, self.images_seen.dtype)
        devices.assign([(self.images_seen, seen)])
        for name, mean in self._means.items():
            mean.update_state(logs[name])
        return devices.reported({name: logs[name] for name in self._means})

    def _update(self, player, batch, part):
        """Changes the player's networks once -> its logs.

        By the mean of what each part of the batch asks for: `part(index)`.
        """
        moves = spectral.moves(player.networks)
        (_, logs), slopes, writes = gradients.mean_over(
            self.settings.gradient_accumulation_steps,
            lambda i, earlier: self._differentiate(player, part(i), earlier),
        )
        # Of layers whose statistics are of a replica's own part.
        writes = devices.averaged(writes)
        player.apply(slopes, batch.images_seen)
        for regularizer in player.regularizers:
            writes += regularizer.limits(player.variables, batch)
        devices.assign([*moves, *writes])
        return logs

    def _differentiate(self, player, batch, earlier):
        """The player's loss, its slopes and its writes: see `gradients`."""
        return gradients.of_variables(
            lambda: self._evaluate(player, batch),
            player.variables,
            state=self.weights,
            temporary=dropout.states(
                self.settings.players, batch, purpose=player.name
            ),
            scale=self.settings.loss_scale,
            wait_for=earlier,
            jit_compile=self._jit_replicas,
        )

    def _evaluate(self, player, batch):
        """The scalar that the player minimises on this replica, and its logs.

        A term of weight 0 is logged only.
        """
        terms = getattr(self, f"{player.name}_objective")(batch)
        logs = {f"{player.name}_{t}": ops.mean(terms[t]) for t in terms}
        weights = {
            name: weight for name in logs if (weight := self.term_weight(name))
        }
        loss = ops.zeros(())
        for name, weight in weights.items():
            loss += weight * logs[name]
        # Optimizers add up the gradients of replicas.
        return loss / devices.replica_count(), {
            f"{player.name}_loss": loss,
            **logs,
        }

    def term_weight(self, name):
        """What the term "<player>_<term>" counts in its player's loss."""
        default = self.default_term_weights.get(name, 1.0)
        return self.settings.term_weights.get(name, default)

    def _repeated_names(self, terms):
        """Terms that are all of their player's loss, and so not logged."""
        for player in self.settings.players:
            prefix = f"{player.name}_"
            weights = {
                name: weight
                for name in terms
                if name.startswith(prefix)
                and (weight := self.term_weight(name))
            }
            if list(weights.values()) == [1.0]:
                yield from weights

    def _means_of_terms(self):
        """{log: its `Mean`}, from a symbolic step: mistakes show before work."""
        names = _Step(self).compute_output_spec(self.data_spec)
        terms = {n for n in names if not n.endswith("_loss")}
        for name in self.settings.term_weights:
            if name not in terms:
                raise unknown_name("term_weights", name, terms)
        repeated = set(self._repeated_names(terms))
        return {n: keras.metrics.Mean(n) for n in names if n not in repeated}

    def _test(self, data):
        logs = {}
        empty = self._empty_batch(devices.total(_rows(data)), training=False)
        for player in self.settings.players:
            batch = self._sample(data, player, empty)
            logs |= self._evaluate(player, batch)[1]
        # Penalties belong to training, and are not among them.
        means = {n: mean for n, mean in self._means.items() if n in logs}
        for name, mean in means.items():
            mean.update_state(logs[name])
        return devices.reported(
            {name: mean.result() for name, mean in means.items()}
        )

    def _part(self, data, player, batch, update, index):
        """A part of an update's batch: its share of the data, by stride."""
        updates = self._most_updates
        parts = self.settings.gradient_accumulation_steps
        if parts > 1 or devices.replica_count() > 1:
            examples.check_divides(data, self.batch_multiple)
        stride = updates * parts
        start = update + updates * index
        return self._sample(data, player, batch, start, stride)

    def _sample(self, data, player, batch, start=0, stride=1):
        """The batch that a player makes of `data[start::stride]`."""
        data = _map(ops.convert_to_tensor, data)
        rows = _rows(data)
        places = ops.arange(rows, dtype="int32")
        if stride > 1:
            places, data = _map(
                lambda x: _every(x, start, stride), (places, data)
            )
        seen = batch.images_seen
        # Where a batch does not divide, the first replicas have one row more.
        count = devices.replica_count()
        most = (batch.images + count - 1) // count
        first = seen + ops.cast(devices.replica_index() * most, seen.dtype)
        numbers = devices.spread(first + ops.cast(places, seen.dtype))
        batch = batch.replace(numbers=numbers, player=player.name)
        return self.sample_batch(data, player, batch)

    def _empty_batch(self, images, training=True):
        """What all batches of a step have in common."""
        seen = ops.convert_to_tensor(self.images_seen.value)
        return Batch(
            images=images,
            images_seen=seen,
            step=seen // ops.cast(images, seen.dtype),
            seed=self.settings.seed,
            training=training,
            state=dict(self._kept),
            kept={
                name: ops.convert_to_tensor(variable.value)
                for name, variable in self._kept.items()
            },
        )

    def _maybe_symbolic_build(self, *args, **kwargs):
        # All is built. Keras would take a batch to build from, which under
        # several workers it can only if that is a single tensor.
        del args, kwargs

    @property
    def batch_multiple(self):
        """Of which a device's batch is a multiple where it is one of several.

        So all updates, parts and replicas see as many images, and each once.
        """
        parts = self.settings.gradient_accumulation_steps
        return self._most_updates * parts * self.rows_together

    @property
    def _most_updates(self):
        return max(player.steps for player in self.settings.players)

    @property
    def uses_xla(self):
        """Whether XLA compiles a step, or what each replica does by itself."""
        return self.jit_compile or self._jit_replicas

    @property
    def images_per_step(self):
        """For callbacks; None if steps differ in it, or none was traced."""
        return min(self._step_sizes) if len(self._step_sizes) == 1 else None

    @property
    def metrics(self):
        return list(getattr(self, "_means", {}).values())

    def get_compile_config(self):
        return self.settings.get_config() if self.compiled else None

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))


class _Step(keras.Operation):
    """What a step evaluates, for Keras to trace: data -> logs."""

    def __init__(self, model):
        super().__init__()
        self._model = model

    def call(self, data):
        logs = {}
        empty = self._model._empty_batch(_rows(data))
        for player in self._model.settings.players:
            batch = self._model._sample(data, player, empty)
            logs |= self._model._evaluate(player, batch)[1]
        return logs


def _map(function, data):
    # `train_on_batch` passes None for labels that it was not given.
    return keras.tree.map_structure(function, data, none_is_leaf=False)


def _rows(data):
    """The number of examples: an integer, or a tensor where it varies."""
    return devices.at_least_one(ops.shape(keras.tree.flatten(data)[0])[0])


def _every(x, start, stride):
    """x[start::stride], of rows // stride rows whatever the start.

    A batch with fewer rows than the stride lends its rows repeatedly.
    """
    rows = _rows(x)
    larger = max if isinstance(rows, int) else ops.maximum
    # Cut, not gathered: devices that share the rows have theirs at hand.
    return x[start % rows :: stride][: larger(rows // stride, 1)]
