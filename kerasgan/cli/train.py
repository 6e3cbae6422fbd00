"""kerasgan train"""

from absl import flags

from kerasgan import strategies
from kerasgan.cli import startup

_TEXTS = {
    "data": "A tfds name, a folder, zip or tar of images, an .npz, or digits.",
    "data_dir": "Where tfds keeps its datasets.",
    "size": "Height and width in pixels: 64, or 96x64. Default: the data's.",
    "batch_size": "Images in a step.",
    "gradient_accumulation_steps": "Parts of a batch that does not fit in "
    "memory at once.",
    "mixed_precision": "bfloat16 or float16, beside weights of float32. "
    "Default: off.",
    "jit_compile": "Compile by XLA: on, off, or auto, which is on for GPUs and "
    "TPUs.",
    "total_images": "Where training ends; more than before extends a run.",
    "metrics": "Protocols to measure during training, such as cfd2k_train.",
    "seed": "Of initial weights, data order and every draw.",
}


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_string(
        "recipe",
        None,
        "What to train; `kerasgan list` lists them. Default: dcgan, or the "
        "recipe that the workdir holds.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Where the run lives. Default: runs/<recipe>-<data>.",
        flag_values=values,
    )
    for name, text in _TEXTS.items():
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_multi_string(
        "set",
        [],
        "field=value, for any field of the recipe that --dry_run shows; may "
        "be given repeatedly.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "strategy",
        "none",
        strategies.NAMES,
        "How to run: on one device, all of this machine (mirrored), several "
        "machines (multiworker, named by the variable TF_CONFIG), TPUs. A run "
        "may go on with another.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "dry_run",
        False,
        "Show recipe, data report, parameters, memory; train nothing.",
        flag_values=values,
    )


def run(values):
    """Trains -> the exit status."""
    recipe = _recipe(values)
    # What is only shown waits for no other workers.
    strategy = startup.import_backend(
        None if values.dry_run else values.strategy
    )
    from kerasgan.runs import train

    if values.dry_run:
        train.dry_run(recipe, values.workdir)
        return 0
    return train.train(recipe, values.workdir, strategy)


def _recipe(values):
    """The recipe by name or from the workdir, with the flags' fields."""
    from kerasgan import recipes
    from kerasgan.runs.workdir import Workdir

    stored = Workdir(values.workdir).read_recipe() if values.workdir else None
    if values.recipe is None and stored is not None:
        recipe = recipes.get(stored["recipe"]).from_dict(stored)
    else:
        recipe = recipes.get(values.recipe or "dcgan")
    texts = {name: values[name].value for name in _TEXTS}
    texts = {name: text for name, text in texts.items() if text is not None}
    for assignment in values.set:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(
                f"`--set` must be field=value. Received: --set={assignment}"
            )
        texts[name.strip()] = text.strip()
    return recipe.override(texts)
