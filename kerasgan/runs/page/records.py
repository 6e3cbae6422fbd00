"""What was measured: a table of metrics, and one of the records behind it."""

import json

from kerasgan.runs import commands
from kerasgan.runs.findings import is_number
from kerasgan.runs.page.charts import number
from kerasgan.runs.page.markup import (
    breakable,
    details,
    element,
    join,
    link,
    properties,
    table,
    table_body,
)
from kerasgan.runs.page.tables import missing, unreadable

_SHOWN = 20  # Older records are there to be opened.
_HEADERS = (
    "metric",
    "value",
    "protocol",
    "real images",
    "generated images",
    "features",
    "flags",
)


def metrics(found):
    """Each metric's last and best value."""
    if not found.measured:
        return missing("metrics", commands.evaluate(found.workdir))
    rows = []
    for (protocol, name), points in found.measured.items():
        better = found.better.get((protocol, name))
        rows.append(
            (
                _metric(name, better),
                breakable(protocol),
                _at(points[-1]),
                _best(points, better),
                len(points),
            )
        )
    headers = ("metric", "protocol", "last", "best", "times measured")
    return table(headers, [table_body(headers, rows)])


def evaluations(found):
    """A row for each value, newest first, and whole records to open."""
    if not found.evaluations:
        return missing(
            "evaluations",
            commands.evaluate(found.workdir),
            unreadable(found, found.workdir.evaluation),
        )
    rows = [_record(one) for one in found.evaluations]
    newest = table(_HEADERS, rows[:_SHOWN])
    if len(rows) <= _SHOWN:
        return newest
    summary = f"earlier evaluations: {len(rows) - _SHOWN:,}"
    return join(newest, details(summary, table(_HEADERS, rows[_SHOWN:])))


def _metric(name, better):
    note = None
    if better in ("lower", "higher"):
        note = element("small", f" {better} is better")
    return join(breakable(name), note)


def _at(point):
    seen, value = point
    where = element("small", f" at {number(seen)} images")
    value = element("b", number(value), class_="whole")
    return join(value, where)


def _best(points, better):
    if better is None:
        values = [value for _, value in points]
        return f"from {number(min(values))} to {number(max(values))}"
    choose = min if better == "lower" else max
    return _at(choose(points, key=lambda point: point[1]))


def _record(one):
    rows = []
    for name, value in one.values.items():
        spread = one.spread.get(name)
        deviation = None if spread is None else f" \xb1 {spread:.2g}"
        rows.append(
            (
                _metric(name, one.better.get(name)),
                element(
                    "span",
                    element("b", f"{value:.4g}"),
                    deviation,
                    class_="whole",
                ),
                breakable(one.protocol),
                _side(one.real),
                _side(one.fake),
                _features(one.features),
                "; ".join(one.flags) or "none",
            )
        )
    date = one.date.replace("T", " ").replace("+00:00", " UTC")
    whole = properties(
        [(name, _value(name, v)) for name, v in one.whole.items()]
    )
    opened = details(f"the whole record of {one.protocol}, {date}", whole)
    cell = element("td", opened, colspan=len(_HEADERS), role="cell")
    return table_body(_HEADERS, rows, element("tr", cell, role="row"))


def _side(side):
    """Count, name and state of one side's images."""
    count, seen = side.get("count"), side.get("images_seen")
    words = [number(count)] if is_number(count) else []
    names = [side.get(key) for key in ("name", "recipe", "split")]
    words += dict.fromkeys(str(name) for name in names if name)
    if is_number(seen):
        words.append(f"after {number(seen)} images seen")
    if side.get("checkpoint") == "best":
        words.append("(best checkpoint)")
    if side.get("averaged") is False:
        words.append("(not averaged)")
    return " ".join(words) or "none"


def _features(features):
    words = [str(features[n]) for n in ("name", "tap") if features.get(n)]
    if features.get("resize"):
        words.append(f"({features['resize']})")
    parts = [" ".join(words) or "none"]
    if features.get("weights_sha256"):
        parts += [" ", element("code", str(features["weights_sha256"])[:8])]
    return join(*parts)


def _value(name, value):
    """A field of a record, as text or as a table in the table."""
    if isinstance(value, dict):
        return properties([(n, _value(n, v)) for n, v in value.items()])
    if name == "paper":
        return link(value)
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return "; ".join(_text(one) for one in value)
    return _text(value)


def _text(value):
    return value if isinstance(value, str) else json.dumps(value)
