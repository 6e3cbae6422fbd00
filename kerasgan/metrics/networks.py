"""The networks of an evaluation, each made when the first protocol needs it."""

import hashlib

import numpy as np
from absl import logging

from kerasgan import features
from kerasgan.features.classifier import (
    FEATURES,
    FORMAT,
    load_classifier,
    train_classifier,
)
from kerasgan.features.pixels import Pixels

_MOST_BYTES = 2**30  # Of images, to train a classifier on.


class Networks:
    """Gives feature networks by (name, resize).

    Two know the data: "classifier", which is trained on the real training
    images with their labels and kept beside the statistics, and "pixels".

    Args:
        real: The source of the training images.
        weights: {name: path}, or None.
        statistics: A `Statistics`, whose folder keeps the classifier; or None.
        progress: A function (what, done, total), or None.
    """

    def __init__(self, real, weights=None, statistics=None, progress=None):
        self._real = real
        self._weights = weights or {}
        self._statistics = statistics
        self._progress = progress or (lambda what, done, total: None)
        self._made = {}

    def __call__(self, name, resize=None):
        if (name, resize) not in self._made:
            self._made[name, resize] = self._make(name, resize)
        return self._made[name, resize]

    def _make(self, name, resize):
        if name == "pixels":
            return Pixels(self._real.pixels(np.arange(1)).shape[1:])
        if name == "classifier" and name not in self._weights:
            return self._classifier()
        options = {} if resize is None else {"resize": resize}
        return features.load(name, self._weights.get(name), **options)

    def dimensions(self, name, tap):
        """The width of a tap, without training a classifier to know it."""
        if name == "classifier" and name not in self._weights:
            return FEATURES
        return self(name).dimensions[tap]

    def _classifier(self):
        path = classifier_path(self._statistics, self._real)
        if path is not None and path.exists():
            try:
                return load_classifier(path)
            except ValueError as error:
                logging.warning("Training another for %s: %s", path, error)
        order = np.random.RandomState(0).permutation(self._real.count)
        bytes_of_one = self._real.pixels(order[:1]).nbytes
        order = order[: _MOST_BYTES // bytes_of_one]
        self._progress("training the classifier", 0, 1)
        classifier = train_classifier(
            self._real.pixels(order),
            self._real.labels(order),
            self._real.classes,
        )
        self._progress("training the classifier", 1, 1)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            classifier.save(path)
        return classifier


def classifier_path(statistics, source):
    """Where the classifier of a source's images is kept, or None."""
    if statistics is None or source.fingerprint is None:
        return None
    made = f"{FORMAT}-{source.fingerprint}".encode()
    digest = hashlib.sha256(made).hexdigest()
    return statistics.folder / f"classifier-{digest[:32]}.npz"
