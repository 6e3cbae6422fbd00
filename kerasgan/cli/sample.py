"""kerasgan sample"""

from absl import flags

from kerasgan.cli import startup


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_string(
        "workdir", None, "The run to sample from.", flag_values=values
    )
    flags.DEFINE_string(
        "output",
        "samples.png",
        "A grid (.png, .jpg), arrays (.npz), an animation (.gif, .webp), or a "
        "folder for single files.",
        flag_values=values,
    )
    flags.DEFINE_integer("count", 64, "How many images.", flag_values=values)
    flags.DEFINE_integer("seed", 0, "Of the latents.", flag_values=values)
    flags.DEFINE_list(
        "labels",
        None,
        "Classes to take in turn, such as 3 or 0,1,2. Default: drawn.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "interpolate",
        None,
        "Images from one latent to the next: rows of a grid become strips.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "truncation",
        None,
        "In (0, 1]: the smaller, the more typical images are, and the more "
        "alike.",
        flag_values=values,
    )


def run(values):
    """Writes the samples -> the exit status."""
    if values.workdir is None:
        raise ValueError("`--workdir` must name a run's folder. Received: none")
    labels = values.labels
    if labels is not None:
        labels = [_integer(label) for label in labels]
    startup.import_backend()
    from kerasgan.runs.sample import sample

    sample(
        values.workdir,
        values.output,
        count=values.count,
        seed=values.seed,
        labels=labels,
        interpolate=values.interpolate,
        truncation=values.truncation,
    )
    print(f"wrote {values.output}")


def _integer(label):
    try:
        return int(label)
    except ValueError as error:
        raise ValueError(
            f"`--labels` must be whole numbers. Received: {label!r}"
        ) from error
