"""What a run's folder holds, read for people: numbers, pictures, records."""

import json
import re
from typing import NamedTuple

from kerasgan import recipes
from kerasgan.runs.workdir import Workdir
from kerasgan.storage import read_jsonl

_COUNTED = re.compile(r"images_(\d{12})\.(?:png|npz)")


class Measurement(NamedTuple):
    """A record of evaluation.json: what is shown of it, and all of it."""

    protocol: str
    title: str
    paper: str
    values: dict  # {name: number}
    spread: dict
    better: dict
    real: dict
    fake: dict
    features: dict
    seeds: list
    flags: list
    date: str
    whole: dict


class Found(NamedTuple):
    """What a run's folder holds; None or empty is what it does not hold yet.

    Attributes:
        values: Of recipe.json.
        recipe: The same as a `Recipe`; None where this version has no such.
        images_seen: Of the newest checkpoint, or else of the last line.
        lines: Of metrics.jsonl, those of losses.
        measured: {(protocol, name): [(images seen, number)]}, in order.
        better: {(protocol, name): "lower" or "higher"}, where it is known.
        evaluations: Newest first.
        grids: [(images seen, path)] of samples, in order.
        data, neighbours: What their JSON files hold.
        unreadable: File name -> what is wrong with it.
    """

    workdir: Workdir
    values: dict
    recipe: recipes.recipe.BaseRecipe | None
    images_seen: int
    lines: list
    measured: dict
    better: dict
    evaluations: list
    grids: list
    data: dict | None
    neighbours: dict | None
    unreadable: dict

    @property
    def total_images(self):
        total = self.values.get("total_images")
        return total if isinstance(total, int) and total > 0 else None

    @property
    def finished(self):
        return bool(self.total_images) and (
            self.images_seen >= self.total_images
        )

    @property
    def flags(self):
        """{flag: [protocol, ...]} of each protocol's newest record."""
        newest, flags = {}, {}
        for one in self.evaluations:
            newest.setdefault(one.protocol, one)
        for one in newest.values():
            for flag in one.flags:
                flags.setdefault(flag, []).append(one.protocol)
        return flags


def find(workdir):
    """Reads a run's folder -> Found."""
    values = workdir.read_recipe()
    if values is None:
        raise ValueError(
            "`workdir` must be the folder of a run, with its recipe.json. "
            f"Received: workdir={str(workdir)!r}. `kerasgan train` makes one."
        )
    unreadable = {}
    lines = _read_lines(workdir.metrics, unreadable)
    records = _read_json(workdir.evaluation, list, unreadable)
    evaluations = _newest_first(records or [])
    measured, better = _measured(lines, evaluations)
    lines = [line for line in lines if "metrics" not in line]
    counts = [count for count, _ in _counted(workdir.checkpoints)]
    counts = counts or [line["images"] for line in lines]
    return Found(
        workdir=workdir,
        values=values,
        recipe=_recipe(values),
        images_seen=max(counts, default=0),
        lines=lines,
        measured=measured,
        better=better,
        evaluations=evaluations,
        grids=_counted(workdir.samples),
        data=_read_json(workdir.data, dict, unreadable),
        neighbours=_read_json(
            workdir.neighbours.with_suffix(".json"), dict, unreadable
        ),
        unreadable=unreadable,
    )


def to_measurement(record):
    """A record, also of another version -> Measurement, or None without values.

    What is missing or of another kind is empty.
    """

    def read(name, kind):
        value = record.get(name)
        return value if isinstance(value, kind) else kind()

    if not isinstance(record, dict):
        return None
    values = {
        name: value
        for name, value in read("values", dict).items()
        if is_number(value)
    }
    if not values:
        return None
    features = record.get("features")
    if isinstance(features, str):
        features = {"name": features}
    return Measurement(
        protocol=read("protocol", str),
        title=read("title", str),
        paper=read("paper", str),
        values=values,
        spread={n: s for n, s in read("spread", dict).items() if is_number(s)},
        better=read("better", dict),
        real=read("real", dict),
        fake=read("fake", dict),
        features=features if isinstance(features, dict) else {},
        seeds=read("seeds", list),
        flags=[str(flag) for flag in read("flags", list) if flag],
        date=read("date", str),
        whole=record,
    )


def is_number(value):
    """Whether it can be drawn: finite, and no truth value."""
    # A comparison, since JSON may hold integers that no float can.
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) < 1e300
    )


def _recipe(values):
    """A `Recipe`, or None where a version of another time wrote the values."""
    try:
        return recipes.get(values["recipe"]).from_dict(values)
    except (ValueError, TypeError):
        return None


def _read_lines(path, unreadable):
    try:
        lines = read_jsonl(path)
    except (OSError, ValueError) as error:
        unreadable[path.name] = str(error)
        return []
    return [
        line
        for line in lines
        if isinstance(line, dict) and is_number(line.get("images"))
    ]


def _read_json(path, kind, unreadable):
    """What a JSON file holds; None where it is missing or of another kind."""
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, kind):
            return content
        unreadable[path.name] = f"it holds no {kind.__name__}"
    except (OSError, ValueError, RecursionError) as error:
        unreadable[path.name] = str(error)
    return None


def _newest_first(records):
    evaluations = [to_measurement(record) for record in records]
    evaluations = [one for one in evaluations if one is not None]
    # They are appended, so that of equal dates the later one is newer.
    return sorted(reversed(evaluations), key=lambda e: e.date, reverse=True)


def _measured(lines, evaluations):
    """Numbers by protocol and name: of training, and of evaluations."""
    points, better = {}, {}
    for line in lines:
        for key, value in _metrics(line.get("metrics")):
            points.setdefault(key, {})[line["images"]] = value
    for one in reversed(evaluations):
        seen = one.fake.get("images_seen")
        for name, value in one.values.items():
            key = (one.protocol, name)
            if is_number(seen):
                points.setdefault(key, {})[seen] = value
            if one.better.get(name) in ("lower", "higher"):
                better[key] = one.better[name]
    return {key: sorted(one.items()) for key, one in points.items()}, better


def _metrics(content):
    """{protocol: {name: number}} -> ((protocol, name), number) of each."""
    for protocol, values in content.items() if _is_dict(content) else ():
        for name, value in values.items() if _is_dict(values) else ():
            if is_number(value):
                yield (protocol, name), value


def _is_dict(content):
    return isinstance(content, dict)


def _counted(folder):
    """[(images seen, path)] of the files that are named so, in order."""
    if not folder.is_dir():
        return []
    found = [(_COUNTED.fullmatch(p.name), p) for p in folder.iterdir()]
    return sorted((int(match[1]), path) for match, path in found if match)
