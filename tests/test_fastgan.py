"""What only FastGAN's networks have."""

import numpy as np
import pytest
from keras import ops

from kerasgan import GANModel, presets
from kerasgan.layers import resampling
from kerasgan.models import fastgan


def test_pooling_overlaps_where_sides_do_not_fit():
    x = np.arange(12, dtype="float32").reshape(1, 2, 6, 1)
    pooled = np.array(resampling.pool_to(x, 4))[0, ..., 0]
    # Of two rows 0, 0, 1, 1; of six columns 0-1, 1-2, 3-4, 4-5.
    np.testing.assert_allclose(pooled[0], [0.5, 1.5, 3.5, 4.5])
    np.testing.assert_allclose(pooled[:, 0], [0.5, 0.5, 6.5, 6.5])


def test_small_grids_excite_large_ones_channel_by_channel():
    model = fastgan.Generator((64, 64, 3), 8, width=4, max_width=8)
    assert [layer.name for layer in model.excitations] == ["excite_64px"]
    factors = model.excitations[0](np.ones((2, 4, 4, 8), "float32"))
    assert factors.shape == (2, 1, 1, 4)
    assert np.all((np.array(factors) > 0) & (np.array(factors) < 1))


def test_latents_have_a_unit_second_moment():
    model, _ = presets.get("fastgan_tiny")
    latents = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    np.testing.assert_allclose(model(latents), model(5 * latents), atol=1e-5)


def test_noise_is_drawn_in_training_and_stored_else():
    model, _ = presets.get("fastgan_tiny")
    for stage in model.stages:
        for noise in stage.noises:
            noise.strength.assign(1.0)
    latents = np.ones((2, 8), "float32")
    assert model.draws
    draws = {
        name: np.random.default_rng(i).normal(size=(2, *shape))
        for i, (name, (_, shape)) in enumerate(model.draws.items())
    }
    stored, drawn = model(latents), model(latents, draws=draws)
    np.testing.assert_array_equal(stored[0], stored[1])
    assert np.abs(np.array(drawn)[0] - drawn[1]).max() > 1e-4


@pytest.mark.slow
def test_training_decodes_real_images():
    gan = GANModel(*presets.get("fastgan_tiny"))
    gan.compile(loss="hinge", jit_compile=False)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 3))
    before = np.array(gan.discriminator.decode.kernel)
    logs = gan.fit(images.astype("float32"), batch_size=4, verbose=0).history
    assert 0 < logs["discriminator_reconstruction"][0] < 2
    assert np.abs(before - gan.discriminator.decode.kernel).max() > 0
    heads = gan.discriminator.heads(ops.zeros((2, 8, 8, 3)))
    assert heads["reconstruction"].shape == (2,)
