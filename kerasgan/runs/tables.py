"""Tables of a run's samples: mixtures of styles, strips along directions."""

import pathlib

import numpy as np

from kerasgan import latents, pictures, storage
from kerasgan.runs.sample import labels_of, load_model
from kerasgan.training import sampling

_STILLS = (".png", ".jpg", ".jpeg")
_AMOUNTS = range(-4, 5)  # Of standard deviations.
_DRAWS = 1000  # To find these.


def mixtures(
    workdir,
    output,
    count,
    *,
    from_layer=None,
    seed=0,
    labels=None,
    truncation=None,
    truncation_center="all",
):
    """Writes a table of `count` samples on the left, as many above, and their
    mixtures: coarse layers have the styles of the left, fine ones of above.

    Args:
        workdir: The run, whose generator must have styles.
        output: A picture (.png, .jpg), or .npz with `images`, uint8
            [1 + count, 1 + count, h, w, c], the corner white.
        from_layer: As in `kerasgan.latents.mix`.
        seed: Of latents and drawn labels.
        labels: A list of classes, taken in turn, first on the left, then
            above; None draws them.
        truncation, truncation_center: As in `GANModel.decode`.
    """
    output = _checked(output, "mix", count, truncation)
    model = load_model(workdir)
    model.check_styles()
    labels = labels_of(model, labels, 2 * count, seed)
    styles = model.styles(
        model.latents(2 * count, seed),
        labels,
        truncation=truncation,
        truncation_center=truncation_center,
    )
    mixed = latents.mix(model, styles[:count], styles[count:], from_layer)
    left, above = np.split(model.synthesize(styles), 2)
    corner = np.ones_like(above[:1])
    images = np.concatenate(
        [
            np.concatenate([corner, above])[None],
            np.concatenate([left[:, None], mixed], axis=1),
        ]
    )
    layers = styles.shape[1]
    first = layers // 2 if from_layer is None else from_layer
    names = ["", *(f"fine {i + 1}" for i in range(count))]
    rows = ["", *(f"coarse {i + 1}" for i in range(count))]
    title = (
        f"styles of layers 0-{first - 1} as on the left, "
        f"{first}-{layers - 1} as above"
    )
    _write(output, images, (rows, names, title))


def strips(
    workdir,
    output,
    count,
    *,
    seed=0,
    labels=None,
    truncation=None,
    truncation_center="all",
):
    """Writes a table whose rows move one sample along a direction of SeFa.

    Args:
        workdir: The run.
        output: A picture (.png, .jpg), or .npz with `images` uint8
            [count, amounts, h, w, c], `directions` [count, d], `eigenvalues`
            [count] and `amounts` [count, amounts], as `kerasgan.latents.edit`
            takes them.
        count: How many directions, the strongest first.
        seed: Of the sample.
        labels: A list that begins with its class; None draws it.
        truncation, truncation_center: As in `GANModel.decode`.
    """
    output = _checked(output, "directions", count, truncation)
    model = load_model(workdir)
    labels = labels_of(model, labels, 1, seed)
    directions, eigenvalues = latents.sefa(model, count)
    deviations = _spread(model, labels, seed) @ directions.T
    amounts = np.multiply.outer(deviations.std(axis=0), _AMOUNTS)
    images = np.concatenate(
        [
            latents.edit(
                model,
                model.latents(1, seed),
                direction,
                amount,
                labels,
                truncation=truncation,
                truncation_center=truncation_center,
            )
            for direction, amount in zip(directions, amounts, strict=True)
        ]
    )
    kind = "styles" if model.has_styles else "latents"
    rows = [f"direction {i + 1}" for i in range(count)]
    columns = [f"{n:+d}" if n else "0" for n in _AMOUNTS]
    title = f"one sample, moved by standard deviations of {kind}"
    _write(
        output,
        images,
        (rows, columns, title),
        directions=directions,
        eigenvalues=eigenvalues,
        amounts=amounts,
    )


def _spread(model, labels, seed):
    """Points [n, d] that the sample's could be."""
    points = model.latents(_DRAWS, seed)
    if not model.has_styles:
        return points
    labels = None if labels is None else labels[0]
    return model.styles(points, labels)[:, 0]


def _write(output, images, words, **arrays):
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix != ".npz":
        pictures.save(output, pictures.table(images, *words))
        return
    flat = images.reshape(-1, *images.shape[2:])
    arrays["images"] = pictures.to_uint8(flat).reshape(images.shape)
    with storage.replacing(output) as part:
        np.savez(part, **arrays)


def _checked(output, name, count, truncation):
    """The output's path, after checks that need no model."""
    output = pathlib.Path(output).expanduser()
    known = (*_STILLS, ".npz")
    if output.suffix not in known:
        raise ValueError(
            f"`output` must end in one of {', '.join(known)} with `{name}`. "
            f"Received: output={str(output)!r}"
        )
    if count < 1:
        raise ValueError(f"`{name}` must be positive. Received: {name}={count}")
    if truncation is not None:
        sampling.share(truncation)
    return output
