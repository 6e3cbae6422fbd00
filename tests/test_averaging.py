"""The averaged generator: its memory, its start, its buffers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import schedules
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.training import averaging

# So many that the ramp at the start is over.
LATE = 10**8


@pytest.fixture
def network():
    network = keras.Sequential(
        [keras.Input((2,)), layers.Dense(3), BatchNormalization()]
    )
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(rng.normal(size=weight.shape))
    return network


def _is_buffer(weight):
    return not weight.trainable


def _update(network, average, images, half_life_images, images_seen=LATE):
    averaging.update(
        network,
        average,
        images=images,
        half_life_images=averaging.half_life(half_life_images)(
            ops.convert_to_tensor(images_seen, "int32")
        ),
    )


def _moved_to(network, average, value):
    """Sets every weight of the network, and zero in its average."""
    for weight in network.weights:
        weight.assign(ops.full(weight.shape, value))
    for weight in average.weights:
        weight.assign(ops.zeros(weight.shape))


def _shares(network, average):
    """What each of the average's weights has of the network's ones."""
    return {
        (index, _is_buffer(weight)): float(np.mean(old))
        for index, (weight, old) in enumerate(
            zip(network.weights, average.get_weights(), strict=True)
        )
    }


def test_clone_is_alike_and_apart(network):
    average = averaging.clone(network)
    x = np.ones((4, 2), "float32")
    np.testing.assert_array_equal(average(x), network(x))
    assert average.trainable_variables == []
    network.weights[0].assign(0.0 * network.weights[0])
    assert np.any(np.array(average(x)) != np.array(network(x)))


@pytest.mark.parametrize(
    "images, half_life, share",
    [
        (64, 64, 0.5),  # One half-life halves the distance,
        (128, 64, 0.75),  # two of them quarter it,
        (32, 64, 1 - 0.5**0.5),
        (64, 0, 1.0),  # and without one there is none.
        (64, 64_000, 1 - 0.5**0.001),
    ],
)
def test_half_life(network, images, half_life, share):
    average = averaging.clone(network)
    _moved_to(network, average, 1.0)
    _update(network, average, images, half_life)
    for (_, is_buffer), value in _shares(network, average).items():
        # Statistics are averages already, and are copied.
        np.testing.assert_allclose(
            value, 1.0 if is_buffer else share, rtol=1e-4
        )


def test_does_not_depend_on_the_size_of_batches(network):
    results = []
    for batch_size in (8, 32, 128):
        average = averaging.clone(network)
        _moved_to(network, average, 1.0)
        for _ in range(128 // batch_size):
            _update(network, average, batch_size, 100)
        results.append(
            np.concatenate([w.ravel() for w in average.get_weights()])
        )
    np.testing.assert_allclose(results[0], results[2], rtol=1e-5)
    np.testing.assert_allclose(results[1], results[2], rtol=1e-5)


@pytest.mark.parametrize(
    "images_seen, half_life",
    [(0, 0.0), (400, 20.0), (2000, 100.0), (2001, 100.0), (LATE, 100.0)],
)
def test_early_memory_is_short(network, images_seen, half_life):
    """A twentieth of the images seen, until that is the half-life."""
    average = averaging.clone(network)
    _moved_to(network, average, 1.0)
    _update(network, average, 10, 100, images_seen)
    share = 1 - 0.5 ** (10 / half_life) if half_life else 1.0
    value = _shares(network, average)[0, False]
    np.testing.assert_allclose(value, share, rtol=1e-4)


def test_a_schedule_says_itself_how_the_average_begins(network):
    average = averaging.clone(network)
    _moved_to(network, average, 1.0)
    _update(network, average, 10, schedules.Constant(10.0), images_seen=0)
    value = _shares(network, average)[0, False]
    np.testing.assert_allclose(value, 0.5, rtol=1e-4)


def test_an_average_that_has_arrived_stays(network):
    # To the last bit: a sum of rounded shares would drift.
    average = averaging.clone(network)
    for _ in range(100):
        _update(network, average, 64, 10_000)
    for weight, same in zip(
        average.get_weights(), network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, same)


def test_network_that_cannot_be_rebuilt():
    class Unconfigured(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.dense = layers.Dense(width)

        def call(self, x):
            return self.dense(x)

    network = Unconfigured(3)
    network(np.ones((1, 2), "float32"))
    with pytest.raises(ValueError, match="`get_config`.*Unconfigured"):
        averaging.clone(network)


def test_configuration_that_forgets_an_argument():
    @keras.saving.register_keras_serializable(package="tests.averaging")
    class Forgetful(keras.Model):
        def __init__(self, width=3, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(width)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            return keras.layers.Layer.get_config(self)

    network = Forgetful(5)
    network(np.ones((1, 2), "float32"))
    with pytest.raises(ValueError, match="every constructor argument"):
        averaging.clone(network)
