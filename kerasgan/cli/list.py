"""kerasgan list"""

import textwrap

from absl import flags


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_string(
        "task",
        None,
        "Only recipes whose task contains this, such as conditional.",
        flag_values=values,
    )

    flags.DEFINE_bool(
        "metrics",
        False,
        "The families of metrics instead, of which protocols are made.",
        flag_values=values,
    )


def run(values):
    """Prints the recipes, or the metrics -> the exit status."""
    if values.metrics:
        _list_metrics()
        return
    from kerasgan import recipes

    tasks = set()
    shown = 0
    for name in recipes.NAMES:
        recipe = recipes.get(name)
        tasks.add(recipe.task)
        if values.task is not None and values.task not in recipe.task:
            continue
        shown += 1
        title, _, rest = recipes.module(name).__doc__.partition("\n")
        print(f"{name}: {title}")
        print(f"    task: {recipe.task}; data: {recipe.data}; {recipe.paper}")
        print(textwrap.indent(rest.strip("\n"), "    ") + "\n")
    if not shown:
        raise ValueError(
            f"`--task` must be a part of one of: {', '.join(sorted(tasks))}. "
            f"Received: --task={values.task}"
        )


def _list_metrics():
    from kerasgan.cli import startup

    startup.import_backend()
    from kerasgan.metrics import protocols

    print(protocols.__doc__.split("\n", 2)[2].strip("\n") + "\n")
    arrows = {"lower": "↓", "higher": "↑", "": ""}
    for name, family in protocols.FAMILIES.items():
        values = ", ".join(
            f"{value} {arrows[better]}".strip()
            for value, better in family.values.items()
        )
        seen = f"; features: {family.network}" if family.network else ""
        print(f"{name}: {family.title}")
        print(f"    {values}{seen}; {family.paper}")
