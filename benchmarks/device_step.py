"""Images per second of the whole training step on one accelerator, by JAX.

    KERAS_BACKEND=jax python benchmarks/device_step.py --output=step.json

Needs JAX and Keras, no TensorFlow and no data set: random images lie on the
device. For each case, precision and batch: compilation, warm-up, then many
steps, handed over one by one as Keras' trainer does and waited for at the end.
`share` is the operations that XLA counts in the step, per second, over those
of a large matrix product of the same precision, timed just before.

- `float32`: every digit kept ("highest").
- `tf32`: JAX's default, which on GPUs shortens factors to 10 bits.
- `bfloat16`: Keras' policy "mixed_bfloat16".
"""

import gc
import json
import os
import pathlib
import time

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np
import timing
from absl import app, flags
from jax import numpy as jnp
from steps import cases, counting

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "cases",
    ["dcgan_64px", "resnet_32px", "resnet_64px", "dcgan_64px_wide"],
    "Of steps/cases.py.",
)
flags.DEFINE_list("precisions", ["float32", "tf32", "bfloat16"], "Which.")
flags.DEFINE_list("batch_factors", ["1", "8"], "Times the case's own batch.")
flags.DEFINE_float("seconds", 3.0, "Of each measurement, at least.")
flags.DEFINE_integer("matrix_size", 8192, "Rows of the matrices multiplied.")
flags.DEFINE_string("output", None, "JSON.")

# Keras' policy of the networks, JAX's precision of float32 products, and the
# type of the matrices to compare with.
PRECISIONS = {
    "float32": ("float32", "highest", "float32"),
    "tf32": ("float32", "default", "float32"),
    "bfloat16": ("mixed_bfloat16", "default", "bfloat16"),
}


def repeat(function, state, seconds):
    """Calls `state = function(state)` -> seconds of one call, and the state.

    Rounds of doubling length, until one has lasted long enough; the rounds
    before it are the warm-up, and a call before them compiles.
    """
    state = jax.block_until_ready(function(state))
    count = 1
    while True:
        start = time.perf_counter()
        for _ in range(count):
            state = function(state)
        jax.block_until_ready(state)
        took = time.perf_counter() - start
        if took >= seconds:
            return took / count, state
        count *= 2


def matrix_rate(precision, size, seconds):
    """Operations per second of a product of two [size, size] matrices."""
    _, products, dtype = PRECISIONS[precision]
    keys = jax.random.split(jax.random.key(0), 2)
    left, right = (jax.random.normal(key, (size, size), dtype) for key in keys)
    right = right / np.sqrt(size)  # Keeps a chain of products in range.
    with jax.default_matmul_precision(products):
        multiply = jax.jit(jnp.matmul)
        took, _ = repeat(lambda x: multiply(x, right), left, seconds)
    return 2.0 * size**3 / took


def measure(case, precision, batch_size, rate, seconds):
    """Builds, compiles and repeats a case's step -> what it took."""
    policy, products, _ = PRECISIONS[precision]
    keras.config.set_dtype_policy(policy)
    try:
        with jax.default_matmul_precision(products):
            return _measure(case, batch_size, rate, seconds)
    finally:
        keras.config.set_dtype_policy("float32")
        gc.collect()


def _measure(case, batch_size, rate, seconds):
    model = case.build()
    data = jax.device_put(cases.data_of(case, batch_size))
    state = keras.tree.map_structure(
        lambda v: jnp.copy(v.value), counting.variables(model)
    )
    step = jax.jit(model.train_step, donate_argnums=0)
    start = time.perf_counter()
    compiled = step.lower(state, data).compile()
    compilation = time.perf_counter() - start
    cost, memory = compiled.cost_analysis(), compiled.memory_analysis()
    flops, _ = counting.matrix_of(model.train_step, model, data)
    # The logs' sums end up in the state, too: nothing goes unwaited for.
    took, state = repeat(lambda s: compiled(s, data)[1], state, seconds)
    flat = np.concatenate(
        [np.ravel(v) for v in keras.tree.flatten(state[0])], dtype="float32"
    )
    return {
        "batch_size": batch_size,
        "images_per_second": batch_size / took,
        "step_ms": 1e3 * took,
        # By hand: XLA counts nothing of what GPUs' libraries compute.
        "share_of_matrix_rate": flops / took / rate,
        "matrix_flops": flops,
        "bytes_accessed": cost["bytes accessed"],
        "temporary_bytes": memory.temp_size_in_bytes,
        "argument_bytes": memory.argument_size_in_bytes,
        "compile_seconds": compilation,
        "finite": bool(np.all(np.isfinite(flat))),
    }


def device():
    """What JAX computes on, and the largest memory it has held so far."""
    first = jax.devices()[0]
    # None where the backend does not count, as on CPU.
    statistics = first.memory_stats() or {}
    return {
        "platform": first.platform,
        "kind": first.device_kind,
        "peak_bytes": statistics.get("peak_bytes_in_use"),
        "limit_bytes": statistics.get("bytes_limit"),
    }


def main(argv):
    del argv
    results, rows, rates = [], [], {}
    for precision in FLAGS.precisions:
        if precision not in PRECISIONS:
            raise app.UsageError(
                f"--precisions must be among {', '.join(PRECISIONS)}. "
                f"Received: {precision}"
            )
    for name, case in cases.get(FLAGS.cases).items():
        for factor in map(int, FLAGS.batch_factors):
            for precision in FLAGS.precisions:
                rate = matrix_rate(precision, FLAGS.matrix_size, FLAGS.seconds)
                rates.setdefault(precision, []).append(rate)
                found = measure(
                    case,
                    precision,
                    factor * case.batch_size,
                    rate,
                    FLAGS.seconds,
                )
                found = {"case": name, "precision": precision, **found}
                results.append({**found, "device": device()})
                print(json.dumps(results[-1]), flush=True)
                rows.append(_row(found))
                # Also if a later one runs out of memory.
                _write({"results": results, "matrix_rates": rates})
    print(timing.table(rows))


def _row(found):
    return {
        "case": found["case"],
        "precision": found["precision"],
        "batch": found["batch_size"],
        "images/s": found["images_per_second"],
        "step, ms": found["step_ms"],
        "of the matrix rate, %": 100 * found["share_of_matrix_rate"],
        "memory, MB": (found["temporary_bytes"] + found["argument_bytes"])
        / 1e6,
        "compilation, s": found["compile_seconds"],
    }


def _write(results):
    if FLAGS.output:
        text = json.dumps({**timing.conditions(), **results}, indent=2)
        pathlib.Path(FLAGS.output).write_text(text + "\n")


if __name__ == "__main__":
    app.run(main)
