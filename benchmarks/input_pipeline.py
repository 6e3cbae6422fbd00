"""Decoded, augmented images per second; and whether a step waits for them.

    python benchmarks/input_pipeline.py --torch_python=T/bin/python
    python benchmarks/input_pipeline.py --parts=step

Images are JPEGs of 64 to 96 px that are made here, brought to `--size`.

- `--parts=read`: nothing but reading, from a folder, a zip, tfds and arrays,
  by kerasgan, plain tf.data and a torch DataLoader in turns. *Kept* images are
  decoded once and stay in memory, as kerasgan does by itself where a quarter of
  the free memory holds them; others are decoded each time.
- `--parts=step`: a training step of DCGAN on one batch that is there already,
  and on the pipeline, in turns in one process. *Waited* is the share of the
  clock that passed until the pipeline gave a batch. Decoding's CPU seconds come
  on top of the step's: where no core is idle they slow it down though it waits
  for nothing, and then the wall's ratio shows it.
"""

import contextlib
import functools
import statistics
import tempfile
import time

import keras
import numpy as np
import timing
from absl import app, flags
from inputs import pipelines, sources

FLAGS = flags.FLAGS
flags.DEFINE_list("parts", ["read", "step"], "Of read, step.")
flags.DEFINE_integer("images", 10_000, "How many there are.")
flags.DEFINE_integer("size", 64, "Height and width of what is read, in px.")
flags.DEFINE_integer("batch_size", 64, "Images of a batch.")
flags.DEFINE_integer("batches", 40, "Read in each turn.")
flags.DEFINE_integer("steps", 20, "Training steps in each turn.")
flags.DEFINE_integer("repetitions", 7, "Turns of each way.")
flags.DEFINE_string("workdir", None, "Keeps the images for the next time.")
flags.DEFINE_string("torch_python", None, "An interpreter that has torch.")
flags.DEFINE_integer("torch_workers", 2, "Processes of its DataLoader.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")


def groups(images, size, batch_size):
    """{what is read: {by whom: dataset}}: kerasgan's is always there."""
    ours = functools.partial(
        pipelines.kerasgan, size=size, batch_size=batch_size
    )
    theirs = {"size": size, "batch_size": batch_size}
    name, data_dir = sources.tfds_dataset(images)
    pixels = sources.arrays(images, size)
    return {
        "folder": {
            "kerasgan": ours(images, kept=False),
            "tf.data": pipelines.tf_folder(images, kept=False, **theirs),
        },
        "folder, kept": {
            "kerasgan": ours(images, kept=True),
            "tf.data": pipelines.tf_folder(images, kept=True, **theirs),
        },
        "zip": {"kerasgan": ours(sources.archive(images), kept=False)},
        "tfds": {
            "kerasgan": ours(name, data_dir=data_dir, kept=False),
            "tf.data": pipelines.tf_tfds(name, data_dir=data_dir, **theirs),
        },
        "arrays": {
            "kerasgan": ours(pixels, kept=True),
            "tf.data": pipelines.tf_arrays(pixels, batch_size),
        },
    }


def torch_readers(images, pixels, flags_):
    """{what is read: reader}, each a process of its own."""
    if flags_.torch_python is None:
        return {}
    stored = images.with_suffix(f".{flags_.size}px.npy")
    np.save(stored, pixels)
    return {
        what: pipelines.TorchReader(
            flags_.torch_python,
            source,
            flags_.size,
            flags_.batch_size,
            flags_.batches,
            flags_.torch_workers,
        )
        for what, source in (("folder", images), ("arrays", stored))
    }


def read(images, flags_):
    """-> [{what is read, by whom, images per second, costs, ratios}]."""
    found = []
    pixels = sources.arrays(images, flags_.size)
    torch = torch_readers(images, pixels, flags_)
    for what, ways in groups(images, flags_.size, flags_.batch_size).items():
        functions = {
            by: pipelines.reader(dataset, flags_.batches)
            for by, dataset in ways.items()
        }
        if what in torch:
            functions["torch"] = torch[what]
        costs = timing.paired(functions, flags_.repetitions)
        count = flags_.batches * flags_.batch_size
        for by, cost in timing.summary(costs, against="kerasgan").items():
            rate = count / cost["wall_s"]
            found.append(
                {"read": what, "by": by, "images_per_second": rate, **cost}
            )
            found[-1]["cpu_us_per_image"] = 1e6 * cost["cpu_s"] / count
    for reader in torch.values():
        reader.close()
    return found


def train(images, flags_):
    """-> [{data, costs of a step, ratios, share of the clock waited}]."""
    import tensorflow as tf

    from kerasgan import GANModel
    from kerasgan.models import dcgan

    shape = (flags_.size, flags_.size, 3)
    gan = GANModel(dcgan.Generator(shape), dcgan.Discriminator(shape))
    gan.compile()
    step = tf.function(gan.train_step, autograph=False)
    ours = functools.partial(
        pipelines.kerasgan, images, flags_.size, flags_.batch_size
    )
    batch = next(iter(ours(kept=True)))
    datasets = {
        "one batch": tf.data.Dataset.from_tensors(batch).cache().repeat(),
        "folder, kept": ours(kept=True),
        "folder": ours(kept=False),
    }
    waited = {name: [] for name in datasets}

    def trained(name):
        iterator, waiting = iter(datasets[name]), 0.0
        step(next(iterator))

        def steps():
            nonlocal waiting
            for _ in range(flags_.steps):
                start = time.perf_counter()
                batch = next(iterator)
                waiting += time.perf_counter() - start
                logs = step(batch)
            keras.tree.map_structure(np.asarray, logs)

        cost = timing.time_once(steps)
        waited[name].append(waiting)
        return cost

    functions = {name: functools.partial(trained, name) for name in datasets}
    costs = timing.paired(functions, flags_.repetitions)
    found = []
    for name, cost in timing.summary(costs, against="one batch").items():
        shares = [
            waiting / turn.wall
            for waiting, turn in zip(waited[name][1:], costs[name], strict=True)
        ]
        rate = flags_.steps * flags_.batch_size / cost["wall_s"]
        found.append(
            {
                "data": name,
                "images_per_second": rate,
                "waited": statistics.median(shares),
                **cost,
            }
        )
    return found


def _row(case):
    ratio = "batch" if "data" in case else "kerasgan"
    percent = {"waited, %": 100 * case["waited"]} if "waited" in case else {}
    if "cpu_us_per_image" in case:
        percent["CPU us/image"] = case["cpu_us_per_image"]
    return {
        **{key: case[key] for key in ("read", "by", "data") if key in case},
        "images/s": case["images_per_second"],
        **percent,
        f"wall, {ratio} = 1": case.get("wall_ratio"),
        f"CPU, {ratio} = 1": case.get("cpu_ratio"),
    }


def main(_):
    parts = {"read": read, "step": train}
    timing.check("parts", FLAGS.parts, parts)
    results = {}
    with contextlib.ExitStack() as stack:
        workdir = FLAGS.workdir or stack.enter_context(
            tempfile.TemporaryDirectory()
        )
        images = sources.folder(workdir, FLAGS.images)
        for part in FLAGS.parts:
            results[part] = parts[part](images, FLAGS)
            rows = [_row(case) for case in results[part]]
            timing.report(results, rows, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
