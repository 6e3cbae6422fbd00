"""Metrics during training, and the checkpoint that was best by one of them."""

import json
import pathlib

from kerasgan import devices, storage
from kerasgan.callbacks.clock import TRAINING
from kerasgan.callbacks.counting import EveryImages, images_seen
from kerasgan.errors import unknown_name
from kerasgan.metrics import records as recording
from kerasgan.training import checkpoints as stored


class Evaluation(EveryImages):
    """Measures the averaged generator in every so many images, and at the end.

    A measurement that a training was killed in is made up for when it goes on.

    Args:
        evaluator: A `kerasgan.metrics.Evaluator`.
        every_images: How often.
        path: A file of JSON lines, such as `MetricsLog`'s; it gets
            {"images": ..., "metrics": {protocol: {name: value}}}.
        records: A JSON file for the whole records, or None.
        best_by: The protocol whose first value says which model is best; None
            is the evaluator's first that can say it.
        best: A folder for the checkpoint of the best model, or None.
        about: A dict, what records say of the generated side.
        checkpoints: A `Checkpoints`, called before this callback. It writes
            one before a measurement, which may take minutes.

    Raises:
        ValueError: `best_by` is no protocol that can say what is best.
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
        checkpoints=None,
    ):
        super().__init__(every_images)
        self.evaluator = evaluator
        self.path = pathlib.Path(path)
        self.records = records
        self.best_by = best_protocol(evaluator.protocols, best_by)
        self.best = best
        self.about = about or {}
        self.checkpoints = checkpoints

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._fired_at = self._seen
        self._best_value = None
        if self.best is not None:
            notes = stored.read_notes(self.best) or {}
            if notes.get("protocol") == self.best_by:
                self._best_value = notes.get("value")
        if self._is_missing():
            self._measure(self._seen)

    def on_train_end(self, logs=None):
        # Who stops a training early does not want to wait for this.
        seen = images_seen(self.model)
        if seen != self._fired_at and not self.model.stop_training:
            self._measure(seen)

    def fire(self, images_seen):
        if self.checkpoints is not None:
            with TRAINING.paused():
                self.checkpoints.write()
        self._measure(images_seen)

    def _is_missing(self):
        """Whether a measurement was due of which no line tells."""
        due = self._seen // self.every_images * self.every_images
        names = {protocol.name for protocol in self.evaluator.protocols}
        return due > 0 and not any(
            due <= line["images"] <= self._seen
            and names <= set(line["metrics"])
            for line in storage.read_jsonl(self.path, having="metrics")
        )

    def _measure(self, images_seen):
        self._fired_at = images_seen
        with TRAINING.paused(), devices.alone():
            found = self.evaluator.measure(
                self.model, **self.about, images_seen=images_seen
            )
            if self.records is not None:
                recording.append(self.records, found)
            if self.best is not None and self.best_by is not None:
                self._keep_best(
                    next(r for r in found if r.protocol == self.best_by)
                )
            # Last: where the line is, all is there.
            values = {record.protocol: record.values for record in found}
            line = {"images": images_seen, "metrics": values}
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def _keep_best(self, record):
        sign = -1 if next(iter(record.better.values())) == "higher" else 1
        before = self._best_value
        if before is None or sign * record.value < sign * before:
            self._best_value = record.value
            stored.save(
                self.model,
                self.best,
                kept=1,
                protocol=record.protocol,
                value=record.value,
            )


def best_protocol(protocols, best_by=None):
    """The name of the protocol that says which model is best, or None.

    Its first number must be better lower or higher.

    Args:
        protocols: A list of `kerasgan.metrics.protocols.Protocol`.
        best_by: A name; None is the first that will do.

    Raises:
        ValueError: `best_by` is none of them, or will not do.
    """
    directions = {
        protocol.name: next(iter(protocol.family.values.values()))
        for protocol in protocols
    }
    able = [name for name, better in directions.items() if better]
    if best_by is None:
        return next(iter(able), None)
    if best_by not in directions:
        raise unknown_name("best_by", best_by, directions)
    if best_by not in able:
        raise ValueError(
            "`best_by` must be a protocol whose first number is better lower "
            f"or higher. Received: best_by={best_by!r}, whose first is neither"
            f". Of `metrics`, these will do: {', '.join(able) or 'none'}"
        )
    return best_by
