"""The Dirac-GAN, on which it is known what converges.

Data at 0, a generator that makes the number theta, D(x) = psi x. Mescheder,
Geiger and Nowozin 2018, https://arxiv.org/abs/1801.04406, and the protocol of
their notebook: start (1, 1), steps of 0.2, 500 of them; the generator goes
first. Simultaneous, alternating with one, and with five steps of the
discriminator. Distances to the equilibrium (0, 0) were computed in float64.

The paper's discriminator is large on generated data, ours on real data: its
start psi = 1 is ours at -1. Relativistic rows, which are no row of the paper,
start at our own 1. Its WGAN-GP penalty is half of lambda (|psi| - target)^2,
so lambda = 1 is our weight 0.5.

Of the paper's table, instance noise and consensus optimization are missing:
the library has neither.
"""

import types

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import gradients, losses
from kerasgan.regularizers import R1, R2, GradientPenalty, WeightClipping
from kerasgan.training.adversarial_model import Batch

_STEP_SIZE = 0.2
_STEPS = 500
_MOST_UPDATES = 5
# Rows of every array below, and the discriminator's updates per step in each.
_MODES = ("simultaneous", "alternating", "alternating, 5 steps")
_UPDATES = np.array([1, 1, 5])

# Loss, regularizers, psi at the start -> distances after 500 steps, by mode.
CIRCLES = {
    "gan": ("minimax", [], -1.0, (3.097, 1.421, 1.845)),
    "ns_gan": ("non_saturating", [], -1.0, (0.6402, 0.2839, 0.1389)),
    "wgan": (
        "wasserstein",
        [WeightClipping(1.0)],
        -1.0,
        (1.002, 1.024, 0.9169),
    ),
    "wgan_gp": (
        "wasserstein",
        [GradientPenalty(0.5, target=0.7)],
        -1.0,
        (0.989, 0.934, 0.700),
    ),
    "rpgan": ("relativistic", [], 1.0, (0.6402, 0.2706, 0.2612)),
}
CONVERGES = {
    "gan_r1": ("minimax", [R1(0.3)], -1.0, (2.6e-6, 2.3e-7, 9e-34)),
    # Critical damping: the eigenvalues are -1/2, twice.
    "gan_r1_critical": (
        "minimax",
        [R1(1.0)],
        -1.0,
        (9.5e-22, 7.5e-17, 5.1e-12),
    ),
    "ns_gan_r1": (
        "non_saturating",
        [R1(0.3)],
        -1.0,
        (2.2e-6, 1.5e-7, 4e-34),
    ),
    "rpgan_r1": ("relativistic", [R1(0.3)], 1.0, (3.2e-6, 2.5e-7, 9e-34)),
    "rpgan_r1_r2": (
        "relativistic",
        [R1(0.3), R2(0.3)],
        1.0,
        (4.6e-13, 1.8e-14, 7e-22),
    ),
}


def _train(loss, regularizers, psi):
    """The way of (theta, psi) in each mode, float64 [steps + 1, modes, 2]."""
    loss = losses.get(loss)
    compiled = _compiled(
        lambda theta, psi: _step(loss, regularizers, theta, psi)
    )
    theta = ops.ones(len(_MODES))
    psi = psi * ops.ones(len(_MODES))
    way = [(theta, psi)]
    for _ in range(_STEPS):
        theta, psi = compiled(theta, psi)
        way.append((theta, psi))
    arrays = [[ops.convert_to_numpy(x) for x in place] for place in way]
    return np.array(arrays, "float64").transpose(0, 2, 1)


def _compiled(function):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, jit_compile=True)


def _step(loss, regularizers, theta, psi):
    """One step of the game in every mode at once, [modes] each.

    Losses and penalties give one number per example, so an example can be a
    whole game.
    """
    slopes = gradients.of_inputs(
        lambda theta: loss.generator(real=0.0 * psi, fake=psi * theta), theta
    )
    moved = theta - _STEP_SIZE * slopes
    # In a simultaneous step, both see where the other was.
    simultaneous = np.array([True, False, False])
    seen = ops.where(simultaneous, theta, moved)
    for update in range(_MOST_UPDATES):
        slopes = gradients.of_inputs(
            lambda psi: _discriminator_loss(loss, regularizers, seen, psi), psi
        )
        new = _limited(regularizers, psi - _STEP_SIZE * slopes, seen)
        psi = ops.where(update < _UPDATES, new, psi)
    return moved, psi


def _discriminator_loss(loss, regularizers, theta, psi):
    batch = _batch(theta)
    value = loss.discriminator(real=0.0 * psi, fake=psi * theta)
    network = types.SimpleNamespace(variables=[], compute_dtype="float32")
    for regularizer in regularizers:
        terms = regularizer.terms(network, lambda x: psi[:, None] * x, batch)
        value = value + sum(terms.values())
    return value


def _limited(regularizers, psi, theta):
    for regularizer in regularizers:
        variable = types.SimpleNamespace(value=psi)
        limits = regularizer.limits([variable], _batch(theta))
        psi = limits[0][1] if limits else psi
    return psi


def _batch(theta):
    count = len(_MODES)
    return Batch(
        numbers=ops.arange(count, dtype="int32"),
        images_seen=ops.convert_to_tensor(0, "int32"),
        step=ops.convert_to_tensor(0, "int32"),
        seed=0,
        training=True,
        real=ops.zeros((count, 1)),
        fake=theta[:, None],
    )


def _distances(way):
    return np.sqrt(np.sum(np.square(way), axis=-1))


@pytest.mark.parametrize("name", CIRCLES)
def test_does_not_converge(name):
    loss, regularizers, psi, expected = CIRCLES[name]
    way = _train(loss, regularizers, psi)
    distances = _distances(way)
    np.testing.assert_allclose(distances[-1], expected, rtol=0.01)
    # And it never came near, in the last fifth of its way.
    assert np.all(distances[400:].min(axis=0) > 0.05)
    if name != "wgan_gp":  # Its five steps rest at the penalty's target.
        theta = way[:, :, 0]
        turns = np.sum(theta[1:] * theta[:-1] < 0, axis=0)
        assert np.all(turns >= 5)


@pytest.mark.parametrize("name", CONVERGES)
def test_converges_exponentially(name):
    loss, regularizers, psi, expected = CONVERGES[name]
    distances = _distances(_train(loss, regularizers, psi))
    np.testing.assert_allclose(
        np.log10(distances[-1]), np.log10(expected), atol=0.1
    )
    # Half the way took about half of the orders of magnitude.
    half = np.log10(distances[_STEPS // 2]) / np.log10(distances[-1])
    assert np.all((0.3 < half) & (half < 0.7))


def test_critical_damping_stops_rotation():
    for name, turns_more_than in (("gan_r1", 10), ("gan_r1_critical", -1)):
        loss, regularizers, psi, _ = CONVERGES[name]
        theta = _train(loss, regularizers, psi)[:, 0, 0]
        turns = np.sum(theta[1:] * theta[:-1] < 0)
        assert turns > turns_more_than
        if name == "gan_r1_critical":
            assert turns <= 1
