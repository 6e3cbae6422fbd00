"""What a training step is made of: the time of each kind of operation.

    python benchmarks/step_profile.py --case=dcgan_32px

By TensorFlow's profiler, on one thread, where an operation's time is its own;
the steps of a bare loop, after two that trace.
"""

import collections
import glob
import os
import pathlib
import tempfile

import timing
from absl import app, flags
from steps import cases

FLAGS = flags.FLAGS
flags.DEFINE_string("case", "dcgan_32px", "Of steps/cases.py.")
flags.DEFINE_integer("steps", 4, "That are recorded.")
flags.DEFINE_integer("threads", 1, "Of TensorFlow.")
flags.DEFINE_string("output", None, "A JSON file for what was measured.")

# A kind of work -> words in the names of its operations.
KINDS = {
    "convolutions": ("conv", "matmul"),
    "batch norm": ("batchnorm",),
    "activations": ("relu", "tanh", "sigmoid", "softplus"),
    "data movement": ("slice", "concat", "transpose", "pad", "tile", "pack"),
}
OTHERS = "all the rest"


def main(argv):
    del argv
    (case,) = cases.get([FLAGS.case]).values()
    times = record(case, FLAGS.steps, FLAGS.threads)
    total = sum(times.values())
    shares = collections.Counter()
    for name, seconds in times.items():
        shares[kind_of(name)] += seconds / total
    rows = [
        {"kind": kind, "share of the time, %": 100 * share}
        for kind, share in shares.most_common()
    ]
    timing.report(
        {
            "case": FLAGS.case,
            "seconds_a_step": total / FLAGS.steps,
            "shares": dict(shares),
            "operations": dict(collections.Counter(times).most_common(30)),
        },
        rows,
        FLAGS.output,
    )


def kind_of(operation):
    """The name of an operation, such as "Conv2D" -> its kind of work."""
    name = operation.lower()
    for kind, words in KINDS.items():
        if any(word in name for word in words):
            return kind
    return OTHERS


def record(case, steps, threads):
    """{operation: seconds} of so many steps."""
    import tensorflow as tf

    # Before TensorFlow's first operation, which starts its threads.
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    from steps.contenders import tensors

    gan, data = case.build(), tensors(case)
    step = tf.function(lambda data: gan.train_step(data))
    for _ in range(2):
        step(data)
    with tempfile.TemporaryDirectory() as folder:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3)
        with tf.profiler.experimental.Profile(folder, options=options):
            for _ in range(steps):
                step(data)
        return dict(_read(folder))


def _read(folder):
    """{operation: seconds} of a profile; an event is called "name:Type"."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    pattern = os.path.join(folder, "**", "*.xplane.pb")
    (path,) = glob.glob(pattern, recursive=True)
    space = xplane_pb2.XSpace()
    space.ParseFromString(pathlib.Path(path).read_bytes())
    seconds = collections.Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                # Beside operations, there are functions that hold them.
                inside = "::" not in name and "__inference" not in name
                if ":" in name and inside:
                    kind = name.rpartition(":")[2].partition("#")[0]
                    seconds[kind] += event.duration_ps / 1e12
    return seconds


if __name__ == "__main__":
    app.run(main)
