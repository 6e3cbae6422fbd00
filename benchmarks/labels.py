r"""Labels that are not a class: several at once, and a number.

    python benchmarks/labels.py --data_dir=D --cases=two_digits \
        --images=250000
    python benchmarks/labels.py --data_dir=D --cases=angle --images=100000 \
        --label_weight=5

From MNIST, two tasks. "two_digits": two digits side by side, 28x28, whose label
says which of the ten are there, floats [10]. "angle": threes turned by up to 90
degrees either way, whose label is the angle, a float in [-1, 1]. A DCGAN whose
discriminator also estimates the label (`label_loss="classification"` of several
classes, or "regression") trains on each.

A network of its own, trained on real images, judges: how often it finds just
the digits that were asked for, or how many degrees it is off; on real images
that nobody trained on, too, which is as good as it gets. Grids, a label in each
column, are written to `--workdir`.
"""

import json
import pathlib

import numpy as np
import timing
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_list("cases", ["two_digits", "angle"], "Which.")
flags.DEFINE_string("data_dir", None, "Where tfds keeps MNIST.")
flags.DEFINE_integer("images", 150_016, "That a GAN sees.")
flags.DEFINE_integer("seed", 0, "Of data, networks and training.")
flags.DEFINE_string(
    "conditioning",
    "classification",
    'What the discriminator does with labels; "classification": it tells them.',
)
flags.DEFINE_float("label_weight", 10.0, "Of the label's term, both players.")
flags.DEFINE_string("workdir", "runs/labels", "For models and grids.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")

_BATCH = 64
_JUDGED = 5_000
_DEGREES = 90.0


def two_digits(images, labels, rng, count):
    """Digits [n, 28, 28, 1] in [-1, 1] -> pairs, labels floats [count, 10]."""
    left, right = rng.integers(len(images), size=(2, count))
    # Of two equal digits one could not tell that there are two.
    keep = labels[left] != labels[right]
    left, right = left[keep], right[keep]
    small = images.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4))
    pairs = np.full((len(left), 28, 28, 1), -1.0, "float32")
    for side, places in enumerate((left, right)):
        tops = rng.integers(5, 10, size=len(places))
        for i, (place, top) in enumerate(zip(places, tops, strict=True)):
            pairs[i, top : top + 14, 14 * side : 14 * side + 14] = small[place]
    found = np.zeros((len(left), 10), "float32")
    for places in (left, right):
        found[np.arange(len(left)), labels[places]] = 1.0
    return pairs, found


def angle(images, labels, rng, count):
    """Digits [n, 28, 28, 1] in [-1, 1] -> threes, labels floats [count, 1]."""
    from scipy import ndimage

    images = images[labels == 3]
    turns = rng.uniform(-1.0, 1.0, count).astype("float32")
    chosen = images[rng.integers(len(images), size=count)]
    turned = [
        ndimage.rotate(
            image, _DEGREES * turn, reshape=False, order=1, cval=-1.0
        )
        for image, turn in zip(chosen, turns, strict=True)
    ]
    return np.stack(turned).astype("float32"), turns[:, None]


# Case -> its data, its label loss, the labels of its grid's columns.
_CASES = {
    "two_digits": (
        two_digits,
        "classification",
        np.stack([np.eye(10)[i] + np.eye(10)[(i + 3) % 10] for i in range(10)]),
    ),
    "angle": (angle, "regression", np.linspace(-1, 1, 9)[:, None]),
}


def main(argv):
    del argv
    timing.check("cases", FLAGS.cases, _CASES)
    rows, results = [], {}
    for name in FLAGS.cases:
        results[name] = run(name)
        rows.append({"case": f"`{name}`", **_short(results[name])})
        print(json.dumps({name: results[name]}))
    timing.report({"results": results}, rows, FLAGS.output)


