"""Times distances between features against the usual packages, side by side.

    pip install scipy prdc
    python benchmarks/metrics.py
    python benchmarks/metrics.py --cases=density_coverage_50k_64 --repetitions=1

Each measurement is a process of its own that makes its features, then times
one call; ours and theirs take turns. A line per case is printed, with medians
over the repetitions:

- `seconds`, `their_seconds` and `ratio`: ours by theirs, below 1 is faster.
- `peak_gb`, `their_peak_gb`: the process' largest resident memory, features
  and imports included.
- `value`, `their_value`: what was computed.

Theirs is `np.cov` and `scipy.linalg.sqrtm(S1 @ S2)` for the Frechet distance,
as in `pytorch-fid`, and the `prdc` package, which always computes all four of
precision, recall, density and coverage, for neighbours.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

# Name -> function, rows of each set, columns, whether theirs is measured.
CASES = {
    "frechet_10k_2048": ("frechet", 10_000, 2048, True),
    "density_coverage_10k_64": ("density_coverage", 10_000, 64, True),
    "density_coverage_10k_2048": ("density_coverage", 10_000, 2048, True),
    "prdc_10k_64": ("prdc", 10_000, 64, True),
    "prdc_10k_2048": ("prdc", 10_000, 2048, True),
    "density_coverage_50k_64": ("density_coverage", 50_000, 64, False),
    "density_coverage_50k_2048": ("density_coverage", 50_000, 2048, False),
}
FEWEST = [
    "frechet_10k_2048",
    "density_coverage_10k_64",
    "density_coverage_10k_2048",
]

FLAGS = flags.FLAGS
flags.DEFINE_list("cases", FEWEST, f"Of {', '.join(CASES)}.")
flags.DEFINE_integer("repetitions", 3, "Of each measurement.")
flags.DEFINE_string("worker", None, "ours or theirs: measure here, now.")


def features(rows, columns):
    """Two sets float32 [rows, columns], alike, with correlated columns."""
    rng = np.random.default_rng(0)
    decay = np.exp(-np.linspace(0.0, 3.0, columns))[:, None]
    mix = rng.normal(size=(columns, columns)) * decay / np.sqrt(columns)
    real = rng.normal(size=(rows, columns)) @ mix
    fake = 0.9 * rng.normal(size=(rows, columns)) @ mix + 0.01
    return real.astype("float32"), fake.astype("float32")


def our_function(name):
    from kerasgan.metrics import frechet, neighbours

    functions = {
        "frechet": frechet.frechet_distance,
        "density_coverage": neighbours.density_coverage,
        "prdc": lambda **sets: neighbours.prdc(**sets, neighbours=5),
    }
    return functions[name]


def their_function(name):
    if name == "frechet":
        linalg = _imported("scipy.linalg")

        def distance(*, real, fake):
            ours, theirs = np.cov(real.T), np.cov(fake.T)
            shift = real.mean(axis=0) - fake.mean(axis=0)
            root = linalg.sqrtm(ours @ theirs)
            return shift @ shift + np.trace(ours + theirs - 2.0 * root.real)

        return distance
    prdc = _imported("prdc")

    def scores(*, real, fake):
        found = prdc.compute_prdc(real, fake, nearest_k=5)
        names = ["precision", "recall", "density", "coverage"]
        return [found[key] for key in names if name == "prdc" or key in name]

    return scores


def _imported(name):
    import importlib

    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ImportError:
        sys.exit(f"The comparison needs {package}: pip install {package}")


def measure(case, whose):
    """Prints seconds, peak and value of one call, as JSON."""
    name, rows, columns, _ = CASES[case]
    function = (our_function if whose == "ours" else their_function)(name)
    real, fake = features(rows, columns)
    start = time.perf_counter()
    value = function(real=real, fake=fake)
    seconds = time.perf_counter() - start
    # In kB on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    value = np.round(np.asarray(value, "float64"), 8).tolist()
    print(json.dumps({"seconds": seconds, "peak_gb": peak, "value": value}))


def compare(case, repetitions):
    """One case -> a line of medians."""
    sides = {"": "ours"}
    if CASES[case][3]:
        sides["their_"] = "theirs"
    found = {prefix: [] for prefix in sides}
    for _ in range(repetitions):
        for prefix, whose in sides.items():
            command = [sys.executable, os.path.abspath(__file__)]
            command += [f"--cases={case}", f"--worker={whose}"]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(done.returncode)
            # Packages may print before.
            found[prefix].append(json.loads(done.stdout.splitlines()[-1]))
    line = {"case": case}
    for prefix, runs in found.items():
        for key in ("seconds", "peak_gb"):
            median = statistics.median(run[key] for run in runs)
            line[prefix + key] = round(median, 2)
        line[f"{prefix}value"] = runs[0]["value"]
    if len(sides) == 2:
        line["ratio"] = round(line["seconds"] / line["their_seconds"], 3)
    return line


def main(_):
    unknown = sorted(set(FLAGS.cases) - set(CASES))
    if unknown:
        sys.exit(
            f"`--cases` must be of {', '.join(CASES)}. Received: {unknown}"
        )
    for case in FLAGS.cases:
        if FLAGS.worker:
            measure(case, FLAGS.worker)
        else:
            line = compare(case, FLAGS.repetitions)
            line["load"] = round(os.getloadavg()[0], 1)
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    app.run(main)
