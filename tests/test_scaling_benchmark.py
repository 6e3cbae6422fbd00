"""The page on scaling: its script counts as one does by hand.

Another process, since it is of JAX and wants eight devices.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

_ROOT = pathlib.Path(__file__).parents[1]
_BENCHMARKS = _ROOT / "benchmarks"

# What the process prints as JSON. TensorFlow is as if it were not installed.
_PROGRAM = """
import json, os, sys

for name in ("tensorflow", "tensorflow_datasets"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv[1])
import scaling
from absl import flags
for name in list(flags.FLAGS):
    delattr(flags.FLAGS, name)  # The next script has some of the same name.
import device_step
import jax
import keras
from steps import cases, counting

def count(function, *shapes):
    arrays = [jax.ShapeDtypeStruct(shape, "float32") for shape in shapes]
    traced = jax.jit(function).trace(*arrays)
    flops, moved = counting.matrix_work(traced.jaxpr)
    return traced.lower().cost_analysis()["flops"], flops, moved

def gradients(function):
    return lambda *arrays: jax.grad(
        lambda *inner: (function(*inner) ** 2).sum(), argnums=(0, 1)
    )(*arrays)

inside, down, up = (
    lambda x, w: keras.ops.conv(x, w, padding="valid"),
    lambda x, w: keras.ops.conv(x, w, 2, "same"),
    lambda x, w: keras.ops.conv_transpose(x, w, 2, "same"),
)
found = {
    "inside": count(inside, (3, 9, 8, 4), (3, 3, 4, 5)),
    "down": count(down, (3, 8, 8, 4), (4, 4, 4, 5)),
    "up": count(up, (3, 4, 4, 5), (4, 4, 4, 5)),
    "both": count(gradients(down), (3, 8, 8, 4), (4, 4, 4, 5)),
    "product": count(lambda x, w: x @ w, (3, 7), (7, 5)),
}
case = cases.TINY["dcgan_tiny"]
shape = case.image_shape
model = case.build()
works = {
    rows: vars(
        counting.work(model.train_step, model, cases.data_of(case, rows))
    )
    for rows in (8, 16)
}
_, generator = model.settings.players
found["generator"], _ = counting.matrix_of(
    counting.update_of(model, generator), model, cases.data_of(case, 8)
)
found["traced"] = scaling.trace(case)
found["traced_labels"] = scaling.trace(cases.TINY["cgan_tiny"])
wasserstein = cases.TINY["resnet_tiny"]
five = wasserstein.build()
state = counting.variables(five)
images = jax.ShapeDtypeStruct((80, *wasserstein.image_shape), "float32")
whole = jax.jit(five.train_step).lower(counting._like(state), images)
found["five"] = whole.cost_analysis()["flops"]
found["five_shared"] = counting.shared(wasserstein, 80)
row = {
    "batch_size": 64,
    "image_shape": shape,
    "by_image": {k: (works[16][k] - works[8][k]) / 8 for k in works[8]},
    "parameters": {"generator": 1, "discriminator": 1},
    "generator_flops": 1.0,
    "gradient_bytes": 8,
    "share_of_one_device": 1 / 8,
    "collectives": {"all-reduce": [10, 1000]},
}
found["works"] = works
found["tables"] = [
    list(scaling.work_rows({"tiny": row})),
    list(scaling.talk_rows({"tiny": row})),
    list(scaling.projection_rows({"tiny": row}, [0.1, 0.3], 0.9)),
]
found["step"] = device_step.measure(case, "bfloat16", 8, 1e9, 0.01)
found["policy"] = keras.config.dtype_policy().name
text = "%a = (f32[4,3]{1,0}, s32[]) all-reduce(%b), to_apply=%c"
found["collectives"] = counting.collectives(text + "\\n" + text)
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    process = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(_BENCHMARKS)],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(_ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return json.loads(process.stdout.split("FOUND")[1])


def test_one_operation_by_hand(found):
    """XLA's count, ours, and multiplications on paper are the same."""
    expected = {
        "inside": 2 * 3 * 7 * 6 * 3 * 3 * 4 * 5,
        # One row of padding on each side: 4 outputs see 4 pixels, less 2.
        "down": 2 * 3 * 14 * 14 * 4 * 5,
        "up": 2 * 3 * 14 * 14 * 4 * 5,
        "both": 3 * (2 * 3 * 14 * 14 * 4 * 5),  # To kernel and images, too.
        "product": 2 * 3 * 7 * 5,
    }
    for name, flops in expected.items():
        assert found[name][1] == flops, name
        if name != "both":  # Squares and sums are not multiplications.
            assert found[name][0] == flops, name
    assert 1 < found["both"][0] / expected["both"] < 1.05
    assert found["product"][2] == 4 * (3 * 7 + 7 * 5 + 3 * 5)


def _forward():
    """Multiplications of dcgan_tiny's layers, one image, times two."""
    halving = 14 * 14  # Of 8 pixels to 4, with one of padding, as above.
    doubling = 30 * 30  # Of 16 to 8.
    discriminator = [2 * doubling * 3 * 4, 2 * halving * 4 * 8, 2 * 4 * 4 * 8]
    generator = [2 * 8 * 4 * 4 * 8, 2 * halving * 8 * 4, 2 * doubling * 4 * 3]
    return generator, discriminator


def test_step_by_hand(found):
    """A pass forward, and two back less what nobody asks the gradient of."""
    generator, discriminator = _forward()
    g, d = sum(generator), sum(discriminator)
    of_generator = 3 * g - generator[0] + 2 * d
    of_discriminator = g + 2 * (3 * d - discriminator[0])
    assert found["generator"] == 8 * of_generator
    work = found["works"]["8"]
    assert work["matrix_flops"] == 8 * (of_generator + of_discriminator)
    # The rest is batch norm, activations, Adam, the average and the noise.
    assert work["matrix_flops"] < work["flops"] < 1.3 * work["matrix_flops"]


def test_tracing_counts_the_same(found):
    image = found["works"]["8"]["matrix_flops"] / 8
    traced = found["traced"]
    np.testing.assert_allclose(traced["MFLOP an image"], image / 1e6)
    np.testing.assert_allclose(
        traced["of the generator's update"], found["generator"] / 8e6
    )
    assert found["traced_labels"]["KB an image, at least"] > 1


def test_work_is_linear_in_the_batch(found):
    small, large = found["works"]["8"], found["works"]["16"]
    assert large["matrix_flops"] == 2 * small["matrix_flops"]
    assert small["bytes"] < large["bytes"] < 2.1 * small["bytes"]


def test_devices_share_every_update(found):
    """Eight do an eighth each, and none sends images to another."""
    flops, talk = found["five_shared"]
    assert 0.95 / 8 < flops / found["five"] < 1.15 / 8
    assert talk.keys() == {"all-reduce"}
    # 3 gradients of 5 discriminators (the penalty's too), and the generator's.
    assert talk["all-reduce"][1] < 4 * 16 * 8 * 8 * 3 * 80


def test_tables(found):
    work, talk, projection = found["tables"]
    assert work[0]["MFLOP an image"] > 0.37
    assert talk[0]["work of a device, eighths"] == 1.0
    alone, eight, slice_ = projection
    assert "global batch" not in alone
    # 10 x 25 us, and 2 x 7 / 8 of 1,000 bytes at 370 GB/s.
    np.testing.assert_allclose(eight["all-reduces, ms"], 0.25, rtol=1e-3)
    np.testing.assert_allclose(slice_["all-reduces, ms"], 0.32, rtol=1e-3)
    assert slice_["global batch"] == 256 * slice_["images a chip"]
    assert found["collectives"] == {"all-reduce": [2, 2 * (48 + 4)]}


def test_device_step_without_tensorflow(found):
    """It trains, and leaves Keras' policy as it was."""
    assert found["policy"] == "float32"
    measured = found["step"]
    assert measured["finite"] and measured["batch_size"] == 8
    expected = measured["matrix_flops"] * measured["images_per_second"] / 8e9
    np.testing.assert_allclose(measured["share_of_matrix_rate"], expected)
