"""What every recipe says: its data, its training, and how to build its model.

A recipe is a frozen dataclass. Its fields are plain values, so that it can be
written to a file, compared, and changed by `--set=field=value`.
"""

import abc
import dataclasses
import math
import types
import typing

from kerasgan.errors import unknown_name

# Which fields an augmenter has: `augmenter_<name>`. Here, since it takes Keras
# to ask the augmenter.
_AUGMENTERS = {
    "diffaugment": ("policy",),
    "ada": ("policy", "probability", "target", "images"),
    "apa": ("probability", "target", "images"),
}
# Slopes below 6e-8 are zero in float16, and above 65504 infinite.
_FLOAT16_SCALE = 2.0**10


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaseRecipe(abc.ABC):
    """The fields that all recipes share; each file adds its own."""

    task: typing.ClassVar[str] = "image generation"
    paper: typing.ClassVar[str]
    conditional: typing.ClassVar[bool] = False  # Needs labels.

    data: str = "digits"  # A tfds name, a folder, an archive, an .npz.
    data_dir: str | None = None  # Where tfds keeps its datasets.
    split: str = "train"
    size: tuple[int, int] | None = None  # Height, width; None: the data's own.
    channels: int | None = None  # 1, 3 or 4; None: the data's own.
    crop: bool = True  # To the wanted shape, from the centre; else stretch.
    flip: bool = False  # Half of the images, left to right.
    rotate_degrees: float = 0.0  # At most, either way.
    translate: float = 0.0  # At most, as a share of the size.
    zoom: float = 0.0  # At most, as a share: 0.1 is 0.9 to 1.1 times.

    augmenter: str | None = None  # "diffaugment", "ada", "apa": in the step.
    # None is the augmenter's own.
    augmenter_policy: str | None = None  # What it does.
    augmenter_probability: float | None = None  # Of "ada", "apa": fixed,
    augmenter_target: float | None = None  # or else adapted to this mean sign
    augmenter_images: int | None = None  # of logits, so fast (from 0 to 1).

    start_from: str | None = None  # A run's folder, or a `.keras` file.
    frozen_stages: int = 0  # Of the discriminator, from the image on.

    loss: str = "non_saturating"
    total_images: int = 250_000
    batch_size: int = 64  # Of one step, all discriminator updates together.
    gradient_accumulation_steps: int = 1  # Parts of a batch too big at once.
    seed: int = 0
    discriminator_steps: int = 1
    optimizer: str = "adam"  # Or "rmsprop", which has a rho and no betas.
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    rate_decay_images: int | None = None  # Until both are 0, in a line.
    beta_1: float = 0.5
    beta_2: float = 0.999
    rho: float = 0.9
    epsilon: float = 1e-7  # RMSprop's is added inside the root.
    ema_half_life_images: int = 5_000
    mixed_precision: str = "off"  # "bfloat16", "float16": weights stay float32.
    jit_compile: str = "auto"  # XLA: "auto", "on", "off".
    synchronized_batch_norm: bool = True  # Over all devices; XLA needs False.

    sample_every: int = 25_000  # Images between two grids of samples.
    log_every: int = 5_000  # Images between two lines of metrics.jsonl.
    checkpoint_seconds: float = 30.0

    metrics: tuple[str, ...] = ()  # Protocols, measured during training.
    evaluate_every: int = 50_000  # Images between two measurements.
    best_by: str | None = None  # Of `metrics`, keeps the best; None: the first.

    # May change from one start of a run to the next.
    _FREE: typing.ClassVar[frozenset] = frozenset(
        {
            # Where the data lie; `data_fingerprint` says what they are.
            "data",
            "data_dir",
            # What fits the hardware: rounding, and batch norm's parts.
            "jit_compile",
            "gradient_accumulation_steps",
            "total_images",
            "rate_decay_images",
            "sample_every",
            "log_every",
            "checkpoint_seconds",
            "metrics",
            "evaluate_every",
            "best_by",
        }
    )
    _POSITIVE: typing.ClassVar[tuple] = (
        "total_images",
        "batch_size",
        "gradient_accumulation_steps",
        "discriminator_steps",
        "generator_learning_rate",
        "discriminator_learning_rate",
        "epsilon",
        "sample_every",
        "log_every",
        "checkpoint_seconds",
        "evaluate_every",
        "width",
        "latent_size",
        "label_width",
        "clip",
        "penalty",
        "final_penalty",
        "final_learning_rate",
        "decay_images",
        "max_width",
        "group_size",
        "blocks",
    )
    _CHOICES: typing.ClassVar[dict] = {
        "jit_compile": ("auto", "on", "off"),
        "mixed_precision": ("off", "bfloat16", "float16"),
        "optimizer": ("adam", "rmsprop"),
    }
    _SHARES: typing.ClassVar[tuple] = (
        "beta_1",
        "beta_2",
        "rho",
        "final_beta_2",
        "final_augmentation",
        "dropout",
        "translate",
        "zoom",
    )

    def __post_init__(self):
        for name in self._POSITIVE:
            value = getattr(self, name, None)
            if value is not None and not 0 < value < math.inf:
                raise _out_of_range(self, name, "positive")
        for name in self._SHARES:
            if not 0 <= getattr(self, name, 0) < 1:
                raise _out_of_range(self, name, "in [0, 1)")
        if self.ema_half_life_images < 0:
            raise _out_of_range(self, "ema_half_life_images", "0 or more")
        if not 0 <= self.rotate_degrees <= 180:
            raise _out_of_range(self, "rotate_degrees", "in [0, 180]")
        if not 0 <= self.seed < 2**32:
            raise _out_of_range(self, "seed", "in [0, 2**32)")
        if self.channels not in (None, 1, 3, 4):
            raise _out_of_range(self, "channels", "1, 3 or 4")
        for name, known in self._CHOICES.items():
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        if self.frozen_stages and self.start_from is None:
            raise _out_of_range(self, "frozen_stages", "0 without `start_from`")
        if self.size is not None and min(self.size) < 1:
            raise _out_of_range(self, "size", "positive")
        self._check_augmenter()
        if (self.rate_decay_images or math.inf) < self.total_images:
            raise ValueError(
                "`rate_decay_images` must not be less than `total_images`: "
                "nothing is learned at a rate of 0. Received: "
                f"rate_decay_images={self.rate_decay_images}, "
                f"total_images={self.total_images}"
            )
        if self.batch_size < self.discriminator_steps:
            raise ValueError(
                "`batch_size` must hold an image for each of the "
                "`discriminator_steps`, which share it. Received: "
                f"batch_size={self.batch_size}, "
                f"discriminator_steps={self.discriminator_steps}"
            )
        parts = self.gradient_accumulation_steps
        if parts > 1 and self.batch_size % (parts * self.discriminator_steps):
            raise ValueError(
                "`batch_size` must be a multiple of `discriminator_steps` "
                "times `gradient_accumulation_steps`. Received: "
                f"batch_size={self.batch_size}, "
                f"discriminator_steps={self.discriminator_steps}, "
                f"gradient_accumulation_steps={parts}"
            )

    def _check_augmenter(self):
        """Raises if a field is of no use to the augmenter."""
        if self.augmenter not in (None, *_AUGMENTERS):
            raise unknown_name("augmenter", self.augmenter, _AUGMENTERS)
        known = _AUGMENTERS.get(self.augmenter, ())
        if self.augmenter_probability is not None:  # Fixed.
            known = [n for n in known if n not in ("target", "images")]
        for name in ("policy", "probability", "target", "images"):
            value = getattr(self, f"augmenter_{name}")
            if value is not None and name not in known:
                raise ValueError(
                    f"`augmenter_{name}` must be None where nothing reads it. "
                    f"Received: augmenter_{name}={value!r}, with "
                    f"augmenter={self.augmenter!r} and augmenter_probability="
                    f"{self.augmenter_probability!r}"
                )

    @abc.abstractmethod
    def build(self, image_shape, classes):
        """A compiled model for images (height, width, channels) in [-1, 1]."""

    @property
    def name(self):
        return type(self).__module__.rpartition(".")[2]

    def regularizers(self):
        """Objects for `compile`, made from this recipe's fields."""
        return []

    def compile(self, gan, **arguments):
        """Compiles a `GANModel` as the fields say -> the model.

        Args:
            **arguments: Others, or in place of what a field says.
        """
        from kerasgan.layers import normalization

        normalization.synchronize(gan, self.synchronized_batch_norm)
        jit_compile = {"auto": "auto", "on": True, "off": False}
        halves = self.mixed_precision == "float16"
        of_fields = {
            "generator_optimizer": self._optimizer(
                self.generator_learning_rate
            ),
            "discriminator_optimizer": self._optimizer(
                self.discriminator_learning_rate
            ),
            "generator_learning_rate": self._falling(
                self.generator_learning_rate
            ),
            "discriminator_learning_rate": self._falling(
                self.discriminator_learning_rate
            ),
            "loss": self.loss,
            "regularizers": self.regularizers(),
            "augmenter": self._augmenter(),
            "discriminator_steps": self.discriminator_steps,
            "discriminator_frozen_stages": self.frozen_stages,
            "ema_half_life_images": self._half_life(),
            "seed": self.seed,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
            "loss_scale": _FLOAT16_SCALE if halves else 1.0,
            "jit_compile": jit_compile[self.jit_compile],
        }
        gan.compile(**of_fields | arguments)
        return gan

    def _half_life(self):
        """A number begins from nothing; an average that is there, does not."""
        if self.start_from is None:
            return self.ema_half_life_images
        from kerasgan.schedules import Constant

        return Constant(self.ema_half_life_images)

    def _augmenter(self):
        from kerasgan import augment

        arguments = {
            "policy": self.augmenter_policy,
            "probability": self.augmenter_probability,
            "target": self.augmenter_target,
            "images_to_one": self.augmenter_images,
        }
        given = {k: v for k, v in arguments.items() if v is not None}
        return augment.get(self.augmenter, **given)

    def _optimizer(self, learning_rate):
        from keras import optimizers

        if self.optimizer == "rmsprop":
            return optimizers.RMSprop(
                learning_rate, rho=self.rho, epsilon=self.epsilon
            )
        return optimizers.Adam(
            learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )

    def _falling(self, learning_rate):
        """The rate's schedule, if it has one."""
        if self.rate_decay_images is None:
            return None
        from kerasgan.schedules import Linear

        return Linear(learning_rate, 0.0, over_images=self.rate_decay_images)

    def to_dict(self):
        """Name and fields, as JSON holds them."""
        fields = dataclasses.asdict(self)
        for name, value in fields.items():
            fields[name] = list(value) if isinstance(value, tuple) else value
        return {"recipe": self.name, **fields}

    def from_dict(self, values):
        """The recipe with the fields that a `to_dict()` held."""
        fields = {field.name for field in dataclasses.fields(self)}
        known = {name: values[name] for name in fields & set(values)}
        for name, value in known.items():
            known[name] = tuple(value) if isinstance(value, list) else value
        return self.replace(**known)

    def replace(self, **values):
        return dataclasses.replace(self, **values)

    def override(self, texts):
        """{"field": "text"} -> the recipe with these values, of their types."""
        hints = typing.get_type_hints(type(self))
        fields = [field.name for field in dataclasses.fields(self)]
        values = {}
        for name, text in texts.items():
            if name not in fields:
                raise unknown_name("field", name, fields)
            values[name] = parse(name, text, hints[name])
        return self.replace(**values)


