"""Numbers for runs and for folders of images, by protocols."""

import dataclasses
import json
import pathlib
import sys
import time

import keras
import numpy as np

from kerasgan import data as sources
from kerasgan import metrics as measuring
from kerasgan import pictures, storage
from kerasgan.callbacks import Evaluation, images_seen
from kerasgan.errors import UnknownSplit
from kerasgan.features.weights import cache_folder
from kerasgan.metrics import records as recording
from kerasgan.metrics.memorising import nearest_neighbours
from kerasgan.metrics.sides import Generated, Side
from kerasgan.runs.preparation import Plan, load_data
from kerasgan.runs.sample import load_model
from kerasgan.runs.workdir import Workdir

# Of runs on images with classes, on others, and on those with conditions too.
LABELLED = ("cfd10k_train", "cpr10k3_train", "cdc10k5_train")
UNLABELLED = ("fid10k_train", "kid10k_train", "pr10k3_train")
MEMORISING = "memorisation10k"
CONDITIONAL = ("cas10k",)

_PAIRS = 12  # Rows of the picture of nearest neighbours.
_NEIGHBOURS = 7


def evaluate_run(
    workdir,
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
    """Measures a run's averaged generator -> its new records.

    They are added to its `evaluation.json`. With a protocol of the family
    `memorisation`, `neighbours.png` shows generated images beside the training
    images nearest to them.

    Args:
        metrics: Names of protocols; None is `default_metrics`.
        checkpoint: "last" or "best".
        data, data_dir: Where the training images are now, if they moved.
        held_out: A source of unseen images; None is the data's test split.
        seeds: Of what is generated.
        allow_small, weights: See `kerasgan.metrics.Evaluator`.
        statistics: A folder; None is one in Keras' cache.
        progress: A function (what, done, total); None prints a bar.
    """
    for name in metrics or ():
        measuring.protocols.get(name)
    model = load_model(workdir, checkpoint)
    workdir = Workdir(workdir)
    plan = Plan.from_dict(workdir.read_recipe())
    real, unseen = load_sides(plan, data, data_dir, held_out)
    metrics = metrics or default_metrics(real, model, unseen)
    kept = statistics_in(statistics)
    evaluator = measuring.Evaluator(
        metrics,
        real=real,
        held_out=unseen,
        allow_small=allow_small,
        weights=weights,
        statistics=kept,
        progress=progress or Progress(),
    )
    found = evaluator.measure(
        model,
        seeds,
        **about(plan.recipe),
        images_seen=images_seen(model),
        checkpoint=checkpoint,
    )
    recording.append(workdir.evaluation, found)
    if any(name.startswith("memorisation") for name in metrics):
        picture_neighbours(workdir, model, real, kept)
    return found


def during_training(plan, real, workdir):
    """A callback that measures what a plan's recipe says, in its workdir.

    Raises:
        ValueError, FileNotFoundError: As `kerasgan.metrics.Evaluator`.
    """
    recipe = plan.recipe
    evaluator = measuring.Evaluator(
        recipe.metrics,
        real=real,
        held_out=load_held_out(plan),
        statistics=statistics_in(),
        progress=Progress(),
    )
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
            archives, .npz files, names of tfds, arrays.
        metrics: Names of protocols; None is FID, KID, precision and recall
            of as many images as `fake` has.
        size, channels: Of both; None keeps the images' own.
        allow_small, weights, statistics, progress: As for `evaluate_run`.
    """
    asked = {"data_dir": data_dir, "size": size, "channels": channels}
    real = sources.load(real, **asked)
    fake = sources.load(fake, **asked)
    if held_out is not None:
        held_out = sources.load(held_out, **asked)
    if not metrics:
        families = ("fid{}", "kid{}", "pr{}")
        metrics = [family.format(fake.count) for family in families]
    found = measuring.evaluate(
        metrics,
        real=real,
        fake=fake,
        held_out=held_out,
        allow_small=allow_small,
        weights=weights,
        statistics=statistics_in(statistics),
        progress=progress or Progress(),
    )
    resized = [
        f"{side.name}: images of other sizes were brought to "
        f"{side.image_shape[0]}x{side.image_shape[1]} when they were read"
        for side in (real, fake)
        if side.resized
    ]
    return [
        dataclasses.replace(record, flags=[*record.flags, *resized])
        for record in found
    ]


def about(recipe):
    """What records say of the generators of a recipe."""
    return {
        "name": recipe.name,
        "recipe": recipe.name,
        "training_seed": recipe.seed,
        "averaged": True,
    }


def load_sides(plan, data=None, data_dir=None, held_out=None):
    """A plan's training images, and unseen ones prepared as they are, or None.

    Raises:
        ValueError: The training images are not those of the run.
    """
    recipe = plan.recipe
    if data is not None:
        recipe = recipe.replace(data=data)
    if data_dir is not None:
        recipe = recipe.replace(data_dir=data_dir)
    real, found = load_data(recipe)
    if found.data_fingerprint != plan.data_fingerprint:
        raise ValueError(
            "The data must be what the run was trained on. Received: "
            f"{found.recipe.data!r}, whose images or preparation differ. Name "
            "the folder that has them, or measure samples of the run with "
            "`kerasgan evaluate --real=... --fake=...`"
        )
    return real, load_held_out(found, held_out)


def load_held_out(plan, source=None):
    """Unseen images, prepared as a plan's are: a source's, else the test split.

    None where the data have no such split.
    """
    recipe = plan.recipe
    prepared = {
        "data_dir": recipe.data_dir,
        "size": plan.image_shape[:2],
        "channels": plan.image_shape[2],
        "crop": recipe.crop,
    }
    if source is not None:
        return sources.load(source, **prepared)
    try:
        return sources.load(recipe.data, split="test", **prepared)
    except UnknownSplit:
        return None


def default_metrics(real, model, held_out=None):
    """Names of protocols that suit the data and the model."""
    if real.classes is None:
        return [*UNLABELLED, MEMORISING]
    chosen = [*LABELLED, MEMORISING]
    if model.labels(1) is not None:
        split = "train" if held_out is None else "test"
        chosen += [f"{name}_{split}" for name in CONDITIONAL]
    return chosen


def picture_neighbours(workdir, model, real, statistics=None):
    """Draws generated images beside the training images nearest to them.

    The upper half are the nearest of a thousand, the lower half the first.
    """
    from kerasgan.features.pixels import Pixels

    pixels = Pixels(real.image_shape)
    of_sides = {
        "networks": lambda name, resize: pixels,
        "taps": {("pixels", None): {"pixels"}},
    }
    train = Side(real, split="train", statistics=statistics, **of_sides)
    fake = Side(Generated(model, 1000, seed=0), **of_sides)
    distances, places = nearest_neighbours(
        real=train.features("pixels", "pixels"),
        fake=fake.features("pixels", "pixels"),
        neighbours=min(_NEIGHBOURS, real.count),
    )
    half = _PAIRS // 2
    rows = [*np.argsort(distances[:, 0], kind="stable")[:half], *range(half)]
    samples = fake.images(1000)
    images = []
    for row in rows:
        images += [samples[row], *train.source.pixels(train.order[places[row]])]
    images = np.stack(images).astype("float32") / 127.5 - 1.0
    columns = 1 + places.shape[1]
    pictures.save(workdir.neighbours, pictures.grid(images, columns))
    notes = {
        "space": "pixels" if not pixels.resize else "pixels, at 32x32",
        "images_seen": images_seen(model),
        "rows": "the nearest of 1,000 generated images, then the first of them",
        "distances": [distances[row].round(3).tolist() for row in rows],
    }
    path = workdir.neighbours.with_suffix(".json")
    storage.write_text(path, json.dumps(notes, indent=2))


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
    """Keras' bar for each thing that takes time; silent where none looks on."""

    def __init__(self):
        self._what = None
        self._shown = 0.0

    def __call__(self, what, done, total):
        now = time.monotonic()
        if what != self._what:
            print(what, flush=True)
            self._what = what
            self._bar = keras.utils.Progbar(total, unit_name="image")
        elif done < total and now - self._shown < 0.5:
            return
        self._shown = now
        if sys.stdout.isatty():
            self._bar.update(done, finalize=done >= total)


def default_statistics():
    """The folder in which what is seen in real images is kept."""
    return pathlib.Path(cache_folder()) / "statistics"


def statistics_in(folder=None):
    """The `Statistics` of a folder; None is the default one."""
    folder = folder or default_statistics()
    return measuring.Statistics(pathlib.Path(folder).expanduser())
