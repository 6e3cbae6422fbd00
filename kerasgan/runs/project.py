"""Images of one's own, found again in a run's generator."""

import pathlib

import numpy as np
from keras import ops

from kerasgan import latents, pictures, storage
from kerasgan.errors import unknown_name
from kerasgan.runs.sample import labels_of, load_model
from kerasgan.runs.workdir import Workdir

DISTANCES = ("pixels", "lpips")

_MOST_ROWS = 8  # Of the picture.
_INCHES = 0.9  # Of an image in it.
# Of the shorter side. Larger images are halved, as in the paper; smaller ones
# are doubled, since LPIPS halves them four times itself.
_LPIPS_PX = (32, 256)


def project(
    workdir,
    image,
    output,
    *,
    steps=500,
    distance="pixels",
    labels=None,
    seed=0,
):
    """Looks for the styles, or latents, of given images -> the `Projection`.

    Args:
        workdir: The run whose averaged generator is to make them.
        image: A file, or a folder or archive of images. They are cropped,
            resized and coloured as the run's data were.
        output: The folder to write to: `projection.png`, how it went;
            `projected.png`, the images found; `latents.npz`, their `styles`
            [n, style_count, style_size] or `latents` [n, latent_size], as
            `GANModel.synthesize` or `GANModel.decode` take them, the `images`
            found (uint8), `distances` [steps + 1, n], `names`, and `labels`
            where there are any.
        steps: As in `kerasgan.latents.project`, as well as `seed`.
        distance: "pixels", in all sizes, or "lpips", which needs weights.
        labels: The images' classes, taken in turn.

    Raises:
        ValueError: No image can be read, or labels are missing.
        FileNotFoundError: There is no such image, or no weights of LPIPS.
    """
    image = pathlib.Path(image).expanduser()
    output = pathlib.Path(output).expanduser()
    _check(image, output, distance, steps)
    model = load_model(workdir)
    targets, names = _load(Workdir(workdir), image, model.sample_shape)
    labels = _labels(model, labels, len(targets))
    found = latents.project(
        model,
        targets,
        labels,
        steps=steps,
        distance=_lpips() if distance == "lpips" else None,
        seed=seed,
    )
    output.mkdir(parents=True, exist_ok=True)
    arrays = {
        "styles": found.styles,
        "latents": found.latents,
        "images": pictures.to_uint8(found.images),
        "distances": found.distances,
        "names": names,
        "labels": labels,
    }
    with storage.replacing(output / "latents.npz") as part:
        np.savez(part, **{k: v for k, v in arrays.items() if v is not None})
    pictures.save(output / "projected.png", pictures.grid(found.images))
    plot(output / "projection.png", targets, names, found, distance)
    return found


def _check(image, output, distance, steps):
    """What needs no model."""
    if distance not in DISTANCES:
        raise unknown_name("distance", distance, DISTANCES)
    if steps < 1:
        raise ValueError(f"`steps` must be positive. Received: steps={steps}")
    if not image.exists():
        raise FileNotFoundError(
            "`image` must be an image, or a folder or archive of images. "
            f"Received: image={str(image)!r}"
        )
    if output.exists() and not output.is_dir():
        raise FileExistsError(
            "`output` must be a folder, or not be there. "
            f"Received: output={str(output)!r}"
        )


def _labels(model, labels, count):
    """A class for each image: nobody draws it."""
    if labels is not None:
        return labels_of(model, labels, count, seed=0)
    if model.takes_labels:
        raise ValueError(
            "`labels` must say which class to look in, since the generator is "
            "conditional. Received: labels=None"
        )
    return None


def plot(path, targets, names, found, distance):
    """Draws targets, the way to what was found, and the distances on it."""
    from matplotlib.figure import Figure

    rows, stages = min(len(targets), _MOST_ROWS), len(found.history_steps)
    widths = [1.0] * (1 + stages) + [3.5]
    figure = Figure(
        figsize=(_INCHES * sum(widths), max(_INCHES * (rows + 0.6), 2.4)),
        layout="constrained",
    )
    places = figure.add_gridspec(rows, 2 + stages, width_ratios=widths)
    between = [f"step {step}" for step in found.history_steps[1:-1]]
    titles = ["target", "start", *between, "result"]
    for row in range(rows):
        shown = [targets[row], *found.history[:, row]]
        for column, picture in enumerate(pictures.to_uint8(shown)):
            axes = figure.add_subplot(places[row, column])
            axes.imshow(
                picture.squeeze(-1) if picture.shape[-1] == 1 else picture,
                cmap="gray",
                vmin=0,
                vmax=255,
            )
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(titles[column], fontsize="small")
            if column == 0 and rows > 1:
                axes.set_ylabel(row + 1, rotation=0, labelpad=8)
    axes = figure.add_subplot(places[:, -1])
    for row in range(rows):
        name = f"{row + 1} {names[row]}" if rows > 1 else names[row]
        axes.plot(found.distances[:, row], label=name)
    axes.set_yscale("log")
    axes.set_title(f"distance ({distance})", fontsize="small")
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="x-small")
    with storage.replacing(path) as part:
        figure.savefig(part, dpi=110)


def _load(workdir, path, image_shape):
    """A file, folder or archive -> images [n, h, w, c], and their names."""
    from kerasgan import data
    from kerasgan.data import decoding, files

    *size, channels = image_shape
    crop = workdir.read_recipe()["crop"]
    if path.suffix.lower() not in files.SUFFIXES or path.is_dir():
        found = data.load(str(path), size=size, channels=channels, crop=crop)
        names = found.item_names or [str(i) for i in range(found.count)]
        return found.images(np.arange(found.count)), list(names)
    try:
        with path.open("rb") as file:
            decoded = decoding.decode(file)
            pixels = decoding.prepare(decoded, size, channels, crop)
    except decoding.Unreadable as error:
        raise ValueError(
            f"`image` must be readable ({error}). Received: image={str(path)!r}"
        ) from error
    return pixels[None].astype("float32") / 127.5 - 1.0, [path.name]


def _lpips():
    """LPIPS of images of any size, grey ones and transparent ones too."""
    from kerasgan.features.lpips import LPIPS
    from kerasgan.layers.resampling import average_pool, upsample

    network, (smallest, largest) = LPIPS(), _LPIPS_PX

    def distance(*, real, fake):
        both = []
        for images in (real, fake):
            channels = images.shape[-1]
            images = ops.repeat(images, 3, -1) if channels == 1 else images
            images = images[..., :3]
            while min(images.shape[1:3]) > largest:
                images = average_pool(images)
            while min(images.shape[1:3]) < smallest:
                images = upsample(images, "nearest")
            both.append(images)
        return network.distance(real=both[0], fake=both[1])

    return distance
