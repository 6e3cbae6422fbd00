"""Line charts over images seen, as SVG that needs no script."""

import math
from typing import NamedTuple

from kerasgan.runs.page.markup import element

_WIDTH, _HEIGHT = 480, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 10, 40
_MOST_POINTS = 200  # Of a line; more could not be told apart.
_MOST_DOTS = 40
COLOURS = 6
# Highest over lowest of positive values, from which on their logarithm is
# drawn: a distance that falls from 400 to 4 still has a shape at its end.
_LOGARITHMIC = 50.0


class Series(NamedTuple):
    """A line: its name, and points (images seen, value) in order."""

    name: str
    points: list


class _Axis(NamedTuple):
    """Places values between two ends of the picture."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value):
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = (math.log10(v) for v in (low, high, value))
        share = (value - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)


def chart(title, series, logarithmic=False):
    """A figure of lines over images seen, with the numbers of each below.

    Args:
        series: Of finite values; those without points are left out.
        logarithmic: Whether a logarithmic axis may be used.
    """
    series = [s for s in series if s.points]
    lines = [_thinned(s) for s in series]
    horizontal, vertical = _axes(lines, logarithmic)
    picture = element(
        "svg",
        *_grid(horizontal, vertical),
        *[
            part
            for index, line in enumerate(lines)
            for part in _line(line, index, horizontal, vertical)
        ],
        *_readings(lines, horizontal),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{title} over images seen; the table below has its numbers",
    )
    notes = ["logarithmic scale"] if vertical.logarithmic else []
    if any(len(s.points) > _MOST_POINTS for s in series):
        notes.append("means of neighbouring points")
    caption = [element("strong", title)]
    if notes:
        caption.append(element("small", f" ({', '.join(notes)})"))
    return element(
        "figure",
        element("figcaption", *caption),
        picture,
        _numbers(series),
        class_="chart",
    )


def number(value):
    """A number as people read it: 60,032, 3.214, 1.2e-05."""
    if abs(value) < 1e15 and (abs(value) >= 1e4 or value == int(value)):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _thinned(series):
    """At most so many points: means of as many neighbours each."""
    points, name = series.points, series.name
    size = math.ceil(len(points) / _MOST_POINTS)
    if size == 1:
        return series
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return Series(
        name,
        [(g[-1][0], sum(value for _, value in g) / len(g)) for g in groups],
    )


def _axes(lines, logarithmic):
    images = [x for line in lines for x, _ in line.points]
    values = [y for line in lines for _, y in line.points]
    first, last = min(images), max(images)
    if first == last or first < 0.5 * last:
        first = min(0, first)
    horizontal = _Axis(first, max(last, first + 1), _LEFT, _WIDTH - _RIGHT)
    low, high = min(values), max(values)
    logarithmic = logarithmic and low > 0 and high / low > _LOGARITHMIC
    if logarithmic:
        low, high = low / 1.1, high * 1.1
    else:
        space = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
        # Room around the lines, but none below a zero that nothing crosses.
        low = 0.0 if 0 <= low < 0.5 * high else low - space
        high += space
    bottom = _HEIGHT - _BOTTOM
    return horizontal, _Axis(low, high, bottom, _TOP, logarithmic)


def _ticks(axis, about):
    """Round values on an axis."""
    if axis.logarithmic:
        powers = range(
            math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high))
        )
        factors = (1,) if len(powers) > 3 else (1, 2, 5)
        ticks = [f * 10.0**power for power in powers for f in factors]
        return [t for t in ticks if axis.low <= t <= axis.high]
    rough = (axis.high - axis.low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= 0.999 * rough)
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _short(value):
    """The label of a tick: 0.5, 20k, 1.5M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"


def _grid(horizontal, vertical):
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for tick in _ticks(vertical, 6):
        y = vertical.place(tick)
        kind = "zero" if tick == 0 else "rule"
        yield element("line", x1=_LEFT, x2=right, y1=y, y2=y, class_=kind)
        yield element(
            "text", _short(tick), x=_LEFT - 8, y=y + 4, text_anchor="end"
        )
    for tick in _ticks(horizontal, 5):
        x = horizontal.place(tick)
        yield element("line", x1=x, x2=x, y1=bottom, y2=bottom + 4)
        yield element(
            "text", _short(tick), x=x, y=bottom + 18, text_anchor="middle"
        )
    yield element("line", x1=_LEFT, x2=right, y1=bottom, y2=bottom)
    yield element(
        "text", "images seen", x=right, y=_HEIGHT - 4, text_anchor="end"
    )


def _line(line, index, horizontal, vertical):
    colour = f"colour{index % COLOURS}"
    places = [(horizontal.place(x), vertical.place(y)) for x, y in line.points]
    if len(places) > 1:
        points = " ".join(f"{x},{y}" for x, y in places)
        yield element("polyline", points=points, class_=f"line {colour}")
    if len(places) <= _MOST_DOTS:
        for x, y in places:
            yield element("circle", cx=x, cy=y, r=2.5, class_=colour)


def _readings(lines, horizontal):
    """Bands that show, under the pointer, where it is and the values there."""
    values = {}
    for line in lines:
        for x, y in line.points:
            values.setdefault(x, []).append(f"{line.name} {number(y)}")
    images = sorted(values)
    places = [horizontal.place(x) for x in images]
    middles = [(a + b) / 2 for a, b in zip(places, places[1:], strict=False)]
    starts = [_LEFT, *middles]
    ends = [*middles, _WIDTH - _RIGHT]
    height = _HEIGHT - _BOTTOM - _TOP
    for x, place, start, end in zip(images, places, starts, ends, strict=True):
        yield element(
            "g",
            element(
                "title", "\n".join([f"{number(x)} images seen", *values[x]])
            ),
            element(
                "rect",
                x=f"{start:.1f}",
                y=_TOP,
                width=f"{max(end - start, 0.1):.1f}",
                height=height,
            ),
            element("line", x1=place, x2=place, y1=_TOP, y2=_TOP + height),
            class_="reading",
        )


def _numbers(series):
    """The legend: each line's colour, name, last value and range."""
    rows = []
    for index, (name, points) in enumerate(series):
        values = [value for _, value in points]
        swatch = element(
            "span", class_=f"swatch colour{index % COLOURS}", aria_hidden="true"
        )
        cells = (values[-1], min(values), max(values))
        rows.append(
            element(
                "tr",
                element("th", swatch, name, scope="row"),
                *[element("td", number(value)) for value in cells],
            )
        )
    head = [
        element("th", text, scope="col")
        for text in ("line", "last", "lowest", "highest")
    ]
    return element(
        "table", element("tr", *head), *rows, class_="legend numbers"
    )