def run(name):
    """Trains a GAN of a case and judges it -> {quantity: number}."""
    import keras

    make, label_loss, columns = _CASES[name]
    rng = np.random.default_rng(FLAGS.seed)
    train, test = (
        make(*_mnist(split), rng, count)
        for split, count in (("train", 60_000), ("test", 10_000))
    )
    keras.utils.set_random_seed(FLAGS.seed)
    gan = _gan(train[1], label_loss)
    _fit(gan, *train)
    judge = _judge(label_loss, *train)
    order = rng.permutation(len(test[1]))[:_JUDGED]
    asked = test[1][order]
    generated = gan.decode(gan.latents(len(asked), FLAGS.seed), asked)
    _write(name, gan, columns.astype("float32"))
    return {
        "images": int(gan.images_seen),
        "real": _score(label_loss, judge, test[0][order], asked),
        "generated": _score(label_loss, judge, generated, asked),
    }


def _mnist(split):
    from kerasgan import data

    found = data.load("mnist", split=split, data_dir=FLAGS.data_dir)
    everything = np.arange(found.count)
    return found.images(everything), found.labels(everything)


def _gan(labels, label_loss):
    import kerasgan
    from kerasgan.models import dcgan

    classes = labels.shape[1]
    gan = kerasgan.GANModel(
        dcgan.Generator((28, 28, 1), latent_size=64, width=32, classes=classes),
        dcgan.Discriminator(
            (28, 28, 1),
            width=32,
            classes=classes,
            conditioning=FLAGS.conditioning,
        ),
        label_examples=labels[:1000],
    )
    told = {}
    if FLAGS.conditioning == "classification":
        told["label_loss"] = label_loss
        told["term_weights"] = {
            f"{player}_{label_loss}": FLAGS.label_weight
            for player in ("generator", "discriminator")
        }
    gan.compile(
        **told,
        ema_half_life_images=5_000,
        seed=FLAGS.seed,
    )
    return gan


def _fit(gan, images, labels):
    import tensorflow as tf

    from kerasgan import callbacks

    data = tf.data.Dataset.from_tensor_slices(
        {"image": images, "label": labels}
    )
    data = data.shuffle(10_000, seed=FLAGS.seed).repeat()
    data = data.batch(_BATCH, drop_remainder=True).prefetch(2)
    gan.fit(
        data,
        steps_per_epoch=FLAGS.images // _BATCH,
        verbose=0,
        callbacks=[callbacks.Progress(FLAGS.images)],
    )


def _judge(label_loss, images, labels):
    """A small network of real images -> logits of labels, or numbers."""
    import keras
    from keras import layers

    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),
            layers.Dense(labels.shape[1]),
        ]
    )
    loss = {
        "classification": keras.losses.BinaryCrossentropy(from_logits=True),
        "regression": "mse",
    }
    network.compile(keras.optimizers.Adam(1e-3), loss[label_loss])
    network.fit(images, labels, batch_size=128, epochs=5, verbose=0)
    return network


def _score(label_loss, judge, images, asked):
    """The share whose labels are all right, or the mean degrees off."""
    found = judge.predict(images, batch_size=256, verbose=0)
    if label_loss == "regression":
        return float(_DEGREES * np.abs(found - asked).mean())
    return float(((found > 0) == (asked > 0.5)).all(axis=1).mean())


def _write(name, gan, columns):
    from kerasgan import pictures

    rows = 8
    labels = np.tile(columns, (rows, 1))
    # One latent in each row.
    latents = np.repeat(gan.latents(rows, FLAGS.seed), len(columns), axis=0)
    folder = pathlib.Path(FLAGS.workdir)
    folder.mkdir(parents=True, exist_ok=True)
    picture = pictures.grid(gan.decode(latents, labels), len(columns))
    pictures.save(folder / f"{name}.png", picture)
    gan.save(folder / f"{name}.keras")


def _short(values):
    return {
        name: f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
        for name, value in values.items()
    }


if __name__ == "__main__":
    app.run(main)
