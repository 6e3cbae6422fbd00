"""A number with all that it means: `Record`, and its line in a table."""

import dataclasses
import datetime
import importlib
import json
import pathlib
import platform

import filelock
import keras
import numpy as np

from kerasgan import __version__, storage


def versions():
    """{package: version} of what a number may depend on, and Python's."""
    backend = importlib.import_module(keras.backend.backend())
    return {
        "python": platform.python_version(),
        "kerasgan": __version__,
        "keras": keras.__version__,
        backend.__name__: backend.__version__,
        "numpy": np.__version__,
    }


def now():
    """The time in UTC, ISO 8601."""
    time = datetime.datetime.now(datetime.UTC)
    return time.isoformat(timespec="seconds")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What a protocol measured, and how.

    Attributes:
        protocol: Such as "fid50k_train".
        title: The protocol in words.
        paper: Where the metric is defined.
        values: {name: number}; over several seeds, their means.
        spread: {name: standard deviation, divided by n - 1}, over the seeds; of
            one seed, over classifiers that the measure trains, or None.
        better: {name: "lower", "higher" or "" where neither is}.
        real, fake: {"name", "count", "fingerprint", ...} of both sides; `real`
            has the "split", and is None for metrics of one side.
        held_out: The same of a third side, where there is one.
        features: {"name", "tap", "weights_sha256", "resize"}, or None.
        settings: {what: how}, of the metric's definition.
        quantisation: How floats became pixels.
        seeds: Of what was generated.
        flags: What a reader must know to believe the number.
        versions: {package: version}.
        seconds: It took; what is generated and seen for several protocols
            counts for the largest of them.
        date: UTC, ISO 8601.
    """

    protocol: str
    values: dict
    title: str = ""
    paper: str = ""
    spread: dict | None = None
    better: dict = dataclasses.field(default_factory=dict)
    real: dict | None = None
    fake: dict = dataclasses.field(default_factory=dict)
    held_out: dict | None = None
    features: dict | None = None
    settings: dict = dataclasses.field(default_factory=dict)
    quantisation: str = ""
    seeds: list = dataclasses.field(default_factory=list)
    flags: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    versions: dict = dataclasses.field(default_factory=dict)
    date: str = dataclasses.field(default_factory=now)

    @property
    def value(self):
        """The first of the values, for which the protocol is named."""
        return next(iter(self.values.values()))

    @property
    def key(self):
        """What was measured: two records of one key are of the same images."""
        sides = [self.real, self.fake, self.held_out, self.features]
        how = [self.protocol, self.settings, self.seeds]
        return json.dumps([*how, *sides], sort_keys=True)

    def to_dict(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values):
        """The record of a `to_dict()`."""
        fields = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: values[name] for name in fields & set(values)})


def read(path):
    """The records in a JSON file, oldest first; none where there is no file."""
    path = pathlib.Path(path)
    if not path.exists():
        return []
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return [Record.from_dict(value) for value in values]
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            "Records must be a JSON list that an evaluation wrote. Received: "
            f"{str(path)!r}, which cannot be read ({error}). Move it away."
        ) from error


def append(path, records):
    """Adds records to a JSON file, which is whole before and after.

    They replace those of the same measurement, which a resumed run repeats.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = {record.key: record for record in records}
    with filelock.FileLock(path.with_name(f"{path.name}.lock")):
        kept = [record for record in read(path) if record.key not in new]
        everything = [record.to_dict() for record in [*kept, *new.values()]]
        storage.write_text(path, json.dumps(everything, indent=2))


def table(records):
    """Records -> lines of text, a row for each value, and flags below."""
    rows = [("protocol", "value", "", "real", "fake", "features")]
    flags = list(dict.fromkeys(flag for r in records for flag in r.flags))
    for record in records:
        marks = [f"[{flags.index(flag) + 1}]" for flag in record.flags]
        sides = _side(record.real), _side(record.fake), _seen(record.features)
        for name in record.values:
            number = " ".join([_number(record, name), *marks])
            rows.append((record.protocol, name, number, *sides))
            sides, marks = ("", "", ""), []
            record = dataclasses.replace(record, protocol="")
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    notes = [f"[{number}] {flag}" for number, flag in enumerate(flags, 1)]
    return "\n".join([*lines, *notes])


def _number(record, name):
    text = f"{record.values[name]:.4g}"
    if record.spread is not None:
        text += f" ± {record.spread[name]:.2g}"
    arrow = {"lower": "↓", "higher": "↑"}.get(record.better.get(name))
    return f"{text} {arrow}" if arrow else text


def _side(side):
    if side is None:
        return ""
    split = f" {side['split']}" if side.get("split") else ""
    return f"{side['count']:,} {side['name']}{split}"


def _seen(features):
    if features is None:
        return ""
    text = features["name"]
    if features["tap"] != text:
        text += f" {features['tap']}"
    if features.get("resize"):
        text += f" ({features['resize']})"
    if features.get("weights_sha256"):
        text += f" {features['weights_sha256'][:8]}"
    return text
