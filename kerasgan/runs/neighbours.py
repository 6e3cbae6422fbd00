"""A picture of generated images and the training images nearest to them."""

import json

import numpy as np

from kerasgan import pictures, storage
from kerasgan.callbacks import images_seen
from kerasgan.features.pixels import Pixels
from kerasgan.metrics.memorising import nearest_neighbours
from kerasgan.metrics.sides import Generated, Side

SEED = 0

_LOOKED_AT = 1000
_ROWS = 12
_NEIGHBOURS = 7


def picture_neighbours(workdir, model, real):
    """Writes a run's `neighbours.png`, and its distances beside it.

    The upper half are the nearest of a thousand, the lower half the first.
    """
    pixels = Pixels(real.image_shape)
    of_sides = {
        "networks": lambda name, resize: pixels,
        "taps": {("pixels", None): {"pixels"}},
    }
    train = Side(real, split="train", **of_sides)
    fake = Side(Generated(model, _LOOKED_AT, SEED), **of_sides)
    distances, places = nearest_neighbours(
        real=train.features("pixels", "pixels"),
        fake=fake.features("pixels", "pixels"),
        neighbours=min(_NEIGHBOURS, real.count),
    )
    half = _ROWS // 2
    rows = [*np.argsort(distances[:, 0], kind="stable")[:half], *range(half)]
    samples = fake.images(_LOOKED_AT)
    images = []
    for row in rows:
        near = real.pixels(train.order[places[row]])
        # A white column in between: no row is taken for eight of a kind.
        images += [samples[row], np.full_like(samples[row], 255), *near]
    images = np.stack(images).astype("float32") / 127.5 - 1.0
    columns = 2 + places.shape[1]
    pictures.save(workdir.neighbours, pictures.grid(images, columns))
    notes = {
        "space": "pixels" if not pixels.resize else "pixels, at 32x32",
        "images_seen": images_seen(model),
        "seed": SEED,
        "rows": "the nearest of 1,000 generated images, then the first of them",
        "distances": [distances[row].round(3).tolist() for row in rows],
    }
    path = workdir.neighbours.with_suffix(".json")
    storage.write_text(path, json.dumps(notes, indent=2))
