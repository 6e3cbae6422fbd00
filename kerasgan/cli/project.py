"""kerasgan project"""

from absl import flags

from kerasgan.cli import startup
from kerasgan.cli.sample import read_labels


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_string(
        "workdir",
        None,
        "The run whose generator is to do it.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "image",
        None,
        "An image, or a folder or archive of images.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output",
        "projected",
        "The folder for projection.png, projected.png and latents.npz.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "steps", 500, "Of the search; the paper has 1000.", flag_values=values
    )
    flags.DEFINE_string(
        "distance",
        "pixels",
        "What is to be small: of pixels in all sizes, or lpips, which needs "
        "weights.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "labels",
        None,
        "The images' classes, in turn, for a conditional generator.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seed", 0, "Of the search's noise.", flag_values=values
    )


def run(values):
    """Writes what was found -> the exit status."""
    for name in ("workdir", "image"):
        if values[name].value is None:
            raise ValueError(f"`--{name}` must be given. Received: none")
    labels = read_labels(values.labels)
    startup.import_backend()
    from kerasgan.runs.project import project

    found = project(
        values.workdir,
        values.image,
        values.output,
        steps=values.steps,
        distance=values.distance,
        labels=labels,
        seed=values.seed,
    )
    start, end = found.distances[0].mean(), found.distances[-1].mean()
    print(
        f"distance {start:.3g} at the start, {end:.3g} at the end; wrote "
        f"{values.output}"
    )
