"""The page: what stands on it, and in which order."""

import datetime
import statistics

import kerasgan
from kerasgan import recipes
from kerasgan.runs import commands
from kerasgan.runs.findings import is_number
from kerasgan.runs.page import records, style, tables
from kerasgan.runs.page.charts import Series, chart, number
from kerasgan.runs.page.images import embed, evenly
from kerasgan.runs.page.markup import Html, command, element, escape, join, link

# In the flag of what was measured by `--allow_small`.
TOO_FEW = "so that covariances are singular"

_FILM = 12  # Grids of samples over time.
# Of all pictures together about 3 MB, which base64 makes a third more.
_FILM_BYTES, _FILM_PX = 120_000, 800
_PICTURE_BYTES, _PICTURE_PX = 400_000, 1200


def page(found):
    """Found -> the whole page as HTML."""
    parts = [
        ("samples", "Samples", _samples(found)),
        ("metrics", "Metrics", records.metrics(found), _metric_curves(found)),
        ("training", "Training", _training_curves(found)),
        ("neighbours", "Nearest training images", _neighbours(found)),
        ("evaluations", "Evaluations", records.evaluations(found)),
        ("again", "Make it again", _commands(found)),
        ("data", "Data", tables.data(found)),
        ("recipe", "Recipe", tables.recipe(found)),
        ("files", "Files of the run", tables.files(found)),
    ]
    contents = element(
        "nav",
        *[element("a", title, href=f"#{name}") for name, title, *_ in parts],
        aria_label="Parts of this page",
    )
    body = [
        element("section", element("h2", title), *content, id=name)
        for name, title, *content in parts
    ]
    return style.document(
        title=escape(_title(found)),
        body=join(
            _header(found),
            contents,
            element("main", *body),
            _footer(found),
        ),
    )


def _title(found):
    data = found.values.get("data_name") or found.values.get("data")
    return f"{found.values['recipe']} on {data}"


def _header(found):
    name = found.values["recipe"]
    about = []
    if found.recipe is not None:
        line = (recipes.module(name).__doc__ or "").partition("\n")[0]
        about = [line, " ", link(found.recipe.paper)]
    return element(
        "header",
        element("h1", _title(found)),
        element("p", *about, class_="about") if about else None,
        _verdict(found),
        _flags(found),
        _facts(found),
    )


def _verdict(found):
    seen, total = found.images_seen, found.total_images
    if found.finished:
        text = f"{seen:,} images seen, of {total:,} wanted"
        return element("p", element("strong", "Finished: "), text, ".")
    share = f" of {total:,} ({seen / total:.0%})" if total else ""
    return element(
        "p",
        element("strong", "Not finished: "),
        f"{seen:,}{share} images seen. To go on: ",
        command(commands.go_on(found.workdir)),
    )


def _flags(found):
    """What a reader must know before anything else, where there is such."""
    if not found.flags:
        return None
    lines = [
        element(
            "li",
            element("strong", flag),
            element("small", f" ({', '.join(protocols)})"),
        )
        for flag, protocols in found.flags.items()
    ]
    return element(
        "aside",
        element("h2", "To know before believing the numbers"),
        element("ul", *lines),
        class_="callout",
        aria_label="Flags of the newest evaluations",
    )


def _facts(found):
    facts = [("images seen", f"{found.images_seen:,}")]
    speeds = _points(found.lines, "images_per_second")
    if speeds:
        speed = statistics.median(value for _, value in speeds)
        facts.append(("images per second, median", f"{speed:,.0f}"))
        seconds = _seconds(speeds)
        facts.append(("of training, about", _duration(seconds)))
    if found.data and is_number(found.data.get("count")):
        facts.append(("real images", f"{found.data['count']:,}"))
    shape = found.values.get("image_shape")
    if isinstance(shape, list):
        facts.append(("height x width x channels", _by(shape)))
    return element(
        "dl",
        *[
            element("div", element("dt", name), element("dd", value))
            for name, value in facts
        ],
        class_="facts",
    )


def _seconds(speeds):
    """[(images seen, images per second)] -> the time all of it took."""
    before, total = 0, 0.0
    for images, speed in speeds:
        total += (images - before) / speed if speed > 0 else 0.0
        before = images
    return total


def _duration(seconds):
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _by(shape):
    return "x".join(str(side) for side in shape)


def _samples(found):
    if not found.grids:
        return tables.missing("samples", commands.go_on(found.workdir))
    seen, newest = found.grids[-1]
    real = found.workdir.samples / "real.png"
    pair = []
    if real.exists():
        pair.append(_figure(real, "Real images", "Real images, in a grid"))
    pair.append(
        _figure(
            newest,
            f"Generated, after {seen:,} images",
            f"Generated images, in a grid, after {seen:,} images seen",
        )
    )
    if found.workdir.augmented.exists():
        pair.append(
            _figure(
                found.workdir.augmented,
                "Augmented: an image, and what the discriminator may be shown",
                "Real images, each followed by augmented ones",
            )
        )
    return join(element("div", *pair, class_="pair"), _film(found.grids))


def _film(grids):
    """Grids over time: a strip, which a script makes a slider."""
    chosen = evenly(grids, _FILM)
    if len(chosen) < 2:
        return None
    frames = [
        _figure(
            path,
            f"{seen:,} images seen",
            f"Generated images, in a grid, after {seen:,} images seen",
            _FILM_BYTES,
            _FILM_PX,
        )
        for seen, path in chosen
    ]
    last = len(frames) - 1
    return join(
        element("h3", "The same latents over time"),
        element(
            "div",
            element(
                "label",
                "Images seen ",
                element("input", type="range", min=0, max=last, value=last),
                class_="slider",
                hidden=True,
            ),
            element(
                "div",
                *frames,
                class_="frames",
                role="group",
                aria_label="Grids of samples, earliest first",
                tabindex=0,
            ),
            class_="film",
        ),
    )


