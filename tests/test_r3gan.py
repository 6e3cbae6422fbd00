"""What only R3GAN's networks have: published sizes, and how they start."""

import keras
import numpy as np
import pytest
from keras import ops
from unfilled_networks import unfilled

from kerasgan import recipes
from kerasgan.augment import ADA
from kerasgan.models import r3gan

# Millions of weights of the generator and the discriminator, counted in
# networks that the official code makes with its training presets.
PUBLISHED = {
    "r3gan_cifar10_32px": (20.8, 21.3),
    "r3gan_ffhq_64px": (22.4, 22.4),
    "r3gan_ffhq_256px": (23.1, 23.0),
    "r3gan_imagenet_32px": (82.9, 86.5),
    "r3gan_imagenet_64px": (103.6, 107.2),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if "cifar10" in name else pytest.mark.slow)
        for name in PUBLISHED
    ],
)
def test_presets_have_as_many_weights_as_published(name):
    counts = tuple(
        round(sum(np.prod(w.shape) for w in network.weights) / 1e6, 1)
        for network in unfilled(name)
    )
    assert counts == PUBLISHED[name]


def test_blocks_start_as_nothing_and_keep_the_variance():
    keras.utils.set_random_seed(0)
    model = r3gan.Generator(width=64, max_width=64, latent_size=64)
    latents = np.random.default_rng(0).normal(size=(16, 64))
    x = model.stem(latents.astype("float32"))
    linear = model.stem.linear(latents)[:, None, None] * model.stem.basis.grid
    np.testing.assert_array_equal(x, linear)
    assert 0.8 < np.std(x) < 1.2
    for block in model.stages[0].blocks:
        # Two layers with Fixup's gain over 8 blocks: 8^(-1/4) twice.
        y = block.second(r3gan.leaky_relu(block.first(x)))
        assert 0.7 < np.std(y) / np.std(x) * 8**0.5 * 2**-0.5 < 1.4


def test_each_stage_may_have_its_own_width_groups_and_blocks():
    model = r3gan.Discriminator(
        (16, 16, 3), width=(8, 6, 4), group_size=(8, 4, 2), blocks=(1, 2, 3)
    )
    assert [len(s.blocks) for s in model.stages] == [3, 2, 1]
    assert [s.blocks[0].second.groups for s in model.stages] == [4, 3, 2]
    assert [s.blocks[0].third.filters for s in model.stages] == [4, 6, 8]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"blocks": (1, 2, 3)}, "one for each of the 2 stages"),
        ({"group_size": 0}, "`group_size` must be a positive"),
        ({"group_size": 5, "width": 8}, "`group_size` must divide"),
    ],
)
def test_impossible_stages_are_refused(arguments, message):
    for network in (r3gan.Generator, r3gan.Discriminator):
        with pytest.raises(ValueError, match=message):
            network((8, 8, 3), **arguments)


def test_the_recipe_s_augmentation_is_the_papers():
    """ADA without filters and noise, colours half as often, p by a cosine."""
    recipe = recipes.get("r3gan").override({"final_augmentation": "0.55"})
    augmenter = recipe.build((8, 8, 3), None).settings.augmenter
    assert set(augmenter.shares) == {*ADA("bgc").shares, "cutout"}
    assert augmenter.shares["hue"] == 0.5 and augmenter.shares["scale"] == 1.0
    for seen, probability in ((0, 0.0), (100_000, 0.275), (300_000, 0.55)):
        found = augmenter.probability(ops.convert_to_tensor(seen))
        assert float(found) == pytest.approx(probability, abs=1e-6)
    with pytest.raises(ValueError, match="`augmenter` must be None"):
        recipe.replace(augmenter="ada")
