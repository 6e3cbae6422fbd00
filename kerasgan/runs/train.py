"""Training in a working directory, from the start or from where it stopped."""

import functools
import json
import pathlib
import shlex
import signal
import zlib

import numpy as np

from kerasgan import callbacks, devices, serialization, storage, strategies
from kerasgan.callbacks.samples import MOST_COLUMNS
from kerasgan.runs import plots
from kerasgan.runs.preparation import default_workdir, describe, load_data
from kerasgan.runs.sample import load_model
from kerasgan.runs.workdir import Workdir
from kerasgan.training import checkpoints, transfer

_GRID = 64


def dry_run(recipe, workdir=None):
    """Prints what a training would be; trains nothing and writes nothing."""
    _check_metrics(recipe)
    data, plan = load_data(recipe)
    workdir = Workdir(workdir or default_workdir(plan))
    workdir.check(plan.to_dict())
    model = plan.build()
    report = _start(plan, workdir, model)
    print(describe(plan, data, model))
    if report is not None:
        print(f"\nstarting from {plan.recipe.start_from}\n{report}")
    print(f"\nworkdir {workdir}")


def train(recipe, workdir=None, strategy=None):
    """Trains until `total_images`, going on from the newest checkpoint.

    Args:
        recipe: A `Recipe`.
        workdir: Where the run lives; None is `runs/<recipe>-<data>`. All
            workers of a strategy see the same folder.
        strategy: On what to run it: see `kerasgan.strategies`. A run may go
            on with another.

    Returns:
        The program's exit status: 0, or 128 + the number of the signal that
        stopped the training.

    Raises:
        ValueError: Wrong data or settings, or the workdir belongs to another
            recipe or process. Nothing has been changed then.
        FileNotFoundError: Weights of a network that measures are nowhere.
        FloatingPointError: A loss is not finite; the last checkpoint is kept.
        ConnectionError: Another worker is gone; the last checkpoint is kept.
    """
    strategy = strategies.get(strategy)
    _check_metrics(recipe)
    data, plan = load_data(recipe)
    workdir = Workdir(workdir or default_workdir(plan))
    workdir.check(plan.to_dict())
    # These refuse wrong settings, before anything is written.
    with strategy.scope():
        model = plan.build()
    report = _start(plan, workdir, model)
    strategy.check_batch(recipe.batch_size, model.batch_multiple)
    model.steps_per_execution = strategy.steps_per_execution
    part = _lead if strategy.chief else _follow
    command = f"kerasgan train --workdir={shlex.quote(str(workdir))}"
    if strategy.name != "none":
        command += f" --strategy={strategy.name}"
    try:
        received = part(plan, data, workdir, model, strategy, report)
    except ConnectionError as error:
        raise ConnectionError(
            f"{error}. To go on from the last checkpoint, start all workers "
            f"again, as many as there are: {command}"
        ) from error
    seen = callbacks.images_seen(model)
    if received is None or seen >= recipe.total_images:
        return 0
    print(f"\nstopped by {received} at {seen:,} images. To go on: {command}")
    return 128 + signal.Signals[received]


def _lead(plan, data, workdir, model, strategy, report):
    """Trains and writes -> the name of the signal that stopped it, or None."""
    evaluation = _evaluation(plan, data, workdir, model)
    total_images = plan.recipe.total_images
    with workdir.lock():
        seen = _restore(plan, workdir, model, strategy)
        if seen >= total_images:
            if not workdir.model.exists():
                _finish(model, workdir)
            print(
                f"{workdir} is finished, with {seen:,} images seen. A higher "
                "--total_images extends it."
            )
            return None
        if evaluation is not None:
            evaluation.evaluator.prepare()  # It may train a classifier.
        workdir.claim(plan.to_dict())
        # From here on it would be an older model than the checkpoints.
        workdir.model.unlink(missing_ok=True)
        _report(data, workdir)
        if report is not None:
            print(f"starting from {plan.recipe.start_from}\n{report}")
            storage.write_text(workdir.transfer, report.to_json())
        _preview(plan.recipe, data, workdir, model)
        if seen:
            print(f"resuming at {seen:,} images")
        where = ", ".join(
            filter(None, [devices.description(model), str(strategy)])
        )
        print(f"training on {where}, results in {workdir}")
        writers = _writers(plan.recipe, data, workdir, model, evaluation)
        received = _fit(plan.recipe, data, model, strategy, writers)
        seen = callbacks.images_seen(model)
        if received is None or seen >= total_images:
            _finish(model, workdir)
            print(f"finished: {seen:,} images seen, results in {workdir}")
    return received


def _follow(plan, data, workdir, model, strategy, report):
    """Trains beside the chief and writes nothing -> as `_lead`."""
    del report  # The chief's is the same.
    if _restore(plan, workdir, model, strategy) >= plan.recipe.total_images:
        return None
    print(f"training on {devices.description(model)}, {strategy}", flush=True)
    return _fit(plan.recipe, data, model, strategy, [])


