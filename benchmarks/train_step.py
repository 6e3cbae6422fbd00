"""Images per second of one training step, against what one would use instead.

    pip install . && python -m venv torch && \
      torch/bin/pip install -r benchmarks/requirements.txt
    python benchmarks/train_step.py --torch_python=torch/bin/python \
      --output=train_step.json

Every contender is a process of its own that holds its networks, is warmed up,
and trains a few steps whenever it is its turn; they alternate, the order
reversed every second turn. What each one does stands in `steps/`:
`contenders.py`, `plain_torch.py`, `mimicry.py`; what they train in `cases.py`.
All have the same networks, the same game and Adam.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import timing
from absl import app, flags
from steps import cases
from steps.contenders import CONTENDERS, knows

TORCH = ("torch", "torch_channels_last", "torch_mimicry")
DCGAN = [
    f"dcgan_{size}px{name}"
    for size in (32, 64)
    for name in ("", "_r1", "_gradient_penalty")
]
FLAGS = flags.FLAGS
flags.DEFINE_list("cases", DCGAN, "Of steps/cases.py.")
flags.DEFINE_list(
    "contenders",
    ["kerasgan", "kerasgan_fit", "bare", "torch"],
    f"Of {', '.join([*CONTENDERS, *TORCH])}. Ratios are by the first.",
)
flags.DEFINE_integer("turns", 11, "Of each contender.")
flags.DEFINE_integer("steps", 4, "In a turn.")
flags.DEFINE_integer("threads", 2, "Of each contender.")
flags.DEFINE_string("torch_python", sys.executable, "One that has PyTorch.")
flags.DEFINE_string("output", None, "A JSON file.")


def main(argv):
    del argv
    timing.check("contenders", FLAGS.contenders, [*CONTENDERS, *TORCH])
    results, rows = {}, []
    for name, case in cases.get(FLAGS.cases).items():
        results[name] = _measure(name, case)
        rows += _rows(name, case.batch_size, results[name])
    timing.report({"results": results}, rows, FLAGS.output)


def _measure(case_name, case):
    """{contender: medians and ratios} of one case."""
    with contextlib.ExitStack() as stack:
        workers = {
            name: stack.enter_context(_worker(name, case_name))
            for name in FLAGS.contenders
            if knows(name, case)
        }
        turns = {
            name: _turn(worker, FLAGS.steps) for name, worker in workers.items()
        }
        costs = timing.paired(turns, FLAGS.turns, warmups=2)
    return timing.summary(costs, FLAGS.contenders[0])


@contextlib.contextmanager
def _worker(name, case):
    here = pathlib.Path(__file__).parent
    python = FLAGS.torch_python if name in TORCH else sys.executable
    threads = str(FLAGS.threads)
    errors = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(
        [python, here / "steps" / "worker.py", name, case],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax" if name.endswith("jax") else "tensorflow",
            "PYTHONPATH": str(here.parent),
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
        },
    )
    with errors:
        try:
            yield process, errors
        finally:
            process.stdin.close()
            process.wait()


def _turn(worker, steps):
    """A function that trains so many steps there -> the `Cost` of one."""
    process, errors = worker

    def turn():
        process.stdin.write(f"{steps}\n")
        process.stdin.flush()
        reply = process.stdout.readline()
        if not reply:
            status = process.wait()
            errors.seek(0)
            said = "".join(errors.readlines()[-5:])
            raise RuntimeError(f"{process.args} ended with {status}:\n{said}")
        wall, cpu = json.loads(reply)
        return timing.Cost(wall / steps, cpu / steps)

    return turn


def _rows(case, batch_size, found):
    for name, medians in found.items():
        yield {
            "case": case,
            "contender": name,
            "images/s": batch_size / medians["wall_s"],
            "wall ms/step": 1e3 * medians["wall_s"],
            "CPU ms/step": 1e3 * medians["cpu_s"],
            "wall, by ours": medians.get("wall_ratio"),
            "CPU, by ours": medians.get("cpu_ratio"),
        }


if __name__ == "__main__":
    app.run(main)
