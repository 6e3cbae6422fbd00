"""Networks that grow by their level, and the training that sets it."""

import keras
import numpy as np
import pytest
from keras import ops
from unfilled_networks import unfilled

import kerasgan
from kerasgan import GANModel, presets
from kerasgan.layers.growing import fade
from kerasgan.layers.resampling import average_pool, upsample
from kerasgan.schedules import Growth

FAMILIES = ("progan", "stylegan")
every_family = pytest.mark.parametrize("family", FAMILIES)


def images(count=24, shape=(8, 8, 3), seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, (count, *shape)).astype("float32")


def growing(family="progan", **arguments):
    gan = GANModel(*presets.get(f"{family}_tiny"))
    schedule = Growth(1, stable_images=8, fade_images=16)
    gan.compile(schedules={"level": schedule}, run_eagerly=True, **arguments)
    return gan


class TestFade:
    def test_whole_levels_lose_what_halving_loses(self):
        x = images(2, (16, 8, 2))
        np.testing.assert_allclose(fade(x, 0.0, 2), x)
        one = upsample(average_pool(x), "nearest")
        np.testing.assert_allclose(fade(x, 1.0, 2), one, atol=1e-6)
        two = upsample(
            upsample(average_pool(average_pool(one)), "nearest"), "nearest"
        )
        np.testing.assert_allclose(fade(x, 2.0, 2), two, atol=1e-6)
        np.testing.assert_allclose(fade(x, 3.0, 2), two, atol=1e-6)

    def test_between_levels_it_is_a_mean_of_both(self):
        x = images(2, (16, 8, 2))
        one, two = fade(x, 1.0, 2), fade(x, 2.0, 2)
        np.testing.assert_allclose(
            fade(x, 1.25, 2), 0.75 * one + 0.25 * two, atol=1e-6
        )

    def test_odd_sides_keep_their_size(self):
        x = images(2, (9, 13, 1))
        for level in (0.5, 1.0, 2.0):
            assert fade(x, level, 2).shape == x.shape
        # What has no detail stays as it is.
        np.testing.assert_allclose(fade(x * 0 + 0.5, 1.5, 2), x * 0 + 0.5)

    @every_family
    def test_images_of_a_level_have_no_finer_detail(self, family):
        generator, discriminator = presets.get(f"{family}_tiny")
        latents = np.random.default_rng(0).normal(size=(4, 8))
        generator.level.assign(1.0)
        discriminator.level.assign(1.0)
        drawn = generator(latents.astype("float32"))
        assert np.std(drawn) > 0.1
        np.testing.assert_allclose(
            discriminator.prepare_real(drawn), drawn, atol=1e-6
        )
        faded = discriminator.prepare_real(images(4))
        np.testing.assert_allclose(
            discriminator(faded), discriminator(images(4)), atol=1e-5
        )


class TestTraining:
    @every_family
    def test_every_step_sets_the_level_of_all_networks(self, family):
        gan = growing(family)
        networks = gan.generator, gan.discriminator, gan.averaged_generator
        found = []
        for number in range(4):
            gan.train_on_batch(images(8, seed=number))
            levels = [float(ops.convert_to_numpy(n.level)) for n in networks]
            assert len(set(levels)) == 1
            found.append(levels[0])
        np.testing.assert_allclose(found, [1, 1, 0.5, 0])

    @every_family
    def test_a_stage_that_takes_no_part_is_not_moved(self, family):
        gan = growing(family)
        trunk = gan.discriminator.trunk
        layers = [gan.generator.stages[-1], gan.generator.to_images[-1]]
        layers += [trunk.stages[0], trunk.from_images[0]]
        fine = [v for layer in layers for v in layer.trainable_variables]
        start = [np.array(v) for v in fine]
        grid = gan.generator.stages[0].trainable_variables[0]
        start_of_grid = np.array(grid)
        gan.train_on_batch(images(8))
        for variable, value in zip(fine, start, strict=True):
            np.testing.assert_array_equal(variable, value, variable.path)
        assert np.abs(np.array(grid) - start_of_grid).max() > 0
        for number in range(3):
            gan.train_on_batch(images(8, seed=number))
        for variable, value in zip(fine, start, strict=True):
            moved = np.abs(np.array(variable) - value)
            assert moved.max() > 0, variable.path

    def test_real_images_are_faded_alike(self):
        gan = growing()
        gan.discriminator.level.assign(0.5)
        player = gan.settings.players[0]
        empty = gan._empty_batch(8)
        real = gan._sample(images(8), player, empty).real
        np.testing.assert_allclose(real, fade(images(8), 0.5, 1), atol=1e-6)

    @pytest.mark.slow
    def test_evaluation_and_a_saved_model_keep_the_level(self, tmp_path):
        gan = growing()
        gan.fit(images(24), batch_size=8, shuffle=False, verbose=0)
        gan.evaluate(images(8), batch_size=8, verbose=0)
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        assert float(loaded.averaged_generator.level) == 0.5
        assert loaded.settings.schedules == gan.settings.schedules
        np.testing.assert_array_equal(gan.generate(2), loaded.generate(2))
        for model in (gan, loaded):
            model.train_on_batch(images(8))
        assert float(loaded.discriminator.level) == 0.0

    def test_unknown_names_are_refused(self):
        gan = GANModel(*presets.get("progan_tiny"))
        with pytest.raises(ValueError, match="must be one of level"):
            gan.compile(schedules={"levle": Growth(1)})

    def test_drift_is_the_square_of_real_logits(self):
        gan = growing(term_weights={"discriminator_drift": 0.001})
        batch = gan._sample(
            images(8), gan.settings.players[0], gan._empty_batch(8)
        )
        terms = gan.discriminator_objective(batch)
        np.testing.assert_allclose(
            terms["drift"], np.square(terms["real_logits"]), rtol=1e-6
        )


@pytest.mark.parametrize(
    "name, millions",
    [
        # The paper's table 2.
        ("progan_celebahq_1024px", (23.1, 23.1)),
        # Section 2 there, and Progressive GAN's discriminator.
        ("stylegan_ffhq_1024px", (26.2, 23.1)),
    ],
)
def test_published_numbers_of_parameters(name, millions):
    for network, expected in zip(unfilled(name), millions, strict=True):
        count = sum(np.prod(v.shape) for v in network.trainable_variables)
        assert round(count / 1e6, 1) == expected


@pytest.mark.parametrize(
    # Pixels of mean square 1; and (1 + y)^2 + z^2 by normal styles y and z.
    "family, expected",
    [("progan", 1.0), ("stylegan", 3.0)],
)
def test_what_images_are_drawn_from_starts_with_its_variance(family, expected):
    generator, _ = presets.get(f"{family}_tiny")
    config = {**generator.get_config(), "width": 32, "max_width": 64}
    config["image_shape"] = (16, 16, 3)
    if family == "stylegan":
        config |= {"mapping_width": 64, "style_size": 64, "latent_size": 64}
    keras.utils.set_random_seed(0)
    generator = type(generator).from_config(config)
    latents = np.random.default_rng(0).normal(size=(64, generator.latent_size))
    images = generator(latents.astype("float32"))
    assert np.mean(np.square(images)) == pytest.approx(expected, rel=0.3)