def _start(plan, workdir, model):
    """Takes the weights that a recipe starts from -> the report of them.

    None where it starts from none, or where the run has a checkpoint of its
    own to go on from.
    """
    source = plan.recipe.start_from
    if source is None or any(workdir.checkpoints.glob("images_*.npz")):
        return None
    path = pathlib.Path(source)
    if path.is_file():
        return transfer.start_from(
            model, serialization.load(path, compile=False)
        )
    if not Workdir(path).recipe.exists():
        raise ValueError(
            "`start_from` must be the folder of a run, or a .keras file. "
            f"Received: start_from={source!r}, which is neither"
        )
    return transfer.start_from(model, load_model(path))


def _restore(plan, workdir, model, strategy):
    """Puts the newest checkpoint into the model -> the images it has seen."""
    checkpoints.restore(model, workdir.checkpoints)
    seen = callbacks.images_seen(model)
    strategy.check_alike("images seen", seen)
    # Where the data lie may differ; `data_fingerprint` says what they are.
    same = {**plan.to_dict(), "data": None, "data_dir": None}
    settings = zlib.crc32(json.dumps(same, sort_keys=True).encode())
    strategy.check_alike("checksum of recipe and data", settings)
    return seen


def _report(data, workdir):
    """Shows once what is in the data, and keeps it with the run."""
    if not workdir.data.exists():
        report = data.report()
        print(report)
        storage.write_text(workdir.data, report.to_json())


def _preview(recipe, data, workdir, model):
    """Shows once what augmentation makes of the data, if it does anything."""
    augmenter = model.settings.augmenter
    if augmenter.changes_images and not workdir.augmented.exists():
        from kerasgan import pictures
        from kerasgan.runs import preview

        images = _real_grid(data, model)
        shown = preview.augmented(augmenter, images, recipe.seed)
        pictures.save(workdir.augmented, shown)


def _check_metrics(recipe):
    if recipe.metrics:
        from kerasgan.runs import evaluate

        evaluate.check_metrics(recipe)


def _evaluation(plan, data, workdir, model):
    """The callback that measures the recipe's metrics, or None."""
    if not plan.recipe.metrics:
        return None
    from kerasgan.runs import evaluate

    return evaluate.during_training(plan, data, workdir, model)


def _fit(recipe, data, model, strategy, watchers):
    """Trains -> the name of the signal that stopped it, or None."""
    seen = callbacks.images_seen(model)
    make = functools.partial(
        data.dataset,
        recipe.batch_size,
        seed=recipe.seed,
        start_images=seen,
        total_images=recipe.total_images,
        flip=recipe.flip,
        rotate_degrees=recipe.rotate_degrees,
        translate=recipe.translate,
        zoom=recipe.zoom,
    )
    stop = callbacks.StopOnSignal(strategy.any_worker)
    try:
        strategy.fit(
            model,
            strategy.dataset(make, recipe.batch_size),
            # Of a dataset that is shared out, Keras cannot tell its length.
            steps_per_epoch=-(
                -(recipe.total_images - seen) // recipe.batch_size
            ),
            verbose=0,
            shuffle=False,
            callbacks=[*watchers, stop],
        )
    finally:
        stop.reset()
    return stop.received


def _writers(recipe, data, workdir, model, evaluation):
    """The callbacks that leave something: they are the chief's alone."""
    log = callbacks.MetricsLog(
        workdir.metrics, recipe.log_every, tensorboard=workdir.tensorboard
    )
    keeper = callbacks.Checkpoints(
        workdir.checkpoints,
        recipe.checkpoint_seconds,
        watch=log,
        restore=False,
    )
    writers = [log, keeper]
    if evaluation is not None:
        evaluation.checkpoints = keeper
        writers.append(evaluation)
    writers += [
        # After the checkpoints: what ends a run may not wait for pictures.
        callbacks.SampleGrid(
            workdir.samples,
            recipe.sample_every,
            count=_GRID,
            seed=recipe.seed,
            real=_real_grid(data, model),
        ),
        _LossPlot(workdir, recipe.sample_every),
        callbacks.Progress(recipe.total_images),
    ]
    return writers


def _real_grid(data, model):
    """Real images from all over the data; by class where classes matter."""
    if model.classes is None:
        count = min(_GRID, data.count)
        return data.images(np.linspace(0, data.count - 1, count, dtype=int))
    labels = data.labels(np.arange(data.count))
    columns = min(model.classes, MOST_COLUMNS)
    rows = max(1, _GRID // columns)
    places = [np.flatnonzero(labels == label) for label in range(columns)]
    return data.images(
        [
            place[row % len(place)]
            for row in range(rows)
            for place in places
            if len(place)
        ]
    )


def _finish(model, workdir):
    with storage.replacing(workdir.model) as part:
        model.save(part)


class _LossPlot(callbacks.EveryImages):
    """Draws `losses.png` anew in every so many images, and at the end."""

    def __init__(self, workdir, every_images):
        super().__init__(every_images)
        self._workdir = workdir

    def fire(self, images_seen):
        plots.plot_losses(self._workdir.metrics, self._workdir.plot)

    def on_train_end(self, logs=None):
        plots.plot_losses(self._workdir.metrics, self._workdir.plot)