def differences(old, new):
    """What two `to_dict()` say otherwise, and may not, as lines of text."""
    # A field that the older one does not know did not change it.
    from kerasgan import recipes

    known = (
        recipes.module(new["recipe"]).Recipe if "recipe" in new else BaseRecipe
    )
    defaults = {f.name: f.default for f in dataclasses.fields(known)}
    old = {**{name: defaults[name] for name in defaults & new.keys()}, **old}
    names = sorted((set(old) | set(new)) - BaseRecipe._FREE)
    return [
        f"{name}: {old.get(name)!r} before, {new.get(name)!r} now"
        for name in names
        if old.get(name) != new.get(name)
    ]


def parse(name, text, kind):
    """A value of the annotated type `kind`, from text.

    Sizes are "64" or "96x64" (height x width), names "a,b"; "none" is None
    where a field may be None.
    """
    options = typing.get_args(kind) if _is_union(kind) else (kind,)
    if type(None) in options and text.lower() == "none":
        return None
    kind = next(option for option in options if option is not type(None))
    try:
        if typing.get_args(kind)[:1] == (str,):
            return tuple(part.strip() for part in text.split(",") if part)
        if typing.get_origin(kind) is tuple:
            sides = [int(side) for side in text.lower().split("x")]
            height, width = sides if len(sides) == 2 else sides * 2
            return (height, width)
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is int:
            return int(text.replace("_", "").replace(",", ""))
        return kind(text)
    except (ValueError, KeyError) as error:
        examples = {bool: "true or false", int: "a whole number"}
        wanted = examples.get(kind, "a number")
        if typing.get_origin(kind) is tuple:
            wanted = "a size such as 64 or 96x64 (height x width)"
        raise ValueError(
            f"`{name}` must be {wanted}. Received: {name}={text!r}"
        ) from error


def _is_union(kind):
    return isinstance(kind, types.UnionType) or (
        typing.get_origin(kind) is typing.Union
    )


def _out_of_range(recipe, name, rule):
    return ValueError(
        f"`{name}` must be {rule}. Received: {name}={getattr(recipe, name)!r}"
    )
