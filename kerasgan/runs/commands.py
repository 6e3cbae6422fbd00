"""The command lines that make a run again, go on with it, and measure it."""

import dataclasses
import shlex

# Flags of `kerasgan train`; other fields are given by `--set`.
_FLAGS = (
    "data",
    "data_dir",
    "size",
    "batch_size",
    "total_images",
    "metrics",
    "seed",
)


def train(recipe):
    """`kerasgan train`, with the fields that differ from the recipe's own."""
    defaults = type(recipe)()
    words = ["kerasgan", "train", f"--recipe={recipe.name}"]
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if value != getattr(defaults, field.name):
            assignment = f"{field.name}={_text(value)}"
            is_flag = field.name in _FLAGS
            words.append(
                f"--{assignment}" if is_flag else f"--set={assignment}"
            )
    return shlex.join(words)


def go_on(workdir):
    return shlex.join(["kerasgan", "train", f"--workdir={workdir}"])


def evaluate(
    workdir,
    protocols=(),
    seeds=(),
    checkpoint=None,
    held_out=None,
    allow_small=False,
):
    words = ["kerasgan", "evaluate", f"--workdir={workdir}"]
    if protocols:
        words.append(f"--metrics={','.join(protocols)}")
    seeds = ",".join(str(seed) for seed in seeds)
    if seeds not in ("", "0"):
        words.append(f"--seeds={seeds}")
    if checkpoint not in (None, "last"):
        words.append(f"--checkpoint={checkpoint}")
    if held_out is not None:
        words.append(f"--held_out={held_out}")
    if allow_small:
        words.append("--allow_small")
    return shlex.join(words)


def sample(workdir):
    return shlex.join(
        ["kerasgan", "sample", f"--workdir={workdir}", "--output=samples.png"]
    )


def report(workdir):
    return shlex.join(["kerasgan", "report", f"--workdir={workdir}"])


def _text(value):
    """A field's value, as `recipes.recipe.parse` reads it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        is_names = all(isinstance(part, str) for part in value)
        return ("," if is_names else "x").join(str(part) for part in value)
    return str(value)
