"""From a recipe to its data and its model: what training and a dry run share."""

import dataclasses
import pathlib

from kerasgan import recipes
from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True)
class Plan:
    """A recipe, and what its data turned out to be."""

    recipe: BaseRecipe
    image_shape: tuple
    classes: int | None
    data_name: str
    data_fingerprint: str

    def to_dict(self):
        """What recipe.json holds."""
        return {
            **self.recipe.to_dict(),
            "image_shape": list(self.image_shape),
            "classes": self.classes,
            "data_name": self.data_name,
            "data_fingerprint": self.data_fingerprint,
        }

    @classmethod
    def from_dict(cls, values):
        return cls(
            recipe=recipes.get(values["recipe"]).from_dict(values),
            image_shape=tuple(values["image_shape"]),
            classes=values["classes"],
            data_name=values["data_name"],
            data_fingerprint=values["data_fingerprint"],
        )

    def build(self):
        """The compiled model, with the initial weights that the seed gives."""
        import keras

        precision = self.recipe.mixed_precision
        policy = "float32" if precision == "off" else f"mixed_{precision}"
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        keras.utils.set_random_seed(self.recipe.seed)
        classes = self.classes if self.recipe.conditional else None
        try:
            return self.recipe.build(self.image_shape, classes)
        finally:  # What measures it, or comes after, has its own.
            keras.config.set_dtype_policy(before)


def load_data(recipe):
    """The recipe's images, and the plan that follows from them."""
    from kerasgan import data as sources

    if pathlib.Path(recipe.data).expanduser().exists():
        path = pathlib.Path(recipe.data).expanduser().resolve()
        recipe = recipe.replace(data=str(path))  # Found from any folder.
    if recipe.start_from is not None:
        path = pathlib.Path(recipe.start_from).expanduser().resolve()
        recipe = recipe.replace(start_from=str(path))
    data = sources.load(
        recipe.data,
        split=recipe.split,
        data_dir=recipe.data_dir,
        size=recipe.size,
        channels=recipe.channels,
        crop=recipe.crop,
    )
    if recipe.conditional and data.classes is None:
        raise ValueError(
            f"The recipe {recipe.name!r} must have labelled data: a dataset "
            "with labels, or a folder with one folder per class. Received: "
            f"data={recipe.data!r}"
        )
    plan = Plan(
        recipe=recipe,
        image_shape=tuple(data.image_shape),
        classes=data.classes,
        data_name=data.name,
        data_fingerprint=data.fingerprint,
    )
    return data, plan


def default_workdir(plan):
    """runs/<recipe>-<data>."""
    return pathlib.Path("runs") / f"{plan.recipe.name}-{plan.data_name}"


def describe(plan, data, model):
    """What a dry run prints: recipe, data, parameters, memory."""
    lines = [f"recipe  {plan.recipe.name}  ({plan.recipe.paper})"]
    lines += [
        f"  {name} = {value}"
        for name, value in plan.to_dict().items()
        if name != "recipe"
    ]
    lines += ["", str(data.report()), "", "networks"]
    counts = {}
    for player, networks in model.networks.items():
        counts[player] = sum(network.count_params() for network in networks)
        lines.append(f"  {player}: {counts[player]:,} parameters")
    averages = sum(average.count_params() for _, average in model.averages)
    lines.append(f"  averaged: {averages:,} parameters")
    slots = sum(_size(variable) for variable in model.optimizer.variables)
    numbers = 2 * sum(counts.values()) + averages + slots
    lines += [
        "",
        "memory",
        f"  weights, averages, gradients, optimizers: {_megabytes(numbers)}",
        "  activations come on top, and grow with the batch size",
    ]
    return "\n".join(lines)


def _size(variable):
    size = 1
    for side in variable.shape:
        size *= side
    return size


def _megabytes(numbers):
    return f"{4 * numbers / 1e6:,.1f} MB"
