"""The real images of a measurement: what was learned from, and what was not."""

import dataclasses
import os
import re

from kerasgan import data as sources
from kerasgan.data import ImageData
from kerasgan.errors import UnknownSplit
from kerasgan.runs.preparation import load_data

_SHOWN = 20  # Names of classes in a message.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sides:
    """Real images for an `Evaluator`, and of which splits they are.

    Attributes:
        real: What the generator learned from.
        held_out: Images that it has not seen, or None.
        splits: {"train": of `real`, "test": of `held_out`}, as the data call
            them; None where they have none.
        source: Where the held-out images are, if that was named.
    """

    real: ImageData
    held_out: ImageData | None
    splits: dict
    source: str | None = None

    def named(self, record):
        """A record whose real images are of the splits that were loaded."""
        held_out = self._named(record.held_out)
        if held_out is not None and self.source is not None:
            held_out["source"] = self.source
        return dataclasses.replace(
            record, real=self._named(record.real), held_out=held_out
        )

    def _named(self, side):
        if side is None:
            return None
        return {**side, "split": self.splits.get(side.get("split"))}


def of_run(plan, data=None, data_dir=None, held_out=None):
    """A plan's training images, and unseen ones that are prepared as they are.

    Args:
        plan: A run's `Plan`.
        data, data_dir: Where they are now, if they moved.
        held_out: A source of the unseen ones; None is the data's test split.

    Raises:
        ValueError: The training images are not those of the run.
    """
    recipe = plan.recipe
    if data is not None:
        recipe = recipe.replace(data=data)
    if data_dir is not None:
        recipe = recipe.replace(data_dir=data_dir)
    real, found = load_data(recipe)
    if found.data_fingerprint != plan.data_fingerprint:
        raise ValueError(
            "The data must be what the run was trained on. Received: "
            f"{found.recipe.data!r}, whose images or preparation differ. Name "
            "the folder that has them, or measure samples of the run with "
            "`kerasgan evaluate --real=... --fake=...`"
        )
    return of_training(found, real, held_out)


def of_training(plan, real, held_out=None):
    """A plan's training images `real`, with unseen ones -> Sides."""
    recipe = plan.recipe
    unseen, split = _held_out(
        recipe.data,
        held_out,
        trained_on=recipe.split,
        data_dir=recipe.data_dir,
        size=plan.image_shape[:2],
        channels=plan.image_shape[2],
        crop=recipe.crop,
    )
    return Sides(
        real=real,
        held_out=unseen,
        splits={"train": recipe.split, "test": split},
        source=_address(held_out),
    )


def of_folders(real, held_out=None, *, data_dir=None, size=None, channels=None):
    """Any real images, with unseen ones -> Sides."""
    loaded = sources.load(real, data_dir=data_dir, size=size, channels=channels)
    unseen, split = _held_out(
        real,
        held_out,
        trained_on="train",
        data_dir=data_dir,
        size=loaded.image_shape[:2],
        channels=loaded.image_shape[2],
    )
    return Sides(
        real=loaded,
        held_out=unseen,
        # Folders mostly have none: "train" would say more than is known.
        splits={"train": None, "test": split},
        source=_address(held_out),
    )


def check_classes(metrics, real, **others):
    """Raises where classes are compared by number and are not the same ones.

    Args:
        metrics: Names of protocols.
        real: An `ImageData`.
        others: {argument: an `ImageData` or None}
    """
    if not any(name.startswith("cas") for name in metrics):
        return
    for argument, other in others.items():
        names = (real.class_names, other and other.class_names)
        if None in names or names[0] == names[1]:
            continue
        differing = sorted(set(names[0]) ^ set(names[1]))
        raise ValueError(
            f"`{argument}` must have the classes of the real images, in the "
            f"same order. Received: {_listed(names[0])} of the real ones, and "
            f"{_listed(names[1])}"
            + (f"; not in both: {_listed(differing)}" if differing else "")
            + ". Give each class a folder of the same name, or name metrics "
            "that need no labels"
        )


def _held_out(data, source, *, trained_on, **prepared):
    """Unseen images, and the split they are -> (ImageData, text or None).

    A source's own test or validation split, else all of it; without a source
    the data's test split, where they have one and it was not trained on.
    """
    if source is not None:
        for split in ("test", "validation"):
            if (unseen := _of_split(source, split, prepared)) is not None:
                return unseen, split
        return sources.load(source, **prepared), None
    if re.search(r"\b(test|all)\b", trained_on):
        return None, None
    unseen = _of_split(data, "test", prepared)
    return unseen, None if unseen is None else "test"


def _of_split(source, split, prepared):
    """A source's images of one split; None where it has no such split."""
    try:
        return sources.load(source, split=split, **prepared)
    except UnknownSplit:
        return None


def _address(source):
    """Of a folder or a name, what a command would say; None of arrays."""
    is_text = isinstance(source, (str, os.PathLike))
    return os.fspath(source) if is_text else None


def _listed(names):
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names):,} ({', '.join(names[:_SHOWN])}{more})"
