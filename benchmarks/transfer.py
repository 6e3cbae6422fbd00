"""Few images of new classes: from scratch, or from what other classes taught.

    python benchmarks/transfer.py --data=fashion_mnist --data_dir=D \
        --budgets=10000,30000,100000 --seeds=0,1

The classes of a dataset are cut in halves. A recipe is trained on the first
(`--source_images`); then, on `--count` images of the second, from scratch, from
that training, and from it with some stages of the discriminator frozen
(FreezeD). At each budget of images seen, the averaged generator is measured
against all training images of the second half, in features of a classifier
that was trained on those.

What is there already in `--workdir` is neither trained nor measured again, and
a training goes on where it stopped. Grids are in the runs' `samples/`.
"""

import pathlib
import statistics

import numpy as np
import timing
from absl import app, flags

from kerasgan import data, pictures, recipes
from kerasgan.metrics import Evaluator, records
from kerasgan.runs.evaluate import Progress, about, statistics_in
from kerasgan.runs.sample import load_model
from kerasgan.runs.train import train
from kerasgan.runs.workdir import Workdir
from kerasgan.storage import replacing
from kerasgan.training import checkpoints

FLAGS = flags.FLAGS
flags.DEFINE_string("recipe", "dcgan", "Which.")
flags.DEFINE_multi_string("set", [], "field=value, of all trainings.")
flags.DEFINE_string("data", "mnist", "As for `kerasgan train`, with labels.")
flags.DEFINE_string("data_dir", None, "As for `kerasgan train`.")
flags.DEFINE_integer("count", 500, "Images of the second half to learn from.")
flags.DEFINE_integer("source_images", 200_000, "Seen of the first half.")
flags.DEFINE_list("budgets", ["10000", "50000"], "Images seen of the second.")
flags.DEFINE_list("frozen_stages", ["0", "1", "2"], "Of trainings from it.")
flags.DEFINE_list("seeds", ["0"], "Of trainings on the second half.")
flags.DEFINE_list(
    "metrics",
    ["cfd10k", "cpr10k3", "cdc10k5"],
    "Protocols, as for `kerasgan evaluate`.",
)
flags.DEFINE_bool("allow_small", False, "As for `kerasgan evaluate`.")
flags.DEFINE_string("workdir", "runs/transfer", "Holds a folder per run.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")


def main(argv):
    del argv
    recipe = _recipe()
    folder = pathlib.Path(FLAGS.workdir)
    folder.mkdir(parents=True, exist_ok=True)
    source, few, real = _halves(folder)
    first = folder / f"{recipe.name}-{source.stem}-{FLAGS.source_images}"
    images = _whole_steps(recipe, FLAGS.source_images)
    _train(recipe.replace(data=str(source), total_images=images), first)
    evaluator = Evaluator(
        FLAGS.metrics,
        real=data.load(real),
        allow_small=FLAGS.allow_small,
        statistics=statistics_in(),
        progress=Progress(),
    )
    variants = {"from scratch": {}}
    for count in map(int, FLAGS.frozen_stages):
        variants[f"from the first half, frozen stages: {count}"] = {
            "start_from": str(first),
            "frozen_stages": count,
        }
    results, rows = {}, []
    for name, fields in variants.items():
        results[name] = runs = [
            run(recipe, few, int(seed), evaluator, **fields)
            for seed in FLAGS.seeds
        ]
        for budget in runs[0]:
            values = [measured[budget] for measured in runs]
            rows.append({"training": name, "images": budget, **_row(values)})
    timing.report({"results": results}, rows, FLAGS.output)


def run(recipe, few, seed, evaluator, **fields):
    """Trains on few images -> {images seen: {quantity: number}}."""
    start = f"from{fields['frozen_stages']}" if fields else "scratch"
    folder = f"{recipe.name}-{few.stem}-{start}-{FLAGS.source_images}-{seed}"
    workdir = Workdir(few.parent / folder)
    recipe = recipe.replace(data=str(few), seed=seed, **fields)
    found = {}
    for budget in sorted(map(int, FLAGS.budgets)):
        images = _whole_steps(recipe, budget)
        found[images] = _known(workdir, images)
        if set(FLAGS.metrics) - found[images].keys():
            _train(recipe.replace(total_images=images), workdir.path)
            _measure(workdir, recipe, images, evaluator)
            found[images] = _known(workdir, images)
    return {
        images: {k: v for name in FLAGS.metrics for k, v in known[name].items()}
        for images, known in found.items()
    }


def _recipe():
    texts = dict(word.split("=", 1) for word in FLAGS.set)
    recipe = recipes.get(FLAGS.recipe).replace(data_dir=FLAGS.data_dir)
    return recipe.override(texts)


def _halves(folder):
    """Writes the images -> paths: first half, few of the second, all of it."""
    name = pathlib.Path(FLAGS.data).name
    paths = [
        folder / f"{name}_first.npz",
        folder / f"{name}_second_{FLAGS.count}.npz",
        folder / f"{name}_second.npz",
    ]
    if all(path.exists() for path in paths):
        return paths
    loaded = data.load(FLAGS.data, data_dir=FLAGS.data_dir)
    labels = loaded.labels(np.arange(loaded.count))
    half = loaded.classes // 2
    first, second = (np.flatnonzero(x) for x in (labels < half, labels >= half))
    few = np.random.default_rng(0).permutation(second)[: FLAGS.count]
    for path, places in zip(paths, (first, few, second), strict=True):
        images = pictures.to_uint8(loaded.images(places))
        with replacing(path) as part:
            of_half = labels[places] - labels[places].min()
            np.savez_compressed(part, images=images, labels=of_half)
    return paths


def _whole_steps(recipe, images):
    return -(-images // recipe.batch_size) * recipe.batch_size


def _train(recipe, workdir):
    notes = checkpoints.read_notes(Workdir(workdir).checkpoints)
    print(f"{workdir}: {'goes on' if notes else 'begins'}", flush=True)
    if train(recipe, workdir) != 0:
        raise SystemExit(1)  # Interrupted: it goes on next time.


def _measure(workdir, recipe, images, evaluator):
    model = load_model(workdir.path)
    seen = int(model.images_seen)
    if seen != images:
        raise app.UsageError(
            "`--budgets` must not be below what a run has seen already, and "
            f"was not measured at. Received: {images:,}, of {workdir}, which "
            f"has seen {seen:,}. Name another --workdir."
        )
    found = evaluator.measure(model, images_seen=seen, **about(recipe))
    records.append(workdir.evaluation, found)


def _known(workdir, images):
    """{protocol: its values} of a run, when it had seen so many images."""
    return {
        record.protocol: record.values
        for record in records.read(workdir.evaluation)
        if record.fake["images_seen"] == images
    }


def _row(runs):
    """Means over seeds; of several, ± their standard deviation."""
    row = {}
    for name in runs[0]:
        values = [values[name] for values in runs]
        row[name] = f"{statistics.mean(values):.4g}"
        if len(values) > 1:
            row[name] += f" ± {statistics.stdev(values):.2g}"
    return row


if __name__ == "__main__":
    app.run(main)
