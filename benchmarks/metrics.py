"""Times what metrics are made of against the usual packages, side by side.

    pip install scipy prdc
    python benchmarks/metrics.py
    python benchmarks/metrics.py --cases=density_coverage_50k_64 --repetitions=1
    python benchmarks/metrics.py --cases=inception_64px

Each measurement is a process of its own that makes its input, then times one
call; ours and theirs take turns. Of each case it gives medians over the
repetitions:

- seconds of the clock and of all threads' computing, and the ratios of ours to
  theirs in each turn: below 1 is faster.
- peak: the process' largest resident memory, input and imports included.
- value: what was computed.

Of distances, theirs is `np.cov` and `scipy.linalg.sqrtm(S1 @ S2)` for the Frechet distance,
as in `pytorch-fid`, and the `prdc` package, which always computes all four of
precision, recall, density and coverage, for neighbours. Of Inception features,
ours is the network of 2015 with random weights, uint8 images in and 2048
features out, theirs the Inception v3 of `keras.applications`, which is as large
and sees images enlarged bilinearly to the same 299 px.
"""

import json
import os
import statistics
import sys
import tempfile

import numpy as np
import timing
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
    # Images, and their height and width.
    "inception_64px": ("inception", 256, 64, True),
}
_BATCH_SIZE = 32
FEWEST = [
    "frechet_10k_2048",
    "density_coverage_10k_64",
    "density_coverage_10k_2048",
]

FLAGS = flags.FLAGS
flags.DEFINE_list("cases", FEWEST, f"Of {', '.join(CASES)}.")
flags.DEFINE_integer("repetitions", 3, "Of each measurement.")
flags.DEFINE_string("worker", None, "ours or theirs: measure here, now.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")


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


def our_inception():
    """-> a function, images uint8 [n, h, w, 3] -> features [n, 2048]."""
    from kerasgan import features
    from kerasgan.features import inception

    model = inception.build()
    rng = np.random.default_rng(0)
    for weight in model.weights:
        fan_in = max(1, np.prod(weight.shape[:-1]))
        spread = np.sqrt(2 / fan_in) if len(weight.shape) > 1 else 0.0
        offset = float("variance" in weight.path)
        weight.assign(spread * rng.standard_normal(weight.shape) + offset)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "random.weights.h5")
        model.save_weights(path)
        network = features.load("inception_2015", path)
    return lambda images: network.features(images, "2048", _BATCH_SIZE)["2048"]


def their_inception():
    import keras

    network = keras.applications.InceptionV3(
        include_top=False, weights=None, pooling="avg"
    )
    resize = keras.layers.Resizing(299, 299)

    def features(images):
        parts = [
            network.predict_on_batch(
                resize(images[start : start + _BATCH_SIZE].astype("float32"))
                / 127.5
                - 1.0
            )
            for start in range(0, len(images), _BATCH_SIZE)
        ]
        return np.concatenate(parts)

    return features


def work(case, whose):
    """-> a function without arguments: what is timed."""
    name, rows, columns, _ = CASES[case]
    if name == "inception":
        function = our_inception() if whose == "ours" else their_inception()
        shape = (rows, columns, columns, 3)
        images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
        function(images[:_BATCH_SIZE])  # Compiles.
        return lambda: function(images).mean()
    function = (our_function if whose == "ours" else their_function)(name)
    real, fake = features(rows, columns)
    return lambda: function(real=real, fake=fake)


def measure(case, whose):
    """Prints costs, peak and value of one call, as JSON."""
    function, values = work(case, whose), []
    cost = timing.time_once(lambda: values.append(function()))
    value = np.round(np.asarray(values[0], "float64"), 8).tolist()
    found = {"value": value, "peak_gb": timing.peak_bytes() / 1e9}
    print(json.dumps({**found, **cost._asdict()}))


def compare(case, repetitions):
    """One case -> {"ours": medians, "theirs": ...}."""
    sides = ("ours", "theirs") if CASES[case][3] else ("ours",)
    found = {whose: [] for whose in sides}
    for _ in range(repetitions):
        for whose in sides:
            command = [sys.executable, __file__]
            command += [f"--cases={case}", f"--worker={whose}"]
            # Packages may print before.
            line = timing.run_process(command).output.splitlines()[-1]
            found[whose].append(json.loads(line))
    costs = {
        whose: [timing.Cost(run["wall"], run["cpu"]) for run in runs]
        for whose, runs in found.items()
    }
    summary = timing.summary(costs, against=sides[-1])
    for whose, runs in found.items():
        peak = statistics.median(run["peak_gb"] for run in runs)
        summary[whose] |= {"peak_gb": peak, "value": runs[0]["value"]}
    return summary


def row(case, summary):
    ours, theirs = summary["ours"], summary.get("theirs", {})
    return {
        "case": case,
        "ours, s": ours["wall_s"],
        "theirs, s": theirs.get("wall_s"),
        "wall ratio": ours.get("wall_ratio"),
        "CPU ratio": ours.get("cpu_ratio"),
        "our peak, GB": ours["peak_gb"],
        "their peak, GB": theirs.get("peak_gb"),
    }


def main(_):
    timing.check("cases", FLAGS.cases, CASES)
    if FLAGS.worker:
        measure(FLAGS.cases[0], FLAGS.worker)
        return
    cases = {case: compare(case, FLAGS.repetitions) for case in FLAGS.cases}
    rows = [row(case, summary) for case, summary in cases.items()]
    timing.report({"cases": cases}, rows, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
