"""Samples of a run: a grid, single files, arrays, strips, an animation."""

import pathlib

import numpy as np

from kerasgan import pictures, storage
from kerasgan.errors import unknown_name
from kerasgan.latents import interpolate as interpolated
from kerasgan.runs.preparation import Plan
from kerasgan.runs.workdir import Workdir
from kerasgan.training import checkpoints, sampling

_ANIMATIONS = (".gif", ".webp")
_STILLS = (".png", ".jpg", ".jpeg")
# Of latents by their distribution: uniform ones leave their range on an arc.
_PATHS = {"normal": "spherical", "uniform": "linear"}


def load_model(workdir, checkpoint="last"):
    """The model of a run, as of its newest checkpoint or its "best"."""
    workdir = Workdir(workdir)
    folders = {"last": workdir.checkpoints, "best": workdir.best}
    if checkpoint not in folders:
        raise unknown_name("checkpoint", checkpoint, folders)
    values = workdir.read_recipe()
    if values is None:
        raise ValueError(
            "`workdir` must be the folder of a run, with its recipe.json. "
            f"Received: workdir={str(workdir)!r}. `kerasgan train` makes one."
        )
    model = Plan.from_dict(values).build()
    if checkpoints.restore(model, folders[checkpoint]) is None:
        raise ValueError(
            f"`workdir` must hold its {checkpoint} checkpoint. Received: "
            f"workdir={str(workdir)!r}, whose training has written none yet"
        )
    return model


def sample(
    workdir,
    output,
    *,
    count=64,
    seed=0,
    labels=None,
    interpolate=None,
    truncation=None,
    truncation_center="all",
):
    """Writes samples of a run's averaged generator.

    Args:
        workdir: The run.
        output: By its ending: `.png` or `.jpg` a grid, `.npz` the arrays
            `images` (uint8 [n, h, w, c]) and `labels` (where there are any),
            `.gif` or `.webp` an animation through the latents; without an
            ending, a folder of single PNG files.
        count: How many images.
        seed: Of latents and drawn labels.
        labels: A list of classes, taken in turn; None draws them.
        interpolate: Images from one latent to the next; a grid then has a
            strip of so many in each row.
        truncation, truncation_center: As in `GANModel.decode`.
    """
    output = pathlib.Path(output).expanduser()
    _check(output, count, interpolate)
    if truncation is not None:
        sampling.share(truncation)
    model = load_model(workdir)
    labels = labels_of(model, labels, count, seed)
    if interpolate or output.suffix in _ANIMATIONS:
        steps = interpolate or 16
        strips = -(-count // steps)
        latents = model.latents(strips + 1, seed)
        if output.suffix in _ANIMATIONS:
            latents[-1] = latents[0]  # It ends where it begins.
        path = _PATHS[model.latent_distribution]
        latents = _strips(latents, steps, path)[:count]
        if labels is not None:  # One class for a whole strip.
            labels = np.repeat(labels[:strips], steps)[:count]
    else:
        steps = None
        latents = model.latents(count, seed)
    images = model.decode(
        latents,
        labels,
        truncation=truncation,
        truncation_center=truncation_center,
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    _write(output, images, labels, columns=steps)


def labels_of(model, labels, count, seed):
    """So many labels, of a list in turn or drawn; None where there are none."""
    if labels is None:
        return model.labels(count, seed) if model.takes_labels else None
    if not model.takes_labels:
        raise ValueError(
            "`labels` must not be given: the generator takes none. "
            f"Received: labels={labels}"
        )
    if not labels or min(labels) < 0 or max(labels) >= model.classes:
        raise ValueError(
            f"`labels` must be classes from 0 to {model.classes - 1}. "
            f"Received: labels={labels}"
        )
    return np.resize(np.asarray(labels, "int32"), count)


def _write(output, images, labels, columns):
    if output.suffix == ".npz":
        arrays = {"images": pictures.to_uint8(images)}
        if labels is not None:
            arrays["labels"] = labels
        with storage.replacing(output) as part:
            np.savez(part, **arrays)
    elif output.suffix in _ANIMATIONS:
        frames = [pictures.grid(image[None]) for image in images]
        pictures.save_animation(output, frames, seconds=len(frames) / 12)
    elif output.suffix:
        pictures.save(output, pictures.grid(images, columns))
    else:
        output.mkdir(exist_ok=True)
        for index, image in enumerate(pictures.to_uint8(images)):
            pictures.save(output / f"{index:06d}.png", image)


def _strips(latents, steps, path):
    """Latents [n + 1, d] -> [n * steps, d]: from each to the next."""
    return np.concatenate(
        [
            interpolated(start, end, steps, path)
            for start, end in zip(latents[:-1], latents[1:], strict=True)
        ]
    )


def _check(output, count, interpolate):
    known = (*_STILLS, *_ANIMATIONS, ".npz", "")
    if output.suffix not in known:
        raise ValueError(
            f"`output` must end in one of {', '.join(known[:-1])}, or be a "
            f"folder's name. Received: output={str(output)!r}"
        )
    if count < 1:
        raise ValueError(f"`count` must be positive. Received: count={count}")
    if interpolate is not None and interpolate < 2:
        raise ValueError(
            f"`interpolate` must be 2 or more. Received: {interpolate}"
        )
