"""What a training step computes, moves and says to other chips.

    python benchmarks/scaling.py --output=scaling.json

Operations and bytes are XLA's, of the step that Keras' JAX trainer would run,
compiled for the CPU; nothing is trained. What that means on machines that
were not measured is computed from their makers' rates: `SCALING.md` says how.
"""

import io
import json
import os
import pathlib
import time

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
# Devices that are threads: enough to see what they tell each other.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_force_host_platform_device_count=8"
)

import numpy as np
import timing
from absl import app, flags
from steps import cases, machines

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "cases",
    [*cases.CASES, *(name for name in cases.PENALTIES if "64px" in name)],
    "Of steps/cases.py.",
)
flags.DEFINE_bool(
    "compile",
    True,
    "Else matrix operations alone are counted, of the traced step: seconds "
    "instead of minutes for large networks.",
)
flags.DEFINE_string("output", None, "JSON.")
flags.DEFINE_list("utilizations", ["0.1", "0.3", "0.5"], "Of the matrix rate.")
flags.DEFINE_float("efficiency", 0.9, "Of a chip beside others.")

DEVICES = 8


def trace(case):
    """What an image costs, by the operations of the step as it is written."""
    from steps import counting

    model = case.build()
    batch_size = 2 * DEVICES * case.discriminator_steps
    once, twice = (
        counting.matrix_of(
            model.train_step, model, cases.data_of(case, rows * batch_size)
        )
        for rows in (1, 2)
    )
    return {
        "parameters, M": sum(_parameters(model).values()) / 1e6,
        "MFLOP an image": (twice[0] - once[0]) / batch_size / 1e6,
        "of the generator's update": _generator_flops(model, case, batch_size)
        / 1e6,
        "KB an image, at least": (twice[1] - once[1]) / batch_size / 1e3,
    }


def _generator_flops(model, case, batch_size):
    """Matrix operations of the last player's update, for an image."""
    from steps import counting

    *_, generator = model.settings.players
    flops, _ = counting.matrix_of(
        counting.update_of(model, generator),
        model,
        cases.data_of(case, batch_size),
    )
    return flops / batch_size


def _parameters(model):
    return {
        player.name: sum(int(np.prod(v.shape)) for v in player.variables)
        for player in model.settings.players
    }


def measure(case):
    """A case's step, its players' updates, and eight devices that share it."""
    from steps import counting

    model = case.build()
    steps, shape = case.discriminator_steps, case.image_shape
    batch_size = 2 * DEVICES * steps
    by_image, by_step = counting.by_image_and_step(
        model.train_step, model, case, batch_size
    )
    generator_flops = _generator_flops(model, case, batch_size)
    device_flops, talk = counting.shared(case, batch_size)
    parameters = _parameters(model)
    return {
        "batch_size": case.batch_size,
        "image_shape": shape,
        "discriminator_steps": steps,
        "by_image": vars(by_image),
        "by_step": vars(by_step),
        "generator_flops": generator_flops,
        "parameters": parameters,
        "gradient_bytes": 4
        * (parameters["generator"] + steps * parameters["discriminator"]),
        "device_flops": device_flops,
        # 1 / DEVICES, if no device does what another does as well.
        "share_of_one_device": (device_flops - by_step.flops)
        / (by_image.flops * batch_size),
        "collectives": talk,
    }


def work_rows(found):
    """One row a case: what an image costs."""
    for name, case in found.items():
        image = case["by_image"]
        yield {
            "case": name,
            "parameters, M": sum(case["parameters"].values()) / 1e6,
            "MFLOP an image": image["flops"] / 1e6,
            "of the generator's update": case["generator_flops"] / 1e6,
            "KB an image, at least": image["matrix_bytes"] / 1e3,
            "KB, XLA:CPU": image["bytes"] / 1e3,
            "FLOP/byte": image["flops"] / image["bytes"],
            "at most": image["flops"] / image["matrix_bytes"],
            "temporaries, KB": image["temporary_bytes"] / 1e3,
        }


