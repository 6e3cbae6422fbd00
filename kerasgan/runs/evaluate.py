"""Numbers for runs and for folders of images, by protocols."""

import dataclasses
import pathlib
import sys
import time

import keras
import numpy as np

from kerasgan import data as sources
from kerasgan.callbacks import Evaluation, images_seen
from kerasgan.callbacks.evaluation import best_protocol
from kerasgan.features.weights import cache_folder
from kerasgan.metrics import protocols
from kerasgan.metrics import records as recording
from kerasgan.metrics.evaluation import Evaluator
from kerasgan.metrics.statistics import Statistics
from kerasgan.runs import sides
from kerasgan.runs.neighbours import picture_neighbours
from kerasgan.runs.preparation import Plan
from kerasgan.runs.sample import load_model
from kerasgan.runs.workdir import Workdir

# Of runs on images with classes, on others, and on those with conditions too.
LABELLED = ("cfd10k_train", "cpr10k3_train", "cdc10k5_train")
UNLABELLED = ("fid10k_train", "kid10k_train", "pr10k3_train")
MEMORISING = "memorisation10k"
CONDITIONAL = ("cas10k",)


def evaluate_run(workdir, metrics=None, **options):
    """Measures a run's averaged generator -> its new records.

    Args:
        metrics: Names of protocols; None is `default_metrics`.
        options: See `evaluate_runs`.
    """
    ((_, found),) = evaluate_runs([workdir], metrics, **options)
    return found


def evaluate_runs(
    workdirs,
    metrics=None,
    *,
    checkpoint="last",
    data=None,
    data_dir=None,
    held_out=None,
    seeds=(0,),
    allow_small=False,
    weights=None,
    statistics=None,
    progress=None,
):
    """Measures runs on the same data; yields (workdir, its new records).

    They are added to its `evaluation.json`; with the family `memorisation`,
    `neighbours.png` is drawn. What is wrong with any run is said before the
    first is measured.

    Args:
        metrics: Names of protocols; None is `default_metrics`.
        checkpoint: "last" or "best".
        data, data_dir: Where the training images are now, if they moved.
        held_out: A source of unseen images: its test or validation split where
            it has one; None is the data's test split.
        seeds: Of what is generated.
        allow_small, weights: See `kerasgan.metrics.Evaluator`.
        statistics: A folder; None is one in Keras' cache.
        progress: A function (what, done, total); None prints a bar.
    """
    _check_names(metrics)
    models = [load_model(workdir, checkpoint) for workdir in workdirs]
    runs = [Workdir(workdir) for workdir in workdirs]
    plans = [Plan.from_dict(run.read_recipe()) for run in runs]
    _check_runs(runs, plans)
    real = sides.of_run(plans[0], data, data_dir, held_out)
    metrics = metrics or default_metrics(real, models)
    evaluator = _Evaluator(
        metrics,
        real,
        allow_small=allow_small,
        weights=weights,
        statistics=statistics,
        progress=progress,
    )
    for model in models:
        evaluator.check(model)
    for run, plan, model in zip(runs, plans, models, strict=True):
        found = evaluator.measure(
            model,
            seeds,
            **about(plan.recipe),
            images_seen=images_seen(model),
            checkpoint=checkpoint,
        )
        recording.append(run.evaluation, found)
        if any(name.startswith("memorisation") for name in metrics):
            picture_neighbours(run, model, real.real)
        yield run, found


def check_metrics(recipe):
    """Raises a ValueError where a recipe's protocols are no such."""
    best_protocol([protocols.get(n) for n in recipe.metrics], recipe.best_by)


def during_training(plan, real, workdir, model):
    """A callback that measures what a plan's recipe says, in its workdir.

    Its evaluator is not prepared yet.

    Raises:
        ValueError: The recipe's protocols, the data and the model do not go
            together, or the workdir's records cannot be read.
    """
    recipe = plan.recipe
    recording.read(workdir.evaluation)
    evaluator = _Evaluator(recipe.metrics, sides.of_training(plan, real))
    evaluator.check(model)
    return Evaluation(
        evaluator,
        recipe.evaluate_every,
        workdir.metrics,
        records=workdir.evaluation,
        best_by=recipe.best_by,
        best=workdir.best,
        about=about(recipe),
    )


