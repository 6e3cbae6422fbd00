"""Which losses and penalties keep all modes: trains, counts, compares.

    python benchmarks/mode_coverage.py --tasks=ring,grid
    python benchmarks/mode_coverage.py --tasks=stacked --data_dir=D --seeds=0
    python benchmarks/mode_coverage.py --table

A run is a process with one thread, `--jobs` at a time. What it measured is a
line of `<workdir>/results.jsonl`, its samples are in `<workdir>/samples`; a run
that is there already is skipped. Then, or with `--table` alone, `table.md` and
pictures are written from all there is.

This is a reduced protocol of minutes, not the papers' hours: see README.md.
"""

import concurrent.futures
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string("workdir", "runs/mode_coverage", "Holds what is written.")
flags.DEFINE_string("data_dir", None, "Where MNIST is, for stacked digits.")
flags.DEFINE_list("methods", None, "None is all of the task's.")
flags.DEFINE_list("tasks", ["ring", "grid"], "Of ring, grid and stacked.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Of the trainings.")
flags.DEFINE_integer("steps", None, "Generator steps; None is the task's.")
flags.DEFINE_integer("jobs", 2, "Runs at a time.")
flags.DEFINE_bool("table", False, "Only write the table and pictures.")
flags.DEFINE_string("run", None, "task/method/seed: only that run, here.")

# Small networks gain nothing from threads, and runs are many.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def _results():
    return pathlib.Path(FLAGS.workdir) / "results.jsonl"


def _records():
    """The last record of each run, by (task, method, seed, steps, setting)."""
    from kerasgan.storage import read_jsonl

    return {_identity(record): record for record in read_jsonl(_results())}


def _identity(record):
    names = ("task", "method", "seed", "steps", "setting")
    return tuple(record[name] for name in names)


def _samples_path(record):
    name = "-".join(str(record[n]) for n in ("task", "method", "seed"))
    return pathlib.Path(FLAGS.workdir) / "samples" / f"{name}.npz"


def _wanted(task, method, seed):
    """What identifies a run, as the first part of its record."""
    from modes import methods, tasks

    kind, described = tasks.CLASSES[task], methods.METHODS[method]
    return {
        "task": task,
        "method": method,
        "seed": seed,
        "steps": FLAGS.steps or described.steps or kind.steps,
        "setting": described.describe(kind),
    }


def _plan():
    """All runs that the flags ask for, by seeds: a first table comes early."""
    from modes import methods, tasks

    from kerasgan.errors import unknown_name

    for argument, given, known in (
        ("tasks", FLAGS.tasks, tasks.NAMES),
        ("methods", FLAGS.methods or [], methods.METHODS),
    ):
        for name in given:
            if name not in known:
                raise unknown_name(argument, name, known)
    for index, seed in enumerate(FLAGS.seeds):
        for task in FLAGS.tasks:
            of_task = methods.STACKED if task == "stacked" else methods.METHODS
            for name in FLAGS.methods or of_task:
                if index == 0 or not methods.METHODS[name].one_seed:
                    yield _wanted(task, name, int(seed))


def run_here(identity):
    """Trains, measures, writes samples and then the record."""
    import keras
    import tensorflow as tf
    from modes import methods, tasks

    import kerasgan

    task = tasks.load(
        identity["task"], data_dir=FLAGS.data_dir, workdir=FLAGS.workdir
    )
    started = time.monotonic(), time.process_time()
    gan = methods.train(
        task,
        methods.METHODS[identity["method"]],
        steps=identity["steps"],
        seed=identity["seed"],
    )
    seconds = time.monotonic() - started[0]
    cpu_seconds = time.process_time() - started[1]
    samples = gan.generate(task.samples, seed=1, batch_size=500)
    record = {
        **identity,
        **_finite(task.measure(samples)),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "versions": {
            "kerasgan": kerasgan.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        },
    }
    path = _samples_path(identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part.npz")
    kept = task.original(samples[: task.kept_samples])
    np.savez_compressed(part, samples=kept)
    part.rename(path)
    with _results().open("a") as file:
        file.write(json.dumps(record) + "\n")  # In one write: whole, or not.


def _finite(measured):
    """What is not a number is None, as JSON has it."""
    return {
        name: value if value is None or np.isfinite(value) else None
        for name, value in measured.items()
    }


def _run_apart(identity):
    """The same in a process of its own -> whether it went well."""
    run = "/".join(str(identity[n]) for n in ("task", "method", "seed"))
    command = [sys.executable, __file__, f"--run={run}"]
    for name in ("workdir", "data_dir", "steps"):
        if FLAGS[name].value is not None:
            command.append(f"--{name}={FLAGS[name].value}")
    environment = {**os.environ, **_ONE_THREAD}
    process = subprocess.run(
        command, env=environment, capture_output=True, text=True
    )
    if process.returncode:
        print(f"{run} failed:\n{process.stderr[-2000:]}", flush=True)
        return False
    print(process.stdout.strip().splitlines()[-1], flush=True)
    return True


def write_tables():
    from modes import tables

    records = list(_records().values())
    folder = pathlib.Path(FLAGS.workdir)
    text = tables.markdown(records)
    (folder / "table.md").write_text(text)
    print(text)

    def samples_of(record):
        with np.load(_samples_path(record)) as file:
            return file["samples"]

    stacked = [r for r in records if r["task"] == "stacked"]
    plane = [r for r in records if r["task"] != "stacked"]
    if plane:
        tables.draw_points(folder / "samples.png", plane, samples_of)
    if stacked:
        tables.draw_digits(folder / "stacked.png", stacked, samples_of)


def main(argv):
    del argv
    pathlib.Path(FLAGS.workdir).mkdir(parents=True, exist_ok=True)
    if FLAGS.run is not None:
        task, method, seed = FLAGS.run.split("/")
        identity = _wanted(task, method, int(seed))
        run_here(identity)
        print(json.dumps(_records()[_identity(identity)]))
        return
    done = True
    if not FLAGS.table:
        records = _records()
        todo = [r for r in _plan() if _identity(r) not in records]
        print(f"{len(todo)} runs to do", flush=True)
        with concurrent.futures.ThreadPoolExecutor(FLAGS.jobs) as pool:
            done = all(list(pool.map(_run_apart, todo)))
    write_tables()
    if not done:
        sys.exit("Some runs failed: see above. The same command tries again.")


if __name__ == "__main__":
    app.run(main)
