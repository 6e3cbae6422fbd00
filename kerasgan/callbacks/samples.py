"""Grids of samples, so that one sees a generator learn."""

import pathlib

import numpy as np

from kerasgan import pictures
from kerasgan.callbacks.counting import EveryImages, images_seen

MOST_COLUMNS = 16  # Of classes: more would not fit on a screen.


class SampleGrid(EveryImages):
    """Writes grids of what the averaged generator makes of fixed latents.

    Args:
        folder: Gets `images_000012800.png`, and `real.png` where real images
            are given.
        every_images: How often.
        count: Images in a grid, about: with classes, whole rows of it.
        seed: Of the latents.
        labels: For conditional generators; None has a column
            for each class, or for the first 16.
        real: Real images [n, h, w, c] in [-1, 1], written first.
    """

    def __init__(
        self, folder, every_images, count=64, seed=0, labels=None, real=None
    ):
        super().__init__(every_images)
        self.folder = pathlib.Path(folder)
        self.count = count
        self.seed = seed
        self.labels = labels
        self.real = real

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.real is not None:
            grid = pictures.grid(self.real, self._columns())
            pictures.save(self.folder / "real.png", grid)
        if self._seen == 0:
            self.fire(0)

    def fire(self, images_seen):
        count, labels, columns = self.count, self.labels, None
        if labels is None:
            columns = self._columns()
        if columns is not None:
            count = columns * max(1, self.count // columns)
            labels = np.arange(count) % columns
        samples = self.model.generate(count, labels, seed=self.seed)
        path = self.folder / f"images_{images_seen:012d}.png"
        pictures.save(path, pictures.grid(samples, columns))

    def on_train_end(self, logs=None):
        self.fire(images_seen(self.model))

    def _columns(self):
        """One for each class, if labels name one."""
        if self.model.classes is None or self.model.label_examples is not None:
            return None
        return min(self.model.classes, MOST_COLUMNS)
