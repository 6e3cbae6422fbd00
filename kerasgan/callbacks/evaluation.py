"""Metrics during training, and the checkpoint that was best by one of them."""

import json
import pathlib

from kerasgan.callbacks.counting import EveryImages, images_seen
from kerasgan.errors import unknown_name
from kerasgan.metrics import records as recording
from kerasgan.training import checkpoints


class Evaluation(EveryImages):
    """Measures the averaged generator in every so many images, and at the end.

    Args:
        evaluator: A `kerasgan.metrics.Evaluator`.
        every_images: How often.
        path: A file of JSON lines, such as `MetricsLog`'s; it gets
            {"images": ..., "metrics": {protocol: {name: value}}}.
        records: A JSON file for the whole records, or None.
        best_by: The protocol whose first value says which model is best; None
            is the evaluator's first.
        best: A folder for the checkpoint of the best model, or None.
        about: A dict, what records say of the generated side.
    """

    def __init__(
        self,
        evaluator,
        every_images,
        path,
        *,
        records=None,
        best_by=None,
        best=None,
        about=None,
    ):
        super().__init__(every_images)
        names = [protocol.name for protocol in evaluator.protocols]
        if best_by is not None and best_by not in names:
            raise unknown_name("best_by", best_by, names)
        self.evaluator = evaluator
        self.path = pathlib.Path(path)
        self.records = records
        self.best_by = best_by or names[0]
        self.best = best
        self.about = about or {}

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._fired_at = self._seen
        self._best_value = None
        if self.best is not None:
            notes = checkpoints.read_notes(self.best) or {}
            if notes.get("protocol") == self.best_by:
                self._best_value = notes["value"]

    def on_train_end(self, logs=None):
        # Who stops a training early does not want to wait for this.
        seen = images_seen(self.model)
        if seen != self._fired_at and not self.model.stop_training:
            self.fire(seen)

    def fire(self, images_seen):
        self._fired_at = images_seen
        found = self.evaluator.measure(
            self.model, **self.about, images_seen=images_seen
        )
        line = {r.protocol: r.values for r in found}
        with self.path.open("a") as file:
            record = {"images": images_seen, "metrics": line}
            file.write(json.dumps(record) + "\n")
        if self.records is not None:
            recording.append(self.records, found)
        if self.best is not None:
            self._keep_best(
                next(r for r in found if r.protocol == self.best_by)
            )

    def _keep_best(self, record):
        sign = -1 if next(iter(record.better.values())) == "higher" else 1
        before = self._best_value
        if before is None or sign * record.value < sign * before:
            self._best_value = record.value
            checkpoints.save(
                self.model,
                self.best,
                kept=1,
                protocol=record.protocol,
                value=record.value,
            )
