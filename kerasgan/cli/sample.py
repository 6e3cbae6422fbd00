"""kerasgan sample"""

from absl import flags

from kerasgan.cli import startup

_COUNT = "How many images. Default: 64."


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
    flags.DEFINE_integer("count", None, _COUNT, flag_values=values)
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
    flags.DEFINE_integer(
        "mix",
        None,
        "So many samples above and on the left, and their mixtures: what is "
        "coarse from the left, details from above. For StyleGANs.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "mix_from",
        None,
        "The first layer whose styles come from above. Default: the middle.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "directions",
        None,
        "So many strips, in which one sample moves along the directions that "
        "change most (SeFa).",
        flag_values=values,
    )
    flags.DEFINE_float(
        "truncation",
        None,
        "In (0, 1]: the smaller, the more typical images are, and the more "
        "alike.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "truncation_center",
        "all",
        "What is typical: the average style of all, or of the image's class.",
        flag_values=values,
    )


def run(values):
    """Writes the samples -> the exit status."""
    if values.workdir is None:
        raise ValueError("`--workdir` must name a run's folder. Received: none")
    labels = read_labels(values.labels)
    _check_forms(values)
    startup.import_backend()
    from kerasgan.runs import sample, tables

    place = values.workdir, values.output
    shared = {
        "seed": values.seed,
        "labels": labels,
        "truncation": values.truncation,
        "truncation_center": values.truncation_center,
    }
    if values.mix is not None:
        tables.mixtures(
            *place, values.mix, from_layer=values.mix_from, **shared
        )
    elif values.directions is not None:
        tables.strips(*place, values.directions, **shared)
    else:
        sample.sample(
            *place,
            count=64 if values.count is None else values.count,
            interpolate=values.interpolate,
            **shared,
        )
    print(f"wrote {values.output}")


def _check_forms(values):
    """Raises if flags ask for two pictures at once."""
    names = ("interpolate", "mix", "directions")
    given = [name for name in names if values[name].value is not None]
    if len(given) > 1:
        raise ValueError(
            f"One of {', '.join(f'`--{name}`' for name in names)} must do. "
            f"Received: {', '.join(given)}"
        )
    table = [name for name in names[1:] if values[name].value is not None]
    if values.count is not None and table:
        raise ValueError(
            f"`--count` must not be given with `--{table[0]}`, which says how "
            f"many there are. Received: count={values.count}"
        )
    if values.mix_from is not None and values.mix is None:
        raise ValueError(
            "`--mix_from` must come with `--mix`. Received: "
            f"mix_from={values.mix_from}"
        )


def read_labels(words):
    """Words -> integers; None stays."""
    try:
        return None if words is None else [int(word) for word in words]
    except ValueError as error:
        raise ValueError(
            f"`--labels` must be whole numbers. Received: {words!r}"
        ) from error
