"""A small classifier of the user's own data, trained within a minute.

Where the Inception network knows nothing of the data (digits, spectra), its
features, `Frechet classifier distance`, and its labels measure instead: Xu et
al. 2018, section 2, https://arxiv.org/abs/1806.07755; Ravuri and Vinyals 2019,
"Classification Accuracy Score", https://arxiv.org/abs/1905.10887.
"""

import functools
import json
import math
import os
import zipfile

import keras
import numpy as np
from keras import layers, ops

from kerasgan import storage
from kerasgan.features.network import FeatureNetwork, check_uint8, unit

FEATURES = 64  # The width of the tap "features".
FORMAT = 2  # To be raised when the network or its training changes.

# Stages of two convolutions and a pooling bring the sides below this.
_LAST_SIDE_PX = 8
_LEARNING_RATE = 6e-3
_SHARE_OF_WARM_UP = 0.1
_GOOD = 0.8  # A share of right answers.


class Classifier(FeatureNetwork):
    """Tells the classes of images uint8 [n, h, w, c] of one shape.

    Taps: "features" [n, 64], after the last but one layer's ReLU; "logits"
    [n, classes].

    Args:
        shape: (h, w, c) of the images.
        classes: How many there are.
        held_out_accuracy: Share of right answers on images that it was not
            trained on; None where none were held out.
    """

    name = "classifier"

    def __init__(self, shape, classes, held_out_accuracy=None):
        self.shape = tuple(int(length) for length in shape)
        self.classes = int(classes)
        self.held_out_accuracy = held_out_accuracy
        super().__init__(_network(self.shape, self.classes))

    def describe(self):
        return {
            **super().describe(),
            "held_out_accuracy": self.held_out_accuracy,
        }

    def flags(self):
        accuracy = self.held_out_accuracy
        if accuracy is None or accuracy >= _GOOD:
            return []
        return [
            f"the classifier is right on {accuracy:.1%} of held-out images "
            "only, so its features say little"
        ]

    def prepare(self, images):
        return _prepare(images)

    def check(self, images):
        """Images uint8 [n, h, w, c] of its shape, as they are."""
        images = check_uint8(images)
        if images.shape[1:] != self.shape:
            raise ValueError(
                "`images` must have the shape that the classifier was trained "
                f"on, [n, {', '.join(map(str, self.shape))}]. Received: "
                f"images.shape={images.shape}"
            )
        return images

    def _model_of(self, taps):
        """The model that classifiers of such images share, with our weights.

        A score may train a classifier for each of many sets of images; this
        way they are traced once.
        """
        model = _reader(self.shape, self.classes, tuple(sorted(set(taps))))
        _assign(model, _copied(self.model))
        return model

    def predict(self, images, batch_size=256):
        """Images uint8 [n, h, w, c] -> the likeliest classes, integers [n]."""
        logits = self.features(images, ["logits"], batch_size)["logits"]
        return logits.argmax(axis=1)

    def accuracy(self, images, labels, batch_size=256):
        """Images, integer labels [n] -> the share of right answers, 0 to 1."""
        right = self.predict(images, batch_size) == np.asarray(labels)
        return float(np.mean(right))

    def save(self, path):
        """Writes one `.npz`; the file is whole or not there."""
        path = os.fspath(path)
        if not path.endswith(".npz"):
            raise ValueError(
                f"`path` must end in .npz. Received: path={path!r}"
            )
        header = {
            "kind": "kerasgan.features.classifier",
            "shape": self.shape,
            "classes": self.classes,
            "held_out_accuracy": self.held_out_accuracy,
            "weights_sha256": self.weights_sha256,
        }
        with storage.replacing(path) as part:
            np.savez(part, header=json.dumps(header), **_copied(self.model))


