"""Peak memory of a training step, and of evaluating 50,000 samples.

    python benchmarks/memory.py --output=memory.json
    KERAS_BACKEND=jax python benchmarks/memory.py --cases=step

Each measurement is a process of its own, which says three things of its
resident memory, in GB:

- before: Python, Keras, its backend, and what the work is done on (the model
  with its optimizers' state, or the features).
- peak: the largest while it works, that of compiling included.
- own: peak less before.

`--cases=step` trains DCGAN-64 on random images for three steps of each batch
size. `--cases=frechet,precision_recall` take the distance, or precision and
recall, between two sets of 50,000 x 2048 random features. Memory that an
allocator keeps for later counts as resident.
"""

import json
import sys
import time

import numpy as np
import timing
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "cases",
    ["step", "frechet", "precision_recall"],
    "Of step, frechet, precision_recall.",
)
flags.DEFINE_list("batch_sizes", ["16", "64", "256"], "Of the step.")
flags.DEFINE_integer("size", 64, "Height and width of DCGAN's images, in px.")
flags.DEFINE_integer("samples", 50_000, "Of each set of features.")
flags.DEFINE_integer("dimensions", 2048, "Of features.")
flags.DEFINE_string("worker", None, "One case: measure here, now.")
flags.DEFINE_integer("batch_size", 64, "Of a worker's step.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")


def step(flags_):
    """-> a function that trains for three steps."""
    from kerasgan import GANModel
    from kerasgan.models import dcgan

    shape = (flags_.size, flags_.size, 3)
    gan = GANModel(dcgan.Generator(shape), dcgan.Discriminator(shape))
    gan.compile()
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (flags_.batch_size, *shape)).astype("float32")

    def train():
        for _ in range(3):
            gan.train_on_batch(images)

    return train


def frechet(flags_):
    from kerasgan.metrics import frechet_distance

    real, fake = _features(flags_)
    return lambda: frechet_distance(real=real, fake=fake)


def precision_recall(flags_):
    from kerasgan.metrics import precision_recall

    real, fake = _features(flags_)
    return lambda: precision_recall(real=real, fake=fake)


CASES = {"step": step, "frechet": frechet, "precision_recall": precision_recall}


def _features(flags_):
    """Two sets float32 [samples, dimensions] of independent normal numbers."""
    rng = np.random.default_rng(0)
    shape = (flags_.samples, flags_.dimensions)
    return [rng.standard_normal(shape, "float32") for _ in range(2)]


def measure(case, flags_):
    """-> {before_gb, peak_gb, own_gb, seconds} of this process."""
    work = CASES[case](flags_)
    timing.forget_peak()
    before = timing.peak_bytes()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    peak = timing.peak_bytes()
    return {
        "before_gb": before / 1e9,
        "peak_gb": peak / 1e9,
        "own_gb": (peak - before) / 1e9,
        "seconds": seconds,
    }


def in_process(case, flags_, batch_size=None):
    """What `measure` gives in a process of its own, and what was asked for."""
    asked = {"case": case}
    sizes = {"samples": flags_.samples, "dimensions": flags_.dimensions}
    if case == "step":
        sizes = {"size": flags_.size, "batch_size": batch_size}
    words = [sys.executable, __file__, f"--worker={case}"]
    words += [f"--{name}={value}" for name, value in sizes.items()]
    # Packages may print before.
    last = timing.run_process(words).output.splitlines()[-1]
    return {**asked, **sizes, **json.loads(last)}


def _row(found):
    what = (
        f"{found['samples']:,} x {found['dimensions']}, {found['case']}"
        if ("samples" in found)
        else f"DCGAN-{found['size']}, step of {found['batch_size']}"
    )
    return {
        "what": what,
        "before, GB": found["before_gb"],
        "peak, GB": found["peak_gb"],
        "own, GB": found["own_gb"],
        "s": found["seconds"],
    }


def main(_):
    timing.check("cases", FLAGS.cases, CASES)
    if FLAGS.worker:
        print(json.dumps(measure(FLAGS.worker, FLAGS)))
        return
    batch_sizes = [int(batch_size) for batch_size in FLAGS.batch_sizes]
    found = []
    for case in FLAGS.cases:
        for batch_size in batch_sizes if case == "step" else [None]:
            found.append(in_process(case, FLAGS, batch_size))
    timing.report(
        {"cases": found}, [_row(case) for case in found], FLAGS.output
    )


if __name__ == "__main__":
    app.run(main)
