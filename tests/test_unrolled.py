"""A generator that looks ahead: what it is judged by, and what it leaves."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from training_steps import (
    conv_networks,
    fit,
    images,
    largest_difference,
    packed_networks,
    set_weights,
    weights_of,
)

import kerasgan
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.regularizers import R1, GradientPenalty

TOLERANCE = 1e-6


def _vectors(count):
    random = np.random.default_rng(0)
    return random.normal(size=(count, 3)).astype("float32")


def _player_and_batch(gan, name, data):
    player = {p.name: p for p in gan.settings.players}[name]
    batch = gan._empty_batch(len(data))
    return player, gan._sample(ops.convert_to_tensor(data), player, batch)


class TestStep:
    @pytest.mark.parametrize("unrolling", [1, 3])
    def test_by_hand_on_a_linear_discriminator(self, unrolling):
        """SGD on D(x) = w x and G(z) = a z, vectors z: all has a closed form.

        A step ahead is w <- w - r (E G(z) - E x + c w), c the weight of R1.
        """
        gan = kerasgan.UnrolledGANModel(
            keras.Sequential([keras.Input((2,)), Scaling()]),
            keras.Sequential(
                [keras.Input((2,)), layers.Dense(1, use_bias=False)]
            ),
            unrolling=unrolling,
            unrolling_rate=0.2,
        )
        gan.generator.set_weights([np.array(2.0)])
        w = np.array([3.0, -1.0])
        gan.discriminator.set_weights([w[:, None]])
        gan.compile(
            keras.optimizers.SGD(0.1),
            keras.optimizers.SGD(0.1),
            loss="wasserstein",
            regularizers=[R1(0.5)],
            run_eagerly=True,
        )
        real = np.array([[1, 2], [5, -1], [-2, 3], [3, 1]], "float32")
        means = {
            name: np.mean(_player_and_batch(gan, name, real)[1].latents, 0)
            for name in ("discriminator", "generator")
        }
        fit(gan, real, 4)

        x = real.mean(axis=0)
        w = w - 0.1 * (2.0 * means["discriminator"] - x + 0.5 * w)
        np.testing.assert_allclose(
            gan.discriminator.get_weights()[0][:, 0], w, rtol=1e-5
        )
        z = means["generator"]
        kept = (1.0 - 0.2 * 0.5) ** unrolling
        moved = (1.0 - kept) / 0.5
        # d/da of -(kept w - moved (a z - x)) a z.
        slope = -kept * w @ z + moved * (2.0 * 2.0 * z @ z - x @ z)
        np.testing.assert_allclose(
            gan.generator.get_weights()[0], 2.0 - 0.1 * slope, rtol=1e-5
        )

    def test_judges_by_what_the_discriminator_would_become(self):
        """The term's value: as if a real optimizer had gone these steps."""
        gan = kerasgan.UnrolledGANModel(
            *packed_networks(2), packing=2, unrolling=3, unrolling_rate=0.5
        )
        gan.compile(
            discriminator_optimizer=keras.optimizers.SGD(0.5),
            loss="relativistic",
            regularizers=[GradientPenalty(1.0)],
            run_eagerly=True,
        )
        _, batch = _player_and_batch(gan, "generator", _vectors(8))
        foreseen = gan.generator_objective(batch)["adversarial"]
        assert foreseen.shape == (4,)
        player, _ = _player_and_batch(gan, "discriminator", _vectors(8))
        for _ in range(3):
            gan._update(player, batch, lambda part: batch)
        gan.unrolling = 0
        now = gan.generator_objective(batch)["adversarial"]
        np.testing.assert_allclose(foreseen, now, rtol=1e-5)

    def test_no_steps_ahead_are_a_plain_gan(self):
        steps = []
        for kind, arguments in (
            (kerasgan.GANModel, {}),
            (kerasgan.UnrolledGANModel, {"unrolling": 0}),
        ):
            gan = kind(*conv_networks(batch_norm=True), **arguments)
            gan.compile(run_eagerly=True)
            fit(gan, images(8), 4)
            steps.append(weights_of(gan))
        assert largest_difference(*steps) == 0

    def test_evaluate_does_not_look_ahead(self):
        logs = []
        for unrolling in (0, 2):
            gan = kerasgan.UnrolledGANModel(
                *packed_networks(1), unrolling=unrolling
            )
            gan.compile(run_eagerly=True)
            logs.append(gan.evaluate(_vectors(4), verbose=0, return_dict=True))
        assert logs[0] == logs[1]


def test_keeps_the_generators_statistics_alone():
    """In the generator's update; steps ahead leave the discriminator alone."""
    generator, _ = conv_networks(batch_norm=True)
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(4),
            BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    set_weights(discriminator, 1)
    gan = kerasgan.UnrolledGANModel(generator, discriminator, unrolling=2)
    gan.compile(run_eagerly=True)
    before = [np.array(v) for v in discriminator.variables]
    moments = [w for w in generator.weights if "moving" in w.path]
    moments_before = [np.array(w) for w in moments]
    player, batch = _player_and_batch(gan, "generator", images(4))
    gan._update(player, batch, lambda part: batch)
    for value, old in zip(discriminator.variables, before, strict=True):
        np.testing.assert_array_equal(value, old)
    assert len(moments) == 2
    for value, old in zip(moments, moments_before, strict=True):
        assert np.max(np.abs(np.array(value) - old)) > 1e-4


class TestModel:
    def test_saves_and_loads(self, tmp_path):
        gan = kerasgan.UnrolledGANModel(
            *packed_networks(2), packing=2, unrolling=1, unrolling_rate=0.25
        )
        gan.compile(run_eagerly=True)
        fit(gan, _vectors(4), 4)
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        assert isinstance(loaded, kerasgan.UnrolledGANModel)
        assert loaded.get_config()["unrolling"] == loaded.unrolling == 1
        assert (loaded.unrolling_rate, loaded.packing) == (0.25, 2)
        for model in (gan, loaded):
            fit(model, _vectors(4), 4)
        assert largest_difference(weights_of(gan), weights_of(loaded)) == 0

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"unrolling": -1}, "`unrolling` must be a number of steps"),
            ({"unrolling": True}, "unrolling=True"),
            ({"unrolling_rate": 0}, "`unrolling_rate` must be positive"),
        ],
    )
    def test_arguments_are_checked(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            kerasgan.UnrolledGANModel(*packed_networks(1), **arguments)


@keras.saving.register_keras_serializable(package="tests.unrolled")
class Scaling(layers.Layer):
    """x -> a x."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(), initializer="ones")

    def call(self, x):
        return self.factor * x