def load_classifier(path):
    """A `Classifier`, from the file that its `save` wrote.

    Raises:
        ValueError: Not such a file, or its weights are not those saved.
    """
    if path is None:
        raise ValueError(
            "`weights` must be the file of a classifier: it knows your data, "
            "so none can be fetched. Received: weights=None. Train one by "
            "kerasgan.features.classifier.train_classifier and save it."
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        header = json.loads(str(arrays.pop("header")))
        classifier = Classifier(
            header["shape"], header["classes"], header["held_out_accuracy"]
        )
        _assign(classifier.model, arrays)
        promised = header["weights_sha256"]
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as e:
        raise ValueError(
            "`path` must be a file that Classifier.save wrote. Received: "
            f"path={str(path)!r} ({e})"
        ) from e
    if classifier.weights_sha256 != promised:
        raise ValueError(
            "The weights of a classifier must be those that were saved. "
            f"Received: path={str(path)!r}, which promises {promised} and "
            f"holds {classifier.weights_sha256}. Train it again."
        )
    return classifier


def train_classifier(
    images,
    labels,
    classes,
    *,
    steps=1000,
    batch_size=64,
    held_out_share=0.1,
    seed=0,
):
    """Images uint8 [n, h, w, c], labels [n] -> a trained `Classifier`.

    The same arguments give the same weights, on the same machine. Each step
    sees `batch_size` images, moved by up to a sixteenth of their sides.

    Args:
        labels: Integers in 0..classes-1.
        classes: How many there are.
        held_out_share: Share of the images, 5,000 at most, that it is not
            trained on, so that `held_out_accuracy` can be believed.
        seed: Of the weights, the images held out and their order.

    Raises:
        ValueError: Images that are not uint8, or labels that do not fit.
    """
    images, labels = check_uint8(images), np.asarray(labels)
    _check_labels(labels, len(images), classes)
    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(len(images))
    held_out = min(round(held_out_share * len(images)), 5000)
    tests, trains = order[:held_out], order[held_out:]
    trainer = _trainer(images.shape[1:], int(classes))
    _start_anew(trainer, rng)
    for step, rows in enumerate(_batches(trains, batch_size, steps, rng)):
        trainer.optimizer.learning_rate = _learning_rate(step / steps)
        batch = _moved(images[rows], rng)
        trainer.train_on_batch(_prepare(batch), labels[rows].astype("int32"))
    classifier = Classifier(images.shape[1:], classes)
    _assign(classifier.model, _copied(trainer))
    if held_out:
        classifier.held_out_accuracy = classifier.accuracy(
            images[tests], labels[tests]
        )
    return classifier


def _copied(model):
    """{path: NumPy array}. On JAX, a step frees the arrays it was given."""
    return {
        weight.path: np.array(ops.convert_to_numpy(weight))
        for weight in model.weights
    }


def _assign(model, arrays):
    for weight in model.weights:
        weight.assign(arrays[weight.path])


def _check_labels(labels, count, classes):
    """Integers [count] in 0..classes-1, or a ValueError."""
    fit = (
        labels.shape == (count,)
        and np.issubdtype(labels.dtype, np.integer)
        and labels.min() >= 0
        and labels.max() < classes
    )
    if not fit:
        raise ValueError(
            f"`labels` must be an integer from 0 to {classes - 1} for each of "
            f"the {count} images. Received: labels.shape={labels.shape}, "
            f"labels.dtype={labels.dtype}, classes={classes}"
        )


def _network(shape, classes):
    """Images float32 [n, h, w, c] in [-1, 1] -> {"features", "logits"}."""
    images = keras.Input(shape, dtype="float32", name="images")
    side, width, x = min(shape[:2]), 32, images
    if side > 2 * _LAST_SIDE_PX:
        side /= 2
        x = _block(x, width, "stem", strides=2)
    stages = max(1, math.ceil(math.log2(side / _LAST_SIDE_PX)))
    for stage in range(stages):
        x = _block(x, width, f"stage_{stage}_a")
        width = min(2 * width, 64)
        x = _block(x, width, f"stage_{stage}_b")
        x = ops.max_pool(x, 2, 2, padding="same")
    x = layers.Flatten(dtype="float32")(x)
    features = ops.relu(_dense(FEATURES, "features")(x))
    logits = _dense(classes, "logits")(features)
    return keras.Model(images, {"features": features, "logits": logits})


def _dense(width, name):
    # Zeros, so that what the user draws does not depend on us: see _start_anew.
    return layers.Dense(
        width, kernel_initializer="zeros", dtype="float32", name=name
    )


def _block(x, width, name, strides=1):
    # A run is short: the usual momentum would average over most of it.
    return unit(x, name, width, 3, strides, momentum=0.9)


@functools.lru_cache(maxsize=4)
def _trainer(shape, classes):
    """The compiled model that every training on such images shares.

    One trace serves them all, however often a metric trains a classifier.
    """
    network = _network(shape, classes)
    trainer = keras.Model(network.inputs, network.output["logits"])
    trainer.compile(
        optimizer=keras.optimizers.Adam(_LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # It would scale by a variable that starting anew sets to 0.
        auto_scale_loss=False,
    )
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


@functools.lru_cache(maxsize=8)
def _reader(shape, classes, taps):
    network = _network(shape, classes)
    network.trainable = False
    return keras.Model(
        network.inputs, {tap: network.output[tap] for tap in taps}
    )


def _start_anew(trainer, rng):
    """Draws the weights (He et al. 2015) and forgets the optimizer's state."""
    for weight in trainer.weights:
        if weight.name == "kernel":
            scale = math.sqrt(2.0 / math.prod(weight.shape[:-1]))
            value = scale * rng.standard_normal(weight.shape)
        else:
            ones = weight.name in ("gamma", "moving_variance")
            value = np.full(weight.shape, float(ones))
        weight.assign(value.astype("float32"))
    for variable in trainer.optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))


def _learning_rate(progress):
    """Rises over the first tenth, then falls to 0 as a cosine does."""
    warm_up = min(progress / _SHARE_OF_WARM_UP, 1.0)
    return _LEARNING_RATE * warm_up * (1 + math.cos(math.pi * progress)) / 2


def _batches(rows, batch_size, steps, rng):
    """Rows in a new order each epoch, cut into batches of one size."""
    waiting = np.empty(0, rows.dtype)
    for _ in range(steps):
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, rng.permutation(rows)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def _moved(images, rng):
    """Images [n, h, w, c], each moved by up to a sixteenth of its sides.

    What comes in at an edge repeats the edge.
    """
    count, height, width, _ = images.shape
    places = []
    for length in (height, width):
        most = length // 16
        moves = rng.integers(-most, most + 1, count)
        place = moves[:, None] + np.arange(length)
        places.append(np.clip(place, 0, length - 1))
    rows, columns = places
    numbers = np.arange(count)[:, None, None]
    return images[numbers, rows[:, :, None], columns[:, None, :]]


def _prepare(images):
    """Images uint8 -> float32 in [-1, 1]."""
    return images.astype("float32") / 127.5 - 1.0
