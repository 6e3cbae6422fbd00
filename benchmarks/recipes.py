"""Trains recipes within one budget, and measures what they make.

    python benchmarks/recipes.py --recipes=dcgan,sngan --seeds=0,1 --minutes=6 \
        --data=fashion_mnist --data_dir=D

Without `--minutes`, a recipe sees its own `total_images`. With it, a short
training says how many images it sees in so long; that number is kept in
`<workdir>/budgets.json` and shown in the table: `kerasgan train` with it, the
seed and the recipe is the same run, whatever else the machine does.

Then the averaged generator is measured as `kerasgan evaluate` does. What is
there already is neither trained nor measured again, and a training goes on
where it stopped. Grids are in the runs' `samples/`.
"""

import json
import pathlib
import statistics
import tempfile

import timing
from absl import app, flags

from kerasgan import recipes
from kerasgan.metrics import records
from kerasgan.runs.evaluate import evaluate_runs
from kerasgan.runs.train import train
from kerasgan.runs.workdir import Workdir
from kerasgan.storage import read_jsonl, write_text

FLAGS = flags.FLAGS
flags.DEFINE_list("recipes", list(recipes.NAMES), "Which.")
flags.DEFINE_list("seeds", ["0"], "Of trainings.")
flags.DEFINE_string("data", "digits", "As for `kerasgan train`.")
flags.DEFINE_string("data_dir", None, "As for `kerasgan train`.")
flags.DEFINE_string("size", None, 'As for `kerasgan train`, such as "64".')
flags.DEFINE_multi_string("set", [], "As for `kerasgan train`.")
flags.DEFINE_float("minutes", None, "Of training; None: its total_images.")
flags.DEFINE_list(
    "metrics",
    ["cfd10k_train", "cpr10k3_train", "cdc10k5_train"],
    "As for `kerasgan evaluate`.",
)
flags.DEFINE_bool("allow_small", False, "As for `kerasgan evaluate`.")
flags.DEFINE_string("workdir", "runs/benchmark", "Holds a folder per run.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")

_TRIAL_SECONDS = 20.0


def main(argv):
    del argv
    timing.check("recipes", FLAGS.recipes, recipes.NAMES)
    rows, results = [], {}
    for name in FLAGS.recipes:
        results[name] = [run(name, int(seed)) for seed in FLAGS.seeds]
        rows.append({"recipe": f"`{name}`", **_row(results[name])})
        print(json.dumps({name: results[name]}))
    timing.report({"results": results}, rows, FLAGS.output)


def run(name, seed):
    """Trains a recipe and measures it -> {quantity: number}."""
    recipe = recipes.get(name).replace(
        data=FLAGS.data, data_dir=FLAGS.data_dir, seed=seed
    )
    texts = dict(assignment.split("=", 1) for assignment in FLAGS.set)
    recipe = recipe.override(
        texts | ({"size": FLAGS.size} if FLAGS.size else {})
    )
    folder = pathlib.Path(FLAGS.workdir)
    if FLAGS.minutes is not None:
        images = _budget(recipe, folder / "budgets.json")
        recipe = recipe.replace(total_images=images)
    # Another budget is another run, and so are other settings.
    data, images = pathlib.Path(FLAGS.data).name, recipe.total_images
    parts = [name, data, str(images), str(seed), *FLAGS.set]
    workdir = folder / "-".join(parts)
    if train(recipe, workdir) != 0:
        raise SystemExit(1)  # Interrupted: it goes on next time.
    return _measured(workdir)


def _budget(recipe, path):
    """Images that a recipe may see: measured once, then read from the file."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    parts = (recipe.name, recipe.data, recipe.size, FLAGS.minutes, *FLAGS.set)
    key = " ".join(str(part) for part in parts)
    if key not in kept:
        images = int(_speed(recipe) * 60 * FLAGS.minutes)
        batches = max(images // recipe.batch_size, 1)
        kept[key] = batches * recipe.batch_size
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(kept, indent=2))
    return kept[key]


def _speed(recipe):
    """Images per second of a short training, its first third left out."""
    images = 10 * recipe.batch_size
    seconds = min(_TRIAL_SECONDS, 60 * FLAGS.minutes)
    while True:
        with tempfile.TemporaryDirectory() as workdir:
            trial = recipe.replace(
                total_images=3 * images, log_every=images, sample_every=10**9
            )
            if train(trial, workdir) != 0:
                raise SystemExit(1)
            speed = _median_speed(workdir, first=1)  # Then it is compiled.
        if images / speed > seconds / 3:
            return speed
        images = int(speed * seconds / 2)


def _median_speed(workdir, first=0):
    lines = read_jsonl(Workdir(workdir).metrics, having="images_per_second")
    return statistics.median(x["images_per_second"] for x in lines[first:])


def _measured(workdir):
    """A run's numbers, those that were missing taken now."""
    path = Workdir(workdir).evaluation
    known = {record.protocol for record in records.read(path)}
    missing = [name for name in FLAGS.metrics if name not in known]
    if missing:
        for _ in evaluate_runs(
            [workdir], missing, allow_small=FLAGS.allow_small
        ):
            pass
    found = {}
    for record in records.read(path):
        if record.protocol in FLAGS.metrics:
            found |= {"images": record.fake["images_seen"], **record.values}
    return {**found, "images/s": _median_speed(workdir)}


def _row(runs):
    """Means over seeds; of several, ± their standard deviation."""
    row = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        mean = statistics.mean(values)
        row[name] = f"{mean:,.0f}" if mean >= 1000 else f"{mean:.4g}"
        if len(set(values)) > 1:
            row[name] += f" ± {statistics.stdev(values):.2g}"
    return row


if __name__ == "__main__":
    app.run(main)
