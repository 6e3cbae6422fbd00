"""What SNGAN, SAGAN and BigGAN have of their own: sizes, and how they start."""

import numpy as np
import pytest
from keras import ops
from unfilled_networks import unfilled

from kerasgan.layers.normalization import ConditionalBatchNormalization
from kerasgan.models import biggan, sagan, sngan


# SNGAN's: by the layer tables of its paper (4 and 5), which give no counts.
# BigGAN's: of the official code at its published settings, 70.4 and 88.0
# million.
@pytest.mark.parametrize(
    "name, generator, discriminator",
    [
        ("sngan_cifar10_32px", 4_276_739, 1_053_825),
        ("biggan_imagenet_128px", 70_433_988, 87_982_370),
    ],
)
def test_presets_have_the_published_size(name, generator, discriminator):
    counts = [
        sum(int(np.prod(v.shape)) for v in network.trainable_variables)
        for network in unfilled(name)
    ]
    assert counts == [generator, discriminator]


def test_conditional_batch_norm_starts_around_gain_1():
    layer = ConditionalBatchNormalization()
    random = np.random.default_rng(0)
    x = random.normal(3, 2, (64, 5, 6, 8)).astype("float32")
    condition = random.normal(size=(64, 16)).astype("float32")
    layer(x, condition)
    neutral = layer(x, ops.zeros_like(condition), training=True)
    np.testing.assert_allclose(np.mean(neutral, (0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(np.std(neutral, (0, 1, 2)), 1, atol=1e-4)
    # A unit condition changes gains and biases by 1 at most: sigma is 1.
    gains, biases = layer._gain_and_bias(ops.eye(16), 4)
    assert np.linalg.norm(np.asarray(gains)[:, 0, 0] - 1, axis=1).max() < 1.01
    assert np.linalg.norm(np.asarray(biases)[:, 0, 0], axis=1).max() < 1.01


def test_attention_starts_as_nothing_and_sees_all_places():
    network = sagan.Discriminator((16, 16, 3), width=16, attention_px=8)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 16)).astype("float32")
    np.testing.assert_array_equal(network.attend(x), x)
    network.attend.gate.assign(1.0)
    changed = np.array(x)
    changed[:, 7, 7] += 3
    difference = network.attend(changed) - network.attend(x)
    assert np.abs(difference)[:, 0, 0].max() > 1e-6


def test_each_block_of_biggan_sees_latents_of_its_own():
    network = biggan.Generator((32, 32, 3), latent_size=22, width=4)
    assert network.parts == [(0, 7), (7, 12), (12, 17), (17, 22)]
    with pytest.raises(ValueError, match="`latent_size` must be more"):
        biggan.Generator((32, 32, 3), latent_size=3, width=4)
    with pytest.raises(ValueError, match="`shared_size` must be given"):
        biggan.Generator((8, 8, 3), classes=3, shared_size=None)
    with pytest.raises(ValueError, match="`attention` must have"):
        biggan.Generator((32, 32, 3), width=4, attention=[3])


def test_sngan_halves_to_its_smallest_size():
    network = sngan.Discriminator(
        (64, 48, 3), width=4, max_width=16, smallest_px=4, last_blocks=1
    )
    features = network.heads(np.zeros((1, 64, 48, 3), "float32"))["features"]
    assert [x.shape[1:] for x in features] == [
        (32, 24, 4),
        (16, 12, 8),
        (8, 6, 16),
        (4, 3, 16),
        (4, 3, 16),
    ]
