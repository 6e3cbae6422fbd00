"""Packs of samples: what the discriminator sees, and what it is judged by."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from training_steps import (
    fit,
    largest_difference,
    packed_networks,
    weights_of,
)

import kerasgan
from kerasgan.regularizers import DRAGAN, R1, R2, GradientPenalty
from kerasgan.training import packs
from kerasgan.training.adversarial_model import Batch

TOLERANCE = 1e-6


def _gan(packing=2, **arguments):
    gan = kerasgan.GANModel(*packed_networks(packing), packing=packing)
    gan.compile(**arguments)
    return gan


def _vectors(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 3)).astype("float32")


def _batch(real, fake=None):
    real = ops.convert_to_tensor(real)
    count = real.shape[0]
    return Batch(
        numbers=ops.arange(100, 100 + count),
        images_seen=ops.convert_to_tensor(100),
        step=ops.convert_to_tensor(0),
        seed=0,
        training=True,
        real=real,
        fake=real if fake is None else ops.convert_to_tensor(fake),
    )


class TestPack:
    def test_vectors_stand_side_by_side(self):
        real = np.arange(12, dtype="float32").reshape(6, 2)
        batch = packs.pack(_batch(real, -real), 3)
        expected = [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
        np.testing.assert_array_equal(batch.real, expected)
        np.testing.assert_array_equal(batch.fake, np.negative(expected))
        np.testing.assert_array_equal(batch.numbers, [100, 103])

    def test_images_stand_in_each_others_channels(self):
        real = np.random.default_rng(0).normal(size=(4, 5, 6, 3))
        real = real.astype("float32")
        packed = np.array(packs.pack(_batch(real), 2).real)
        assert packed.shape == (2, 5, 6, 6)
        np.testing.assert_array_equal(packed[..., :3], real[::2])
        np.testing.assert_array_equal(packed[..., 3:], real[1::2])

    @pytest.mark.parametrize(
        "rows, packing, expected",
        [
            pytest.param(5, 2, [[0, 1], [2, 3]], id="the_rest_is_dropped"),
            pytest.param(2, 3, [[0, 1, 0]], id="fewer_than_a_pack"),
            pytest.param(1, 4, [[0, 0, 0, 0]], id="a_single_one"),
            pytest.param(3, 3, [[0, 1, 2]], id="exactly_one"),
        ],
    )
    def test_rows_that_do_not_divide(self, rows, packing, expected):
        real = np.arange(rows, dtype="float32")[:, None]
        batch = packs.pack(_batch(real), packing)
        np.testing.assert_array_equal(batch.real, expected)
        first = [100 + row[0] for row in expected]
        np.testing.assert_array_equal(batch.numbers, first)

    def test_packs_of_one_are_the_batch_itself(self):
        batch = _batch(_vectors(4))
        assert packs.pack(batch, 1) is batch


class TestStep:
    def test_by_hand_on_a_linear_discriminator(self):
        """SGD on D(x, y) = u x + v y and G(z) = a z, a pack of two."""
        gan = kerasgan.GANModel(
            keras.Sequential(
                [keras.Input((1,)), layers.Dense(1, use_bias=False)]
            ),
            keras.Sequential(
                [keras.Input((2,)), layers.Dense(1, use_bias=False)]
            ),
            packing=2,
        )
        kernel = np.array([[3.0], [-1.0]])
        gan.generator.set_weights([np.array([[2.0]])])
        gan.discriminator.set_weights([kernel])
        gan.compile(
            keras.optimizers.SGD(0.1),
            keras.optimizers.SGD(0.1),
            loss="wasserstein",
            regularizers=[R1(0.5), GradientPenalty(0.25)],
        )
        drawn = {
            player: _latents(gan, 4, player)
            for player in ("discriminator", "generator")
        }
        real = np.array([[1.0], [5.0], [-2.0], [3.0]], "float32")
        logs = fit(gan, real, 4).history

        length = np.sqrt(10.0)
        fake = 2.0 * drawn["discriminator"].reshape(2, 2)
        # d/dw: E fake - E real, R1's w / 2, and (|w| - 1)^2 / 4.
        slope = fake.mean(axis=0) - real.reshape(2, 2).mean(axis=0)
        slope = slope[:, None] + 0.5 * kernel
        slope += 0.25 * 2.0 * (length - 1.0) * kernel / length
        moved = kernel - 0.1 * slope
        np.testing.assert_allclose(
            gan.discriminator.get_weights()[0], moved, rtol=1e-5
        )
        # d/da of -(u a z + v a z'), on average over packs.
        packed = drawn["generator"].reshape(2, 2)
        rise = np.mean(packed @ moved)
        np.testing.assert_allclose(
            gan.generator.get_weights()[0], 2.0 + 0.1 * rise, rtol=1e-5
        )
        np.testing.assert_allclose(
            logs["discriminator_real_logits"][0],
            np.mean(real.reshape(2, 2) @ kernel),
            rtol=1e-5,
        )
        np.testing.assert_allclose(logs["discriminator_r1"][0], 2.5, 1e-5)
        np.testing.assert_allclose(
            logs["discriminator_gradient_penalty"][0],
            0.25 * (length - 1.0) ** 2,
            rtol=1e-5,
        )

    def test_packs_of_one_change_nothing(self):
        steps = []
        for arguments in ({}, {"packing": 1}):
            gan = kerasgan.GANModel(*packed_networks(1), **arguments)
            gan.compile(regularizers=[R1(1.0)])
            fit(gan, _vectors(16), 8)
            steps.append(weights_of(gan))
        assert largest_difference(*steps) == 0

    @pytest.mark.parametrize("loss", ["relativistic_average", "hinge"])
    def test_every_term_is_one_number_per_pack(self, loss):
        gan = _gan(
            3,
            loss=loss,
            regularizers=[
                R1(1.0, every=2),
                R2(1.0, finite_difference=0.01),
                DRAGAN(1.0),
                GradientPenalty(1.0, every=3),
            ],
            run_eagerly=True,
        )
        sizes = set()
        for player in gan.settings.players:
            data = ops.convert_to_tensor(_vectors(12))
            batch = gan._sample(data, player, gan._empty_batch(12))
            objective = getattr(gan, f"{player.name}_objective")
            sizes |= {tuple(x.shape) for x in objective(batch).values()}
        assert sizes == {(4,)}

    @pytest.mark.parametrize(
        "count, batch_size, steps",
        [
            (22, 8, 1),
            (8, 2, 1),
            pytest.param(24, 8, 4, marks=pytest.mark.slow),
            pytest.param(5, 8, 6, marks=pytest.mark.slow),
        ],
    )
    def test_any_size_trains(self, count, batch_size, steps):
        gan = _gan(
            3,
            discriminator_steps=steps,
            regularizers=[R1(1.0, every=2), GradientPenalty(1.0)],
        )
        before = weights_of(gan)
        fit(gan, _vectors(count), batch_size)
        after = weights_of(gan)
        assert after["images_seen"] == count
        for key, value in after.items():
            assert np.all(np.isfinite(value))
            if "/" in key:
                assert np.max(np.abs(value - before[key])) > 0

    def test_lazy_penalty_is_due_every_so_many_steps(self):
        gan = _gan(regularizers=[R1(1.0, every=2)], discriminator_steps=2)
        due = [
            float(
                gan.train_on_batch(_vectors(8), return_dict=True)[
                    "discriminator_r1"
                ]
            )
            > 0
            for _ in range(4)
        ]
        assert due == [True, False, True, False]

    def test_evaluate_judges_packs(self):
        gan = _gan()
        data = _vectors(8)
        logs = gan.evaluate(data, batch_size=8, verbose=0, return_dict=True)
        logits = gan.discriminator(data.reshape(4, 6))
        np.testing.assert_allclose(
            logs["discriminator_real_logits"], np.mean(logits), rtol=1e-5
        )

    def test_only_packs_tell_variety(self):
        """All samples right, yet all alike: a single one gives nothing away.

        D is a product of two samples' signs: its mean is 0 over varied data.
        """
        varied = np.tile([[1.0], [-1.0], [-1.0], [1.0]], (8, 1))
        alike = np.ones_like(varied)
        packed = packs.pack(_batch(varied, alike), 2)
        assert np.mean(varied) == 0
        assert np.mean(np.prod(np.array(packed.real), axis=1)) == -1
        assert np.mean(np.prod(np.array(packed.fake), axis=1)) == 1


def _latents(gan, count, player):
    """What `player` will draw in the first step."""
    batch = _batch(np.zeros((count, 1), "float32"))
    batch = batch.replace(numbers=ops.arange(count))
    settings = {p.name: p for p in gan.settings.players}
    batch = gan.sample_batch(batch.real, settings[player], batch)
    return np.array(batch.latents)


class TestModel:
    def test_saves_and_loads(self, tmp_path):
        gan = _gan(3, regularizers=[R1(1.0)])
        fit(gan, _vectors(12), 6)
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        assert loaded.packing == 3
        for model in (gan, loaded):
            fit(model, _vectors(12, 1), 6)
        assert largest_difference(weights_of(gan), weights_of(loaded)) == 0

    def test_samples_stay_single(self):
        assert _gan(3).generate(5).shape == (5, 3)

    def test_builds_a_discriminator_without_a_shape(self):
        generator, _ = packed_networks(1)
        discriminator = keras.Sequential([layers.Dense(1)])
        kerasgan.GANModel(generator, discriminator, packing=4)
        assert discriminator.layers[0].kernel.shape == (12, 1)

    @pytest.mark.parametrize("packing", [0, -1, 1.5, "2", True])
    def test_must_be_a_positive_integer(self, packing):
        with pytest.raises(ValueError, match="`packing` must be a positive"):
            kerasgan.GANModel(*packed_networks(1), packing=packing)

    def test_is_not_for_labels(self):
        with pytest.raises(ValueError, match="packing=2, classes=3"):
            kerasgan.GANModel(*packed_networks(2), packing=2, classes=3)

    def test_a_discriminator_of_single_samples_is_an_error(self):
        with pytest.raises(ValueError, match=r"packs of 2 .* shape \(6,\)"):
            kerasgan.GANModel(*packed_networks(1), packing=2)