def talk_rows(found):
    """One row a case: eight devices' work and talk in one step."""
    for name, case in found.items():
        calls, moved = case["collectives"].get("all-reduce", (0, 0))
        others = dict(case["collectives"])
        others.pop("all-reduce", None)
        yield {
            "case": name,
            "work of a device, eighths": DEVICES * case["share_of_one_device"],
            "gradients, MB": case["gradient_bytes"] / 1e6,
            "all-reduced, MB": moved / 1e6,
            "all-reduces": calls,
            "other": json.dumps(others) if others else "none",
        }


def projection_rows(found, utilizations, efficiency):
    """One row a case and machine, from rates that were not measured."""
    for name, case in found.items():
        image = case["by_image"]
        moved = image["bytes"] / 2  # bfloat16 halves what activations take.
        calls, reduced = case["collectives"].get("all-reduce", (0, 0))
        for machine in machines.MACHINES:
            row = {"case": name, "machine": machine.name}
            limit = machines.memory_rate(machine, moved)
            for utilization in utilizations:
                rate = machines.compute_rate(
                    machine, utilization, image["flops"]
                )
                row[f"at {utilization:.0%}"] = _rate(
                    machine.chips * rate, limited=rate > limit
                )
            row["memory's limit"] = _rate(machine.chips * limit)
            rate = min(
                limit,
                machines.compute_rate(machine, utilizations[1], image["flops"]),
            )
            pixels = np.prod(case["image_shape"])
            row["input, GB/s a chip"] = float(4 * pixels * rate / 1e9)
            if machine.chips > 1:
                seconds = machines.reduce_seconds(machine, reduced, calls)
                batch = machines.smallest_batch(rate, seconds, efficiency)
                row["all-reduces, ms"] = 1e3 * seconds
                row["images a chip"] = int(np.ceil(batch))
                row["global batch"] = int(np.ceil(batch)) * machine.chips
            yield row


def _rate(value, limited=False):
    text = f"{value / 1e3:,.0f}k"
    return f"({text})" if limited else text


def decoding_seconds(size, source, repetitions=200):
    """CPU seconds to make [size, size, 3] of a JPEG, as the pipeline does."""
    from PIL import Image

    from kerasgan.data import decoding

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, size=(8, 8, 3), dtype="uint8")
    file = io.BytesIO()
    picture = Image.fromarray(coarse).resize((source, source))
    picture.save(file, "JPEG", quality=90)
    start = time.process_time()
    for _ in range(repetitions):
        file.seek(0)
        decoding.prepare(decoding.decode(file), (size, size), 3, crop=True)
    return (time.process_time() - start) / repetitions


def main(argv):
    del argv
    if not FLAGS.compile:
        rows = []
        for name, case in cases.get(FLAGS.cases).items():
            rows.append({"case": name, **trace(case)})
            print(json.dumps(rows[-1]), flush=True)
        timing.report({"work": rows}, rows, FLAGS.output)
        return
    found = {}
    for name, case in cases.get(FLAGS.cases).items():
        found[name] = measure(case)
        print(name, json.dumps(found[name]), flush=True)
    utilizations = [float(text) for text in FLAGS.utilizations]
    tables = {
        "work": list(work_rows(found)),
        "talk": list(talk_rows(found)),
        "projection": list(
            projection_rows(found, utilizations, FLAGS.efficiency)
        ),
    }
    for name, rows in tables.items():
        print(f"\n{name}\n\n{timing.table(rows)}")
    decoding = {
        f"{source} px to {size} px": decoding_seconds(size, source)
        for source, size in ((64, 64), (256, 64))
    }
    for name, seconds in decoding.items():
        print(f"\nJPEG of {name}: {1e6 * seconds:.0f} us of a core")
    if FLAGS.output:
        results = {"cases": found, "tables": tables, "decoding_s": decoding}
        text = json.dumps({**timing.conditions(), **results}, indent=2)
        pathlib.Path(FLAGS.output).write_text(text + "\n")


if __name__ == "__main__":
    app.run(main)