def evaluate_folders(
    real,
    fake,
    metrics=None,
    *,
    held_out=None,
    data_dir=None,
    size=None,
    channels=None,
    allow_small=False,
    weights=None,
    statistics=None,
    progress=None,
):
    """Measures one set of images by another -> records.

    Args:
        real, fake, held_out: As `source` of `kerasgan.data.load`: folders,
            archives, .npz files, names of tfds, arrays. Of `held_out` the test
            or validation split where it has one; None is `real`'s test split.
        metrics: Names of protocols; None is FID, KID, precision and recall
            of as many images as `fake` has.
        size, channels: Of all; None keeps the images' own.
        allow_small, weights, statistics, progress: As for `evaluate_runs`.
    """
    _check_names(metrics)
    prepared = {"data_dir": data_dir, "size": size, "channels": channels}
    real = sides.of_folders(real, held_out, **prepared)
    fake = sources.load(fake, **prepared)
    if real.real.image_shape != fake.image_shape:
        shapes = (_by(s.image_shape) for s in (real.real, fake))
        raise ValueError(
            "Real and generated images must have one size and number of "
            f"channels. Received: {' and '.join(shapes)}. Bring them to one "
            "with `size` and `channels` (`--size=28`, `--channels=1`); a "
            "resize changes the numbers, and is flagged"
        )
    if not metrics:
        families = ("fid{}", "kid{}", "pr{}")
        metrics = [family.format(fake.count) for family in families]
    sides.check_classes(metrics, real.real, fake=fake)
    evaluator = _Evaluator(
        metrics,
        real,
        allow_small=allow_small,
        weights=weights,
        statistics=statistics,
        progress=progress,
    )
    resized = [
        f"{side.name}: images of other sizes were brought to "
        f"{_by(side.image_shape[:2])} when they were read"
        for side in (real.real, fake)
        if side.resized
    ]
    return [
        dataclasses.replace(record, flags=[*record.flags, *resized])
        for record in evaluator.measure(fake)
    ]


def about(recipe):
    """What records say of the generators of a recipe."""
    return {
        "name": recipe.name,
        "recipe": recipe.name,
        "training_seed": recipe.seed,
    }


def default_metrics(real, models):
    """Names of protocols that suit the real `Sides` and all of the models."""
    if real.real.classes is None:
        return [*UNLABELLED, MEMORISING]
    chosen = [*LABELLED, MEMORISING]
    if all(model.classes is not None for model in models):
        split = "train" if real.held_out is None else "test"
        chosen += [f"{name}_{split}" for name in CONDITIONAL]
    return chosen


def over_runs(of_runs):
    """Records of several runs, by the same protocols -> means and deviations.

    Each becomes one record, whose spread is that of the runs.
    """
    joined = []
    for group in zip(*of_runs, strict=True):
        first, names = group[0], list(group[0].values)
        table = np.array([[r.values[name] for name in names] for r in group])
        joined.append(
            dataclasses.replace(
                first,
                values=dict(
                    zip(names, table.mean(axis=0).tolist(), strict=True)
                ),
                spread=dict(
                    zip(names, table.std(axis=0, ddof=1).tolist(), strict=True)
                ),
                fake={**first.fake, "name": f"{len(group)} runs"},
                flags=list(dict.fromkeys(f for r in group for f in r.flags)),
            )
        )
    return joined


class Progress:
    """A line for each thing that takes time, and on a terminal Keras' bar."""

    def __init__(self):
        self._open = {}  # What has begun -> its bar, or None.
        self._shown = 0.0

    def __call__(self, what, done, total):
        if what not in self._open:
            print(what, flush=True)
            has_bar = total > 1 and sys.stdout.isatty()
            self._open[what] = has_bar and keras.utils.Progbar(
                total, unit_name="image"
            )
            self._shown = 0.0
        bar = self._open[what]
        if done >= total:
            del self._open[what]
        now = time.monotonic()
        if bar and (done >= total or now - self._shown >= 0.5):
            self._shown = now
            bar.update(done, finalize=done >= total)


def default_statistics():
    """The folder in which what is seen in real images is kept."""
    return pathlib.Path(cache_folder()) / "statistics"


def statistics_in(folder=None):
    """The `Statistics` of a folder; None is the default one."""
    folder = folder or default_statistics()
    return Statistics(pathlib.Path(folder).expanduser())


class _Evaluator(Evaluator):
    """One of `Sides`, whose records name the splits as the data do.

    Its statistics are kept in a folder, and what takes time is told.
    """

    def __init__(
        self, metrics, real, *, statistics=None, progress=None, **options
    ):
        sides.check_classes(metrics, real.real, held_out=real.held_out)
        super().__init__(
            metrics,
            real=real.real,
            held_out=real.held_out,
            statistics=statistics_in(statistics),
            progress=progress or Progress(),
            **options,
        )
        self._loaded = real

    def measure(self, fake, seeds=(0,), **about):
        found = super().measure(fake, seeds, **about)
        return [self._loaded.named(record) for record in found]


def _check_names(metrics):
    for name in metrics or ():
        protocols.get(name)


def _check_runs(runs, plans):
    """Raises where data differ, or records could not be added."""
    for run in runs:
        recording.read(run.evaluation)
    prints = {plan.data_fingerprint for plan in plans}
    if len(prints) > 1:
        lines = [
            f"  {run}: {plan.data_name}, {plan.data_fingerprint[:12]}"
            for run, plan in zip(runs, plans, strict=True)
        ]
        raise ValueError(
            "Runs that are measured together must have learned from the same "
            "images. Received:\n" + "\n".join(lines) + "\nMeasure them one by "
            "one"
        )


def _by(shape):
    return "x".join(str(side) for side in shape)
