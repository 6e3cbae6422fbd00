"""Tables of the page: the data, the recipe, the files."""

import contextlib
import json
import re

from kerasgan.runs import commands
from kerasgan.runs.findings import is_number
from kerasgan.runs.page.charts import number
from kerasgan.runs.page.markup import (
    command,
    details,
    element,
    join,
    properties,
    table,
    table_body,
)

_SHOWN = 5


def missing(what, line, reason=None):
    """One line in the place of what the run does not hold.

    Args:
        what: In the plural.
        line: The command that makes it.
        reason: Why it cannot be read, where it is there.
    """
    text = f"No {what} yet: " if reason is None else f"{reason}: "
    return element("p", text, command(line), " makes them.", class_="missing")


def unreadable(found, path):
    """Why a file cannot be read, or None."""
    reason = found.unreadable.get(path.name)
    return None if reason is None else f"{path.name} cannot be read ({reason})"


def data(found):
    """What was found in the data, before training."""
    content = found.data
    if content is None:
        return missing(
            "facts about the data",
            commands.go_on(found.workdir),
            unreadable(found, found.workdir.data),
        )
    rows = [("name", content.get("name", ""))]
    rows += [
        (title, read(content[name]))
        for name, title, read in _DATA
        if name in content
        # Worth a line where it is a part of the images only.
        and (name, content[name]) != ("examined", content.get("count"))
    ]
    classes = content.get("class_counts")
    if not isinstance(classes, dict):
        return properties([*rows, ("classes", "no labels")])
    counts = [c for c in classes.values() if is_number(c)]
    text = f"{len(classes):,}"
    if counts:
        text += f", of {min(counts):,} to {max(counts):,} images"
    return join(
        properties([*rows, ("classes", text)]),
        details("images of each class", _class_bars(classes)),
    )


def _class_bars(classes):
    most = max((c for c in classes.values() if is_number(c)), default=1)
    return properties(
        [
            (name, join(_bar(count, most), _text(count)))
            for name, count in classes.items()
        ]
    )


def _bar(count, most):
    if not is_number(count):
        return None
    width = f"width: {100 * count / max(most, 1):.1f}%"
    return element("span", element("span", style=width), class_="bar")


def _text(value):
    return number(value) if is_number(value) else str(value)


def _sides(value):
    if isinstance(value, list):
        return "x".join(str(side) for side in value)
    return str(value)


def _sizes(sizes):
    if not isinstance(sizes, dict):
        return str(sizes)
    low, middle, high = (
        _sides(sizes.get(name, "?")) for name in ("min", "median", "max")
    )
    if low == high:
        return low
    return f"{low} to {high}, median {middle}"


def _counts(counts):
    if not isinstance(counts, dict):
        return str(counts)
    return ", ".join(f"{name} {_text(count)}" for name, count in counts.items())


def _names(names):
    return _listed(names, " = ".join)


def _remarked(names):
    """Of [name, remark] pairs."""
    return _listed(names, lambda pair: f"{pair[0]} ({', '.join(pair[1:])})")


def _listed(names, to_text):
    """A list of names, or of lists that `to_text` makes names, in one line."""
    if not isinstance(names, list) or not names:
        return str(names or "none")
    shown = [
        to_text([str(part) for part in name]) if _is_list(name) else str(name)
        for name in names[:_SHOWN]
    ]
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names):,}: {', '.join(shown)}{more}"


def _is_list(content):
    return isinstance(content, list) and bool(content)


# Field of data.json -> its title, and how it is read.
_DATA = (
    ("count", "images", _text),
    ("image_shape", "prepared as", _sides),
    ("sizes", "found sizes", _sizes),
    ("modes", "found colours", _counts),
    ("unreadable", "unreadable", _remarked),
    ("examined", "examined", _text),
    ("duplicates", "duplicates", _names),
    ("near_constant", "near constant", _names),
    ("outliers", "outliers", _remarked),
)


def recipe(found):
    """Every field, and what the recipe has where nothing else is asked for."""
    defaults = type(found.recipe)().to_dict() if found.recipe else {}
    rows = []
    for name, value in found.values.items():
        default = defaults.get(name, value)
        text = _plain(value)
        if value != default:
            own = element("small", f" instead of {_plain(default)}")
            text = join(element("strong", text), own)
        rows.append((name, text))
    return properties(rows)


def _plain(value):
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def files(found):
    """What lies in the run's folder; folders as a whole."""
    # The docstring of Workdir is the one list of what a run's files are.
    lines = type(found.workdir).__doc__ or ""
    texts = dict(re.findall(r"^ +(\S+(?:\.\w+|/)) +(.+)$", lines, re.M))
    headers, rows = ("file", "what it is", "size"), []
    for path in sorted(found.workdir.path.iterdir()):
        name, count, inside = path.name, None, [path]
        if path.is_dir():
            name += "/"
            inside = [one for one in path.rglob("*") if one.is_file()]
            count = element("small", f"files: {len(inside):,}")
        size = element("span", _bytes(_size(inside)), class_="whole")
        rows.append((join(name, count), texts.get(name, ""), size))
    return join(
        element("p", element("code", found.workdir.path.resolve())),
        table(headers, [table_body(headers, rows)], class_="compact"),
    )


def _size(paths):
    """In bytes; a training may delete some meanwhile."""
    size = 0
    for path in paths:
        with contextlib.suppress(OSError):
            size += path.stat().st_size
    return size


def _bytes(size):
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
