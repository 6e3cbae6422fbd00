"""Values as functions of images seen."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import schedules
from kerasgan.schedules import Constant, Cosine, Growth, Linear

CASES = {
    "constant": Constant(0.5),
    "linear": Linear(1.0, 3.0, over_images=100, from_images=50),
    "cosine": Cosine(1.0, 3.0, over_images=100, from_images=50),
    "growth": Growth(2, stable_images=100, fade_images=50),
}


@pytest.mark.parametrize(
    "name, expected",
    [
        ("constant", {0: 0.5, 10**9: 0.5}),
        ("linear", {0: 1, 50: 1, 75: 1.5, 100: 2, 150: 3, 151: 3, 10**9: 3}),
        (
            "cosine",
            {
                0: 1,
                50: 1,
                75: 1 + 2 * (1 - np.cos(np.pi / 4)) / 2,
                100: 2,
                150: 3,
                10**9: 3,
            },
        ),
        (
            "growth",
            {
                0: 2,
                100: 2,
                125: 1.5,
                150: 1,
                250: 1,
                260: 0.8,
                300: 0,
                10**9: 0,
            },
        ),
    ],
)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_values(name, expected, dtype):
    if dtype == "int64" and keras.backend.backend() == "jax":
        pytest.skip("JAX counts in int32")
    for images_seen, value in expected.items():
        result = CASES[name](ops.convert_to_tensor(images_seen, dtype))
        assert result.shape == ()
        assert keras.backend.standardize_dtype(result.dtype) == "float32"
        np.testing.assert_allclose(result, value, rtol=1e-6)


def test_may_fall():
    falling = Linear(1.0, 0.0, over_images=10)
    values = [float(falling(ops.array(i))) for i in range(12)]
    np.testing.assert_allclose(values[:11], np.linspace(1, 0, 11), atol=1e-6)
    assert values[11] == 0


def test_cosine_leaves_and_arrives_gently():
    schedule = Cosine(0.0, 1.0, over_images=1000)
    values = [
        float(schedule(ops.array(i))) for i in (0, 10, 500, 510, 990, 1000)
    ]
    start, middle, end = np.diff(values)[::2]
    assert start < middle / 20 and end < middle / 20


def test_get():
    schedule = Linear(0.0, 1.0, 10)
    assert schedules.get(schedule) is schedule
    assert schedules.get(3) == Constant(3.0)


@pytest.mark.parametrize("over_images", [0, -5])
@pytest.mark.parametrize("kind", [Linear, Cosine])
def test_a_way_takes_images(kind, over_images):
    with pytest.raises(ValueError, match="`over_images` must be.*Received"):
        kind(0.0, 1.0, over_images)


def test_growth_may_have_no_pause_and_no_fade():
    values = [float(Growth(2, 0, 10)(ops.array(i))) for i in (0, 5, 10, 20, 21)]
    np.testing.assert_allclose(values, [2, 1.5, 1, 0, 0])
    values = [float(Growth(2, 10, 0)(ops.array(i))) for i in (0, 9, 10, 19, 20)]
    np.testing.assert_allclose(values, [2, 2, 1, 1, 0])
    with pytest.raises(ValueError, match="0 for both"):
        Growth(2, 0, 0)
    with pytest.raises(ValueError, match="`levels` must be 0 or more"):
        Growth(-1)


@pytest.mark.parametrize("schedule", CASES.values(), ids=CASES)
def test_serialization_keeps_every_argument(schedule):
    config = keras.saving.serialize_keras_object(schedule)
    config = json.loads(json.dumps(config))
    assert keras.saving.deserialize_keras_object(config) == schedule