def _figure(
    path, caption, alternative, most_bytes=_PICTURE_BYTES, most_px=_PICTURE_PX
):
    try:
        picture = embed(path, most_bytes, most_px)
    except ValueError as error:
        return element("p", str(error), class_="missing")
    note = element("small", " (made smaller)") if picture.shrunk else None
    return element(
        "figure",
        element(
            "img",
            src=Html(picture.source),
            width=picture.width,
            height=picture.height,
            alt=alternative,
        ),
        element("figcaption", caption, note),
    )


def _points(lines, name):
    return [
        (line["images"], line[name])
        for line in lines
        if is_number(line.get(name))
    ]


def _training_curves(found):
    """Losses, logits, other terms and speed, from metrics.jsonl."""
    if not found.lines:
        reason = tables.unreadable(found, found.workdir.metrics)
        return tables.missing("losses", commands.go_on(found.workdir), reason)
    names = list(dict.fromkeys(name for line in found.lines for name in line))
    names = [name for name in names if name != "images"]
    kinds = {
        "Losses": [n for n in names if n.endswith("_loss")],
        "Mean logits": [n for n in names if n.endswith("_logits")],
        "Images per second": [n for n in names if n == "images_per_second"],
    }
    shown = {name for kind in kinds.values() for name in kind}
    # Penalties and other terms are each of a size of their own.
    kinds |= {_words(name): [name] for name in names if name not in shown}
    charts = []
    for title, of_kind in kinds.items():
        series = [
            Series(_label(name), _points(found.lines, name)) for name in of_kind
        ]
        if any(one.points for one in series):
            charts.append(chart(title, series))
    return element("div", *charts, class_="charts")


def _label(name):
    for ending in ("_loss", "_logits"):
        name = name.removesuffix(ending)
    return _words(name.removeprefix("discriminator_"))


def _words(name):
    return name.replace("_", " ")


def _metric_curves(found):
    """Each protocol over images, where it was measured more than once."""
    groups = {}
    for (protocol, name), points in found.measured.items():
        if len(points) > 1:
            share = all(0 <= value <= 1 for _, value in points)
            title = protocol if share else f"{protocol}: {_words(name)}"
            groups.setdefault(title, []).append(Series(_words(name), points))
    if not groups:
        return None
    charts = [chart(t, s, logarithmic=True) for t, s in groups.items()]
    return element("div", *charts, class_="charts")


def _neighbours(found):
    path = found.workdir.neighbours
    if not path.exists():
        return tables.missing("neighbours", commands.evaluate(found.workdir))
    notes = found.neighbours or {}
    space, rows = notes.get("space"), notes.get("rows")
    seen, seed = notes.get("images_seen"), notes.get("seed")
    text = (
        "Left, generated images"
        + (f" of seed {number(seed)}" if is_number(seed) else "")
        + (f" after {number(seen)} images seen" if is_number(seen) else "")
        + "; then, in each row, the training images nearest to it"
        + (f" in {space}" if space else "")
        + (f". Rows: {rows}" if rows else "")
        + ". Where a generator has learned images by heart, both are the same."
    )
    picture = _figure(
        path,
        _distances(notes.get("distances")),
        "Rows of a generated image and the training images nearest to it",
    )
    return join(
        element("p", text), element("div", picture, class_="neighbours")
    )


def _distances(distances):
    """Of the nearest training image of each row, in a sentence."""
    if not isinstance(distances, list):
        return ""
    # A row has its distances in order, or is the nearest one itself.
    nearest = [
        (row or [None])[0] if isinstance(row, list) else row
        for row in distances
    ]
    texts = [number(value) for value in nearest if is_number(value)]
    if not texts:
        return ""
    return f"Distance to the nearest, row by row: {', '.join(texts)}"


def _commands(found):
    workdir = found.workdir
    if found.recipe is None:
        again = element(
            "p",
            "This version of kerasgan has no such recipe; recipe.json holds "
            "what was trained.",
            class_="missing",
        )
    else:
        again = _command(commands.train(found.recipe))
    return join(
        element("p", "Train it again (in a folder that does not hold it yet):"),
        again,
        element("p", "Go on with it, after a stop or with more images:"),
        _command(commands.go_on(workdir)),
        element("p", "Measure it, and write more samples of it:"),
        *[_command(line) for line in _evaluations(found)],
        _command(commands.sample(workdir)),
    )


def _evaluations(found):
    """A command for all that was measured in one way, the newest first."""
    protocols = {}
    for one in found.evaluations:
        held_out = one.whole.get("held_out")
        source = held_out.get("source") if isinstance(held_out, dict) else None
        how = (
            tuple(str(seed) for seed in one.seeds),
            str(one.fake.get("checkpoint") or "last"),
            None if source is None else str(source),
            any(TOO_FEW in flag for flag in one.flags),
        )
        protocols.setdefault(how, set()).update({one.protocol} - {""})
    return [
        commands.evaluate(found.workdir, sorted(names), *how)
        for how, names in protocols.items()
    ] or [commands.evaluate(found.workdir)]


def _command(line):
    return element("pre", command(line), tabindex=0)


def _footer(found):
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return element(
        "footer",
        f"Written by kerasgan {kerasgan.__version__} on {now} from "
        f"{found.workdir}. Anew: ",
        command(commands.report(found.workdir)),
    )
