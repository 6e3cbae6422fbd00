"""SelfSupervisedGANModel: how images are turned, and what is learnt of it."""

import keras
import numpy as np
import pytest
from keras import ops
from training_steps import weights_of

import kerasgan
from kerasgan.models import sngan
from kerasgan.training.self_supervised import turn

SHAPE = (8, 8, 3)


def _gan(image_shape=SHAPE, rotations=True, width=4, **arguments):
    gan = kerasgan.SelfSupervisedGANModel(
        sngan.Generator(image_shape, latent_size=4, width=width),
        sngan.Discriminator(image_shape, width=width, rotations=rotations),
    )
    gan.compile(loss="hinge", **arguments)
    return gan


def _images(count):
    draws = np.random.default_rng(0).uniform(-1, 1, (count, *SHAPE))
    return draws.astype("float32")


@pytest.mark.parametrize("count", [1, 3, 4, 6, 8])
def test_turns_are_those_of_numpy(count):
    images = _images(count)
    turned, turns = turn(images)
    turned, turns = np.array(turned), np.array(turns)
    np.testing.assert_array_equal(turns, 4 * np.arange(count) // count)
    for image, result, quarters in zip(images, turned, turns, strict=True):
        np.testing.assert_array_equal(np.rot90(image, quarters), result)


def test_terms_are_cross_entropies_of_turned_images():
    """Each player's, weighed by the paper's factors, in its loss."""
    gan = _gan()
    images = _images(8)
    before = weights_of(gan)
    logs = {k: float(v) for k, v in gan.test_step(images).items()}
    turned, turns = turn(images)
    logits = np.array(gan.discriminator.heads(turned)["rotations"])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    right = shares[np.arange(8), np.array(turns)]
    np.testing.assert_allclose(
        logs["discriminator_rotation"], -np.log(right).mean(), rtol=1e-5
    )
    for player, weight in (("discriminator", 1.0), ("generator", 0.2)):
        np.testing.assert_allclose(
            logs[f"{player}_loss"],
            logs[f"{player}_adversarial"] + weight * logs[f"{player}_rotation"],
            rtol=1e-5,
        )
    for name, value in weights_of(gan).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.slow
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_rotations_reach_both_players(player):
    """A step with and without one player's term moves it elsewhere."""
    moved = {}
    for weight in (0.0, 1.0):
        keras.utils.set_random_seed(0)
        gan = _gan(term_weights={f"{player}_rotation": weight})
        gan.fit(_images(8), batch_size=8, verbose=0)
        network = getattr(gan, player)
        moved[weight] = np.concatenate(
            [np.ravel(w) for w in network.get_weights()]
        )
    assert np.abs(moved[0.0] - moved[1.0]).max() > 1e-4


@pytest.mark.slow
def test_it_learns_to_tell_turns():
    """From images that are bright on one side, within 60 steps."""
    keras.utils.set_random_seed(0)
    adam = [keras.optimizers.Adam(2e-3, beta_1=0.0) for _ in range(2)]
    gan = _gan(
        width=16, generator_optimizer=adam[0], discriminator_optimizer=adam[1]
    )
    images = np.full((32, *SHAPE), -0.5, "float32")
    images[:, :3] = 0.5
    images += 0.1 * _images(32)
    gan.fit(images, batch_size=8, epochs=15, verbose=0)
    turned, turns = turn(images)
    logits = gan.discriminator.heads(turned)["rotations"]
    found = np.argmax(np.array(logits), axis=-1)
    assert (found == np.array(turns)).mean() > 0.9


def test_what_cannot_be_turned_is_refused():
    with pytest.raises(ValueError, match=r"must be square.*\(8, 6, 3\)"):
        _gan((8, 6, 3))
    with pytest.raises(ValueError, match="must have 'rotations'"):
        _gan(rotations=False)


def test_saved_and_loaded(tmp_path):
    gan = _gan(term_weights={"generator_rotation": 0.3})
    gan.save(tmp_path / "gan.keras")
    loaded = kerasgan.load(tmp_path / "gan.keras")
    assert type(loaded) is kerasgan.SelfSupervisedGANModel
    for model in (gan, loaded):
        logs = {k: float(v) for k, v in model.test_step(_images(8)).items()}
        difference = logs["generator_loss"] - logs["generator_adversarial"]
        expected = 0.3 * logs["generator_rotation"]
        assert difference == pytest.approx(expected, rel=1e-4)
    latents = ops.ones((2, 4))
    np.testing.assert_array_equal(
        gan.generator(latents), loaded.generator(latents)
    )
