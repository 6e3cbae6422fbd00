"""Trains recipes and measures what they make, resumably.

    python benchmarks/recipes.py --data=digits
    python benchmarks/recipes.py --data=fashion_mnist --data_dir=D

Each run lives in `--workdir`; one that is finished is not trained again. A line
per recipe is printed and written to `<workdir>/results.jsonl`:

- `images_per_second`: the median over the run's intervals, and the seconds.
- `fidelity`: median distance from a generated image to the nearest real one,
  over the same distance for held-out real images. 1 is like real data; above
  it, images are unlike any real one; far below, they are copies or blurs.
- `coverage`: median distance from a held-out real image to the nearest
  generated one, over its distance to the nearest real one. 1 is as varied as
  real data; above it, kinds of real images are missing.
- `classes`: the effective number of classes among the samples, exp(entropy),
  of ten, as a support vector machine trained on real images sees them.
- `label_accuracy`: for conditional recipes, how often that machine sees the
  class that was asked for; `real_accuracy` is its accuracy on held-out data.

Distances are Euclidean between pixels: good enough to tell these recipes
apart on digits and clothes, and on nothing harder.
"""

import json
import pathlib
import sys
import time

import numpy as np
from absl import app, flags

from kerasgan import data as sources
from kerasgan import recipes
from kerasgan.runs.sample import load_model
from kerasgan.runs.train import train
from kerasgan.runs.workdir import Workdir
from kerasgan.storage import read_jsonl

FLAGS = flags.FLAGS
flags.DEFINE_list("recipes", list(recipes.NAMES), "Which.")
flags.DEFINE_string("data", "digits", "As for `kerasgan train`.")
flags.DEFINE_string("data_dir", None, "As for `kerasgan train`.")
flags.DEFINE_integer("total_images", None, "None is the recipe's own.")
flags.DEFINE_integer("seed", 0, "Of the training.")
flags.DEFINE_string("workdir", "runs/benchmark", "Holds a folder per run.")
flags.DEFINE_integer("samples", 2000, "Generated images to measure.")


class Judge:
    """Measures samples against a training and a held-out set."""

    def __init__(self, name, data_dir):
        from sklearn.neighbors import NearestNeighbors
        from sklearn.svm import SVC

        images, labels, held_out, held_out_labels = _split(name, data_dir)
        self._neighbours = NearestNeighbors(n_neighbors=1).fit(images)
        self._held_out = held_out
        self._classifier = SVC(C=10.0).fit(images, labels)
        predicted = self._classifier.predict(held_out)
        self.real_accuracy = float(np.mean(predicted == held_out_labels))
        self._real_distance = np.median(self._nearest_real(held_out))

    def measure(self, samples, labels):
        from sklearn.neighbors import NearestNeighbors

        samples = samples.reshape(len(samples), -1)
        generated = NearestNeighbors(n_neighbors=1).fit(samples)
        to_generated = generated.kneighbors(self._held_out)[0]
        predicted = self._classifier.predict(samples)
        shares = np.bincount(predicted, minlength=10) / len(predicted)
        entropy = -np.sum(shares * np.log(np.maximum(shares, 1e-12)))
        real = self._real_distance
        result = {
            "fidelity": np.median(self._nearest_real(samples)) / real,
            "coverage": np.median(to_generated) / real,
            "classes": np.exp(entropy),
        }
        if labels is not None:
            result["label_accuracy"] = np.mean(predicted == labels)
        return {name: round(float(value), 3) for name, value in result.items()}

    def _nearest_real(self, images):
        return self._neighbours.kneighbors(images)[0]


def _split(name, data_dir):
    """As many training images as samples are measured, and held-out ones."""
    train_set = sources.load(name, data_dir=data_dir)
    order = np.random.default_rng(0).permutation(train_set.count)
    if name == "digits":  # It has no test split.
        chosen, held_out, test_set = order[:1000], order[1000:], train_set
    else:
        test_set = sources.load(name, data_dir=data_dir, split="test")
        chosen, held_out = order[:10_000], np.arange(2000)

    def flat(dataset, places):
        images = dataset.images(places)
        return images.reshape(len(images), -1), dataset.labels(places)

    return *flat(train_set, chosen), *flat(test_set, held_out)


def run(name, judge):
    recipe = recipes.get(name).replace(
        data=FLAGS.data, data_dir=FLAGS.data_dir, seed=FLAGS.seed
    )
    if FLAGS.total_images is not None:
        recipe = recipe.replace(total_images=FLAGS.total_images)
    path = pathlib.Path(FLAGS.workdir) / f"{name}-{FLAGS.data}-{FLAGS.seed}"
    started = time.monotonic()
    if train(recipe, path) != 0:
        sys.exit(1)
    seconds = time.monotonic() - started
    model = load_model(path)
    labels = model.labels(FLAGS.samples, seed=1)
    samples = model.generate(FLAGS.samples, labels, seed=1)
    lines = read_jsonl(Workdir(path).metrics, having="images_per_second")
    speeds = [line["images_per_second"] for line in lines]
    return {
        "recipe": name,
        "data": FLAGS.data,
        "seed": FLAGS.seed,
        "images": int(model.images_seen),
        "images_per_second": round(float(np.median(speeds))),
        "seconds_this_time": round(seconds),
        **judge.measure(samples, labels),
    }


def main(argv):
    del argv
    judge = Judge(FLAGS.data, FLAGS.data_dir)
    print(f"the classifier's real_accuracy is {judge.real_accuracy:.3f}")
    results = pathlib.Path(FLAGS.workdir) / "results.jsonl"
    results.parent.mkdir(parents=True, exist_ok=True)
    for name in FLAGS.recipes:
        result = json.dumps(run(name, judge))
        print(result)
        with results.open("a") as file:
            file.write(result + "\n")


if __name__ == "__main__":
    app.run(main)
