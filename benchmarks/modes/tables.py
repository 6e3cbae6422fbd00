"""Records of runs -> Markdown tables beside the published ones, and pictures."""

import numpy as np
from modes import methods, published, tasks

from kerasgan import pictures
from kerasgan.storage import replacing

_CEILING_SEEDS = 10
_COLUMNS = 7  # Of tiles in the picture.
_OF_POINTS = {
    "modes": ("{:.1f}", 1),
    "high_quality": ("{:.1f}", 100),
    "reverse_kl": ("{:.2f}", 1),
    "within_mode_std": ("{:.2f}", 1),
}
_OF_DIGITS = {"modes": ("{:.0f}", 1), "kl": ("{:.2f}", 1)}


def markdown(records):
    """All tables of tasks for which there are records, as one text."""
    parts = []
    if any(record["task"] != "stacked" for record in records):
        parts += [_ours_in_the_plane(records), _published_in_the_plane()]
    if any(record["task"] == "stacked" for record in records):
        parts += [_ours_stacked(records), _published_stacked()]
    return "\n\n".join(parts) + "\n"


def _ours_in_the_plane(records):
    head = ["method", *_head("ring, of 8"), *_head("grid, of 25")]
    ceilings = [*_ceiling("ring"), *_ceiling("grid")]
    rows = [["perfect sampler", *ceilings, "", "", ""]]
    for name, method in methods.METHODS.items():
        found = [_of(records, name, task) for task in ("ring", "grid")]
        cells = [cell for runs in found for cell in _cells(runs, _OF_POINTS)]
        described = method.describe(tasks.Mixture)
        counts = " + ".join(str(len(runs)) for runs in found)
        seconds = _seconds(sum(found, []))
        rows.append([method.title, *cells, counts, seconds, described])
    return _table([*head, "runs", "CPU s a run", "setting"], rows)


def _of(records, method, task):
    """Records of a method on a task, as it is set now."""
    setting = methods.METHODS[method].describe(tasks.CLASSES[task])
    wanted = (method, task, setting)
    return [r for r in records if _key(r) == wanted]


def _key(record):
    return tuple(record[name] for name in ("method", "task", "setting"))


def _published_in_the_plane():
    head = ["published", "by"]
    for task in ("ring", "grid"):
        head += [f"{task} modes", "high quality %", "reverse KL"]
    rows = [
        [name, source, *ring, *grid]
        for name, source, ring, grid in published.PLANE
    ]
    return _table(head, rows)


def _ours_stacked(records):
    rows = []
    for name in methods.STACKED:
        method, runs = methods.METHODS[name], _of(records, name, "stacked")
        described = method.describe(tasks.StackedDigits)
        cells = _cells(runs, _OF_DIGITS)
        rows.append([method.title, *cells, _seconds(runs), described])
    head = ["method", "modes, of 1000", "KL", "CPU s a run", "setting"]
    return _table(head, rows)


def _published_stacked():
    return _table(["published", "by", "modes", "KL"], published.STACKED)


def _head(task):
    return [f"{task}: modes", "high quality %", "reverse KL", "std"]


def _ceiling(name):
    """What samples of the mixture itself score, over ten draws."""
    task = tasks.load(name)
    return _cells(
        [
            task.measure_points(task.real(task.samples, seed=1000 + seed))
            for seed in range(_CEILING_SEEDS)
        ],
        _OF_POINTS,
    )


def _cells(runs, columns):
    """The mean over runs, ± their standard deviation where there are more."""
    if not runs:
        return ["not run"] + [""] * (len(columns) - 1)
    cells = []
    for name, (text, scale) in columns.items():
        values = [run[name] for run in runs if run[name] is not None]
        values = scale * np.array(values, "float64")
        if not len(values):
            cells.append("–")
            continue
        cell = text.format(values.mean())
        if len(values) > 1:
            cell += " ± " + text.format(values.std(ddof=1))
        cells.append(cell)
    return cells


def _seconds(runs):
    if not runs:
        return ""
    return f"{np.median([run['cpu_seconds'] for run in runs]):.0f}"


def _table(head, rows):
    rows = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def draw_points(path, records, samples_of):
    """Samples of each method's first seed: the ring above, the grid below.

    Args:
        path: A `.png` to write.
        records: Of runs.
        samples_of: A record -> its samples [n, 2].
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    titles = ["data", *(m.title for m in methods.METHODS.values())]
    names = [None, *methods.METHODS]
    bands = -(-len(names) // _COLUMNS)
    figure, axes = pyplot.subplots(
        2 * bands,
        _COLUMNS,
        figsize=(1.35 * _COLUMNS, 3.3 * bands),
        squeeze=False,
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (name, title) in enumerate(zip(names, titles, strict=True)):
        band, column = divmod(index, _COLUMNS)
        axes[2 * band, column].set_title(title, fontsize=8)
        for row, task_name in enumerate(("ring", "grid")):
            task, axis = tasks.load(task_name), axes[2 * band + row, column]
            points, text = np.zeros((0, 2)), "not run"
            if name is None:
                points, text = task.real(task.samples, seed=1000), ""
            elif runs := _of(records, name, task_name):
                run = min(runs, key=lambda run: run["seed"])
                points = samples_of(run)
                text = f"{run['modes']} of {len(task.means)} modes"
            _draw_tile(axis, task, points)
            axis.set_xlabel(text, fontsize=7, labelpad=2)
    figure.tight_layout(pad=0.6, h_pad=1.5, w_pad=0.5)
    with replacing(path) as part:
        figure.savefig(part, dpi=110, format="png")
    pyplot.close(figure)


def _draw_tile(axis, task, points):
    limit = 1.25 * np.abs(task.means).max()
    axis.set_axis_on()
    axis.set(
        xlim=(-limit, limit),
        ylim=(-limit, limit),
        xticks=[],
        yticks=[],
        aspect="equal",
    )
    axis.scatter(*points.T, s=1.0, alpha=0.4, linewidths=0, color="C0")


def draw_digits(path, records, samples_of):
    """A row of stacked digits for each method, in the table's order."""
    rows = [
        samples_of(record)[:24].astype("float32") / 127.5 - 1.0
        for name in methods.STACKED
        for record in _of(records, name, "stacked")
    ]
    pictures.save(path, pictures.grid(np.concatenate(rows), columns=24))
