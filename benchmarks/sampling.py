"""Images per second and latency of `generate`, by batch size.

    python benchmarks/sampling.py --output=sampling.json
    KERAS_BACKEND=jax python benchmarks/sampling.py

Three ways to the same images take turns in one process, for each size of DCGAN
and each batch size:

- `generate`: seed in, NumPy images out, as users call it.
- `bare`: a compiled function of the network, given latents: the least that
  any way can take.
- `predict`: Keras' own, given latents.

Weights are random: they do not change the time.
"""

import functools

import keras
import numpy as np
import timing
from absl import app, flags

from kerasgan import GANModel, devices
from kerasgan.models import dcgan

# Name -> image shape, latent size.
SIZES = {
    "tiny": ((4, 4, 1), 4),
    "digits": ((8, 8, 1), 64),
    "dcgan32": ((32, 32, 3), 100),
    "dcgan64": ((64, 64, 3), 100),
}

FLAGS = flags.FLAGS
flags.DEFINE_list("sizes", ["digits", "dcgan64"], f"Of {', '.join(SIZES)}.")
flags.DEFINE_list("batch_sizes", ["1", "8", "64", "256"], "Images at once.")
flags.DEFINE_integer("repetitions", 11, "Turns of each way.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")


def model(size):
    shape, latent_size = SIZES[size]
    return GANModel(
        dcgan.Generator(shape, latent_size=latent_size),
        dcgan.Discriminator(shape),
    )


def ways(gan, batch_size):
    """{name: function without arguments that makes a batch in NumPy}."""
    network = gan.averaged_generator
    latents = gan.latents(batch_size)
    bare = devices.compiled(
        lambda latents: network(latents, training=False), network.variables
    )
    return {
        "generate": functools.partial(
            gan.generate, batch_size, batch_size=batch_size
        ),
        "bare": lambda: np.asarray(bare(latents)),
        "predict": functools.partial(
            network.predict, latents, batch_size=batch_size, verbose=0
        ),
    }


def measure(size, batch_sizes, repetitions):
    """One size -> [{way, batch size, latency, images per second, ...}]."""
    gan = model(size)
    found = []
    for batch_size in batch_sizes:
        # Two rounds: the second shape is traced once more, for all others.
        costs = timing.paired(ways(gan, batch_size), repetitions, warmups=2)
        for way, cost in timing.summary(costs, against="bare").items():
            rate = batch_size / cost["wall_s"]
            found.append(
                {
                    "size": size,
                    "batch_size": batch_size,
                    "way": way,
                    "images_per_second": rate,
                    **cost,
                }
            )
    return found


def row(case):
    """One case as the table shows it."""
    return {
        "network": case["size"],
        "batch size": case["batch_size"],
        "way": case["way"],
        "latency, ms": 1e3 * case["wall_s"],
        "CPU ms": 1e3 * case["cpu_s"],
        "images/s": case["images_per_second"],
        "wall, bare = 1": case.get("wall_ratio"),
        "CPU, bare = 1": case.get("cpu_ratio"),
    }


def main(_):
    timing.check("sizes", FLAGS.sizes, SIZES)
    batch_sizes = [int(batch_size) for batch_size in FLAGS.batch_sizes]
    cases = [
        case
        for size in FLAGS.sizes
        for case in measure(size, batch_sizes, FLAGS.repetitions)
    ]
    results = {"backend": keras.backend.backend(), "cases": cases}
    timing.report(results, [row(case) for case in cases], FLAGS.output)


if __name__ == "__main__":
    app.run(main)
