"""How long one waits for the command line, for imports, for the first step.

    python benchmarks/startup.py --output=startup.json

- `--parts=commands`: `kerasgan --help`, `kerasgan list` and imports, beside
  `import keras`: processes in turns, from start to end.
- `--parts=train`: `kerasgan train` on digits until its first step is done, and
  when each part of that ended, counted from the start of the process.
"""

import contextlib
import json
import statistics
import sys
import tempfile
import time
from unittest import mock

import psutil
import timing
from absl import app, flags

_IMPORT_OURS = "import keras, kerasgan; kerasgan.GANModel"
COMMANDS = {
    "python": ["-c", "pass"],
    "kerasgan --help": ["-m", "kerasgan.cli.main", "--help"],
    "kerasgan list": ["-m", "kerasgan.cli.main", "list"],
    "import kerasgan": ["-c", "import kerasgan"],
    "import keras": ["-c", "import keras"],
    "import keras, kerasgan.GANModel": ["-c", _IMPORT_OURS],
}
PARTS = ["commands", "train"]

FLAGS = flags.FLAGS
flags.DEFINE_list("parts", PARTS, f"Of {', '.join(PARTS)}.")
flags.DEFINE_integer("repetitions", 5, "Processes of each.")
flags.DEFINE_bool("worker", False, "Train here, now.")
flags.DEFINE_string("recipe", "dcgan", "What is trained.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")


def commands(flags_):
    """-> {command: medians, ratios to `import keras`}."""
    costs = timing.paired_processes(
        {name: [sys.executable, *words] for name, words in COMMANDS.items()},
        flags_.repetitions,
    )
    return timing.summary(costs, against="import keras")


def _command_rows(found):
    return [
        {
            "command": name,
            "s": cost["wall_s"],
            "CPU s": cost["cpu_s"],
            "wall, keras = 1": cost.get("wall_ratio"),
            "CPU, keras = 1": cost.get("cpu_ratio"),
        }
        for name, cost in found.items()
    ]


def train(flags_):
    """-> {part: {"wall_s", "cpu_s"}, medians of what each takes}."""
    words = [sys.executable, __file__, "--worker", f"--recipe={flags_.recipe}"]
    runs = []
    for _ in range(flags_.repetitions + 1):
        last = timing.run_process(words).output.splitlines()[-1]
        runs.append(json.loads(last))
    runs = runs[1:]  # The first fills the disk's cache.
    return {
        part: {
            key: statistics.median(run[part][key] for run in runs)
            for key in ("wall_s", "cpu_s")
        }
        for part in runs[0]
    }


def _train_rows(found):
    return [
        {"part": part, "s": cost["wall_s"], "CPU s": cost["cpu_s"]}
        for part, cost in found.items()
    ]


class Marks:
    """When parts of a process ended, by the clock and in CPU seconds."""

    def __init__(self):
        self._last = (psutil.Process().create_time(), 0.0)
        self.parts = {}

    def __call__(self, part):
        """All since the last mark, or the start, was this part."""
        now = (time.time(), time.process_time())
        wall, cpu = (
            new - old for new, old in zip(now, self._last, strict=True)
        )
        self.parts[part] = {"wall_s": wall, "cpu_s": cpu}
        self._last = now

    def after(self, holder, name, part):
        """A patch of holder's function that marks the part at its end."""
        function = getattr(holder, name)

        def marked(*arguments, **options):
            result = function(*arguments, **options)
            self(part)
            return result

        return mock.patch.object(holder, name, marked)


def worker(recipe):
    """Trains for one step, as the command does -> {part: costs}."""
    marks = Marks()
    from kerasgan.cli import main, startup

    marks("Python, the command line")
    startup.import_backend()
    marks("import of Keras and TensorFlow")
    from kerasgan import callbacks
    from kerasgan.data.image_data import ImageData
    from kerasgan.runs import preparation
    from kerasgan.runs import train as runs

    patches = [
        marks.after(runs, "load_data", "data"),
        marks.after(preparation.Plan, "build", "networks, compile"),
        marks.after(runs, "_report", "report on the data"),
        marks.after(ImageData, "dataset", "pipeline"),
        marks.after(callbacks.SampleGrid, "on_train_begin", "first pictures"),
        marks.after(
            callbacks.Progress, "on_train_batch_end", "trace and first step"
        ),
    ]
    with contextlib.ExitStack() as stack:
        workdir = stack.enter_context(tempfile.TemporaryDirectory())
        for patch in patches:
            stack.enter_context(patch)
        words = [f"--recipe={recipe}", f"--workdir={workdir}/run"]
        status = main.main(["train", *words, "--total_images=64"])
        if status:
            raise RuntimeError(f"kerasgan train ended with {status}")
    total = {
        key: sum(cost[key] for cost in marks.parts.values())
        for key in ("wall_s", "cpu_s")
    }
    return {**marks.parts, "all until the first step is done": total}


def main(_):
    timing.check("parts", FLAGS.parts, PARTS)
    if FLAGS.worker:
        print(json.dumps(worker(FLAGS.recipe)))
        return
    results = {}
    measures = {"commands": (commands, _command_rows)}
    measures["train"] = (train, _train_rows)
    for part in FLAGS.parts:
        measure, rows = measures[part]
        results[part] = measure(FLAGS)
        timing.report(results, rows(results[part]), FLAGS.output)


if __name__ == "__main__":
    app.run(main)
