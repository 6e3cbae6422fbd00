"""What training logs: looked at for NaN, and written down."""

import importlib.util
import json
import os
import pathlib

import numpy as np

from kerasgan import storage
from kerasgan.callbacks.clock import TRAINING
from kerasgan.callbacks.counting import EveryImages, images_seen


class StopOnNaN(EveryImages):
    """Raises `FloatingPointError` when a logged quantity is not finite.

    It names the quantity and the step. The logs of all steps are looked at
    (with `steps_per_execution`, of each execution's last), in every
    `every_images` and before a checkpoint is written.
    """

    def __init__(self, every_images=10_000):
        super().__init__(every_images)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._step = 0  # Counted from where this run of `fit` began.
        self._lengths = []
        self._begin_interval(self._seen)

    def on_train_batch_end(self, batch, logs=None):
        self._lengths.append(batch - self._last_step)
        self._steps.append(dict(logs or {}))
        super().on_train_batch_end(batch, logs)

    def on_train_end(self, logs=None):
        self.fire(images_seen(self.model))

    def fire(self, images_seen):
        self.check()
        self._begin_interval(images_seen)

    def check(self):
        """Looks at the steps of this interval -> {name: float [steps]}."""
        self._steps = [
            {name: float(value) for name, value in step.items()}
            for step in self._steps
        ]
        names = self._steps[0] if self._steps else {}
        table = {n: np.array([s[n] for s in self._steps]) for n in names}
        # The earliest: from there it spreads to everything.
        bad = {n: np.flatnonzero(~np.isfinite(v)) for n, v in table.items()}
        firsts = [(where[0], n) for n, where in bad.items() if len(where)]
        if firsts:
            index, name = min(firsts)
            steps = sum(self._lengths[: index + 1])
            raise FloatingPointError(
                self._message(name, table[name][index], steps)
            )
        return table

    def _message(self, name, value, steps):
        images = self.model.images_per_step
        where = f"in step {self._step + steps:,} of this training"
        if images:
            at = self._interval_start + steps * images
            where = f"in step {at // images:,}, at {at:,} images"
        return (
            f"`{name}` is {value} {where}. Training stops; the last checkpoint "
            "is from before. Lower the learning rates, or add a regularizer "
            "(R1, GradientPenalty)."
        )

    def _begin_interval(self, images_seen):
        self._step += sum(self._lengths)
        self._lengths = []  # How many steps each of these ended.
        self._steps = []
        self._interval_start = images_seen
        self._interval_time = TRAINING.now()


class MetricsLog(StopOnNaN):
    """Appends a line of JSON to a file in every so many images.

    Each holds the means of what was logged since the last one; the speed is
    without the time of measurements. On a resume, lines from after the
    checkpoint are dropped: they will come again.

    Args:
        path: Such as `metrics.jsonl`.
        every_images: How often.
        tensorboard: A folder for TensorBoard's events, where that package is
            installed.
    """

    def __init__(self, path, every_images=10_000, tensorboard=None):
        super().__init__(every_images)
        self.path = pathlib.Path(path)
        self.tensorboard = tensorboard
        self.record = {}

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        kept = [
            r
            for r in storage.read_jsonl(self.path)
            if r["images"] <= self._seen
        ]
        with storage.replacing(self.path) as part:
            part.write_text("".join(json.dumps(r) + "\n" for r in kept))
        self._writer = _tensorboard_writer(self.tensorboard)

    def fire(self, images_seen):
        table = self.check()
        if table:
            seconds = max(TRAINING.now() - self._interval_time, 1e-9)
            speed = (images_seen - self._interval_start) / seconds
            self.record = {
                "images": images_seen,
                "images_per_second": round(speed, 1),
                **{name: float(v.mean()) for name, v in table.items()},
            }
            with self.path.open("a") as file:
                file.write(json.dumps(self.record) + "\n")
            self._writer(self.record)
        self._begin_interval(images_seen)


def _tensorboard_writer(folder):
    """A function that writes a record's numbers as TensorBoard's events."""
    if folder is None or not _has_tensorboard():
        return lambda record: None
    import tensorflow as tf

    writer = tf.summary.create_file_writer(os.fspath(folder))

    def write(record):
        with writer.as_default(step=record["images"]):
            for name, value in record.items():
                tf.summary.scalar(name, value)
        writer.flush()

    return write


def _has_tensorboard():
    return importlib.util.find_spec("tensorboard") is not None
