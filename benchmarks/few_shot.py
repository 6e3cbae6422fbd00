"""Few images, with and without augmentation: the same run in every other way.

    python benchmarks/few_shot.py --data=D/orl_faces --size=64 --images=60800

Trains the recipe once for each augmenter, measures what comes of it as
`kerasgan evaluate --allow_small` does, and draws how the discriminator overfits:
the mean sign of its logits of real images (Karras et al. 2020, section 3), and
ADA's probability. What is there already is neither trained nor measured again.
Grids are in the runs' `samples/`.
"""

import json
import pathlib

import timing
from absl import app, flags
from matplotlib.figure import Figure

from kerasgan import recipes
from kerasgan.metrics import records
from kerasgan.runs.evaluate import evaluate_runs
from kerasgan.runs.plots import SIGNALS
from kerasgan.runs.train import train
from kerasgan.runs.workdir import Workdir
from kerasgan.storage import read_jsonl, replacing

FLAGS = flags.FLAGS
flags.DEFINE_string("recipe", "dcgan", "Which.")
flags.DEFINE_list("augmenters", ["none", "diffaugment", "ada"], "Which.")
flags.DEFINE_string("data", "digits", "As for `kerasgan train`.")
flags.DEFINE_string("size", None, 'As for `kerasgan train`, such as "64".')
flags.DEFINE_integer("images", 60_800, "That a run sees.")
flags.DEFINE_multi_string(
    "set",
    ["width=32", "batch_size=32", "flip=true", "channels=1"],
    "Of all runs, as for `kerasgan train`.",
)
flags.DEFINE_integer("ada_images", 50_000, "Until ADA gets from 0 to 1.")
flags.DEFINE_list(
    "metrics",
    [
        "ckd10k_train",
        "cfd10k_train",
        "cpr10k3_train",
        "cdc10k5_train",
        "swd400_train",
        "memorisation400",
    ],
    "As for `kerasgan evaluate`.",
)
flags.DEFINE_string("workdir", "runs/few_shot", "Holds a folder per run.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")


def main(argv):
    del argv
    timing.check(
        "augmenters", FLAGS.augmenters, ("none", "diffaugment", "ada", "apa")
    )
    rows, results = [], {}
    for name in FLAGS.augmenters:
        workdir = pathlib.Path(FLAGS.workdir) / name
        if train(_recipe(name), workdir) != 0:
            raise SystemExit(1)  # Interrupted: it goes on next time.
        results[name] = _measured(workdir)
        rows.append({"augmenter": f"`{name}`", **_short(results[name])})
        print(json.dumps({name: results[name]}))
    draw(
        {n: pathlib.Path(FLAGS.workdir) / n for n in FLAGS.augmenters},
        pathlib.Path(FLAGS.workdir) / "few_shot.png",
    )
    timing.report({"results": results}, rows, FLAGS.output)


def _recipe(augmenter):
    texts = dict(assignment.split("=", 1) for assignment in FLAGS.set)
    texts |= {"data": FLAGS.data, "total_images": str(FLAGS.images)}
    texts |= {"size": FLAGS.size} if FLAGS.size else {}
    texts |= {"sample_every": "10000", "log_every": "1600"}
    texts["augmenter"] = augmenter
    if augmenter in ("ada", "apa"):
        texts["augmenter_images"] = str(FLAGS.ada_images)
    return recipes.get(FLAGS.recipe).override(texts)


def _measured(workdir):
    """A run's numbers, those that were missing taken now."""
    path = Workdir(workdir).evaluation
    known = {record.protocol for record in records.read(path)}
    missing = [name for name in FLAGS.metrics if name not in known]
    if missing:
        for _ in evaluate_runs([workdir], missing, allow_small=True):
            pass
    found = {}
    for record in records.read(path):
        if record.protocol in FLAGS.metrics:
            found |= record.values
    lines = read_jsonl(Workdir(workdir).metrics, having="images_per_second")
    last = {k: lines[-1][k] for k in SIGNALS if k in lines[-1]}
    return {"images": lines[-1]["images"], **found, **last}


def _short(values):
    return {
        name: f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
        for name, value in values.items()
    }


def draw(workdirs, path):
    """Draws the signals of runs {name: workdir} over images seen."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    for axes, (signal, title) in zip(
        figure.subplots(2, 1, sharex=True), SIGNALS.items(), strict=True
    ):
        for name, workdir in workdirs.items():
            lines = read_jsonl(Workdir(workdir).metrics, having=signal)
            places = [line["images"] / 1000 for line in lines]
            values = [line[signal] for line in lines]
            if values:
                axes.plot(places, values, label=name)
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    axes.set_xlabel("thousands of images seen")
    with replacing(path) as part:
        figure.savefig(part, dpi=110)


if __name__ == "__main__":
    app.run(main)
