"""Spectral norm: sigma, its gradient, and when its vectors move."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import GANModel
from kerasgan.layers import projection, spectral
from kerasgan.models import sngan
from kerasgan.regularizers import R1

tf = pytest.importorskip("tensorflow")
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's tapes"
)
LAYERS = {
    "dense": lambda **k: (spectral.SpectralDense(5, **k), [(4, 7)]),
    "convolution": lambda **k: (
        spectral.SpectralConv2D(5, kernel_size=3, **k),
        [(2, 6, 5, 3)],
    ),
    "projection": lambda **k: (
        projection.LabelProjection(**k),
        [(4, 6), (4, 3)],
    ),
}
every_layer = pytest.mark.parametrize("kind", LAYERS)
both_forms = pytest.mark.parametrize("stored", [False, True])


def _layer(kind, dtype="float64", **arguments):
    """A layer, an input for it, and its kernel as it is stored."""
    random = np.random.default_rng(0)
    layer, shapes = LAYERS[kind](dtype=dtype, **arguments)
    inputs = [ops.convert_to_tensor(random.normal(size=s)) for s in shapes]
    layer(*inputs)
    for weight in layer.trainable_variables:
        weight.assign(random.normal(size=weight.shape))
    return layer, inputs


def _largest(layer):
    kernel = np.asarray(layer.kernel)
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))[1][0]


@every_layer
@both_forms
def test_sigma_becomes_the_largest_singular_value(kind, stored):
    layer, inputs = _layer(kind, stored_vectors=stored)
    first = abs(float(layer.singular_value()) - _largest(layer))
    for _ in range(300):
        spectral.move(layer)
    assert float(layer.singular_value()) == pytest.approx(_largest(layer))
    assert first > 1e-3
    # What is applied has a singular value of 1.
    kernel = np.asarray(layer._normalized(False))
    matrix = kernel.reshape(-1, kernel.shape[-1])
    assert np.linalg.svd(matrix)[1][0] == pytest.approx(1.0)


@on_tensorflow
@every_layer
@both_forms
def test_gradient_flows_through_sigma(kind, stored):
    """By the kernel, against central differences; u and v are constant."""
    layer, inputs = _layer(kind, stored_vectors=stored)
    for _ in range(300):
        spectral.move(layer)
    random = np.random.default_rng(1)

    def total():
        outputs = layer(*inputs)
        weights = np.random.default_rng(2).normal(size=outputs.shape)
        return ops.sum(weights * outputs)

    with tf.GradientTape() as tape:
        value = total()
    slope = tape.gradient(value, layer.kernel.value)
    start = np.asarray(layer.kernel)
    direction = random.normal(size=start.shape)
    step, change = 1e-6, 0.0
    for sign in (1, -1):
        layer.kernel.assign(start + sign * step * direction)
        change += sign * float(total()) / (2 * step)
    assert float(np.sum(slope * direction)) == pytest.approx(change, rel=1e-6)


@every_layer
def test_training_iterates_and_writes_nothing(kind):
    layer, inputs = _layer(kind, stored_vectors=True)
    before = [np.array(v) for v in layer.non_trainable_variables]
    outside = np.array(layer(*inputs))
    inside = np.array(layer(*inputs, training=True))
    assert np.abs(inside - outside).max() > 1e-3
    for variable, value in zip(
        layer.non_trainable_variables, before, strict=True
    ):
        np.testing.assert_array_equal(variable, value)
    spectral.move(layer)
    np.testing.assert_allclose(layer(*inputs), inside, rtol=1e-12)


def test_bfloat16_normalizes_in_float32():
    exact, inputs = _layer("dense", "float32")
    layer, _ = _layer("dense", "mixed_bfloat16")
    assert layer.singular_value() == exact.singular_value()
    assert keras.backend.standardize_dtype(layer(*inputs).dtype) == "bfloat16"


def _gan(**arguments):
    gan = GANModel(
        sngan.Generator((8, 8, 1), latent_size=4, width=4),
        sngan.Discriminator((8, 8, 1), width=4),
    )
    gan.compile(regularizers=[R1(1.0)], loss="hinge", **arguments)
    return gan


def _vectors(network):
    return {
        layer.path: np.array(layer.u)
        for layer in network._flatten_layers()
        if isinstance(layer, spectral.SpectralLayer)
    }


@pytest.mark.slow
def test_vectors_move_once_in_each_update_and_are_saved(tmp_path):
    """Whatever passes an update takes: two, a penalty's, the generator's."""
    for arguments in ({}, {"gradient_accumulation_steps": 2}):
        gan = _gan(**arguments)
        moved = {
            variable.path: np.array(value)
            for variable, value in spectral.moves([gan.discriminator])
        }
        data = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1))
        gan.fit(data.astype("float32"), batch_size=8, verbose=0)
        vectors = _vectors(gan.discriminator)
        assert len(vectors) == len(moved) == 8
        for path, vector in vectors.items():
            expected = moved[f"{path}/u"]
            np.testing.assert_allclose(vector, expected, atol=1e-6)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    for one, other in zip(
        vectors.values(), _vectors(loaded.discriminator).values(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
