"""InfoGANModel and LatentOptimisationGANModel: what becomes of latents."""

import keras
import numpy as np
import pytest
import training_steps
from keras import ops

import kerasgan
from kerasgan import gradients


def _info(categories=(3,), continuous=2, latent_size=7, codes=5, **arguments):
    networks = training_steps.labelled_networks(codes=codes)
    gan = kerasgan.InfoGANModel(
        *networks,
        categories=categories,
        continuous=continuous,
        latent_size=latent_size,
        **arguments,
    )
    gan.compile(run_eagerly=True)
    return gan


class TestInfo:
    def test_codes_are_where_they_are_said_to_be(self):
        gan = _info()
        latents = gan.latents(600)
        one_hot, numbers = latents[:, 2:5], latents[:, 5:]
        np.testing.assert_array_equal(np.sort(one_hot), [[0, 0, 1]] * 600)
        assert np.abs(one_hot.mean(axis=0) - 1 / 3).max() < 0.07
        assert numbers.min() < -0.95 and 0.95 < numbers.max() < 1.0
        # The noise is that of any other GAN.
        assert abs(latents[:, :2].std() - 1.0) < 0.1
        # No part follows from another.
        assert np.abs(np.corrcoef(latents.T)[:2, 2:]).max() < 0.15
        assert np.abs(np.corrcoef(numbers.T)[0, 1]) < 0.15

    def test_terms_are_those_of_the_codes(self):
        gan = _info()
        data = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
        logs = {k: float(v) for k, v in gan.test_step(data).items()}
        for player in ("discriminator", "generator"):
            latents = np.array(
                gan._draw(ops.arange(6), seed=0, purpose=f"{player}/latents")
            )
            found = np.array(
                gan.discriminator.heads(gan.generator(latents))["codes"]
            )
            codes = latents[:, 2:]
            shares = np.exp(found[:, :3])
            shares /= shares.sum(axis=1, keepdims=True)
            categorical = -np.log((shares * codes[:, :3]).sum(axis=1)).mean()
            squares = np.square(found[:, 3:] - codes[:, 3:])
            continuous = squares.sum(axis=1).mean() / 2
            np.testing.assert_allclose(
                logs[f"{player}_categorical_codes"], categorical, rtol=1e-5
            )
            np.testing.assert_allclose(
                logs[f"{player}_continuous_codes"], continuous, rtol=1e-5
            )
            np.testing.assert_allclose(
                logs[f"{player}_loss"],
                logs[f"{player}_adversarial"] + categorical + 0.1 * continuous,
                rtol=1e-5,
            )

    def test_codes_come_to_be_told(self):
        """Samples hold a code after some steps, of which none spoke."""
        gan = _info()
        gan.compile(keras.optimizers.Adam(2e-2), keras.optimizers.Adam(2e-2))
        data = np.random.default_rng(0).normal(size=(4800, 3)).astype("float32")
        before = gan.test_step(data[:64])
        gan.fit(data, batch_size=32, verbose=0)
        after = gan.test_step(data[:64])
        name = "generator_categorical_codes"
        assert after[name] < 0.3 < np.log(3) * 0.8 < before[name]

    def test_with_codes(self):
        gan = _info()
        latents = gan.latents(3)
        other = gan.with_codes(
            latents, categories=[[0, 1, 2]], continuous=[None, 0.5]
        )
        np.testing.assert_array_equal(other[:, 2:5], np.eye(3))
        np.testing.assert_array_equal(other[:, 6], 0.5)
        np.testing.assert_array_equal(other[:, :2], latents[:, :2])
        np.testing.assert_array_equal(other[:, 5], latents[:, 5])

    def test_truncation_leaves_codes_alone(self):
        gan = _info()
        latents = gan.latents(5)
        truncated = np.array(gan.truncate_latents(latents, 0.5))
        np.testing.assert_array_equal(truncated[:, 2:], latents[:, 2:])
        assert (np.abs(truncated[:, :2]) < np.abs(latents[:, :2])).all()

    @pytest.mark.parametrize(
        "codes, message",
        [
            ({"categories": [0, 1]}, "a list of values for 1 codes"),
            ({"categories": 1}, "a list of values for 1 codes"),
            ({"categories": [3]}, "must be from 0 to 2"),
            ({"categories": [[0, -1]]}, "must be from 0 to 2"),
            ({"continuous": [0.5]}, "a list of values for 2 codes"),
        ],
    )
    def test_wrong_codes(self, codes, message):
        gan = _info()
        with pytest.raises(ValueError, match=message):
            gan.with_codes(gan.latents(2), **codes)

    def test_saves_and_loads(self, tmp_path):
        from kerasgan.models import dcgan

        gan = kerasgan.InfoGANModel(
            dcgan.Generator((8, 8, 1), latent_size=6, width=4),
            dcgan.Discriminator((8, 8, 1), width=4, codes=3),
            categories=(2,),
            continuous=1,
        )
        gan.compile()
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        np.testing.assert_array_equal(loaded.generate(3), gan.generate(3))
        assert loaded.categories == (2,) and loaded.continuous == 1

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"continuous": 4}, "must leave some of the latents"),
            ({"categories": (), "continuous": 0}, "must leave some"),
            ({"packing": 2}, "`packing` must be 1"),
            ({"categories": 3}, "must be a list of numbers"),
            ({"categories": (1, 2)}, "2 or more"),
            ({"continuous": -1}, "0 or more"),
            ({"categories": (2,)}, "must have 4 'codes'.*Received: 5"),
        ],
    )
    def test_bad_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            _info(**arguments)


class TestLatentOptimisation:
    def _gan(self, **arguments):
        gan = kerasgan.LatentOptimisationGANModel(
            *training_steps.packed_networks(1), **arguments
        )
        gan.compile(run_eagerly=True)
        return gan

    def _batch(self, gan, count=64):
        batch = gan._empty_batch(count)
        player = gan.settings.players[0]
        data = np.zeros((count, 3), "float32")
        return gan._sample(data, player, batch)

    def test_steps_are_the_papers(self):
        gan = self._gan(step_size=0.5, damping=0.2, share=0.75)
        batch = self._batch(gan, 400)
        moved, terms = gan._moved(batch)
        step = np.array(moved.latents - batch.latents)
        slopes = np.array(
            gradients.of_inputs(
                lambda z: gan.discriminator(gan.generator(z)), batch.latents
            )
        )
        square = np.square(slopes).sum(axis=1, keepdims=True)
        expected = 0.5 * slopes / (0.2 + square)
        went = np.abs(step).max(axis=1) > 0
        assert abs(went.mean() - 0.75) < 0.07
        np.testing.assert_allclose(
            step[went], expected[went], rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            terms["latent_step"],
            np.where(went, np.square(expected).sum(axis=1), 0.0),
            rtol=1e-4,
        )

    def test_samples_look_more_real(self):
        gan = self._gan(step_size=0.05, share=1.0)
        batch = self._batch(gan)
        moved, _ = gan._moved(batch)
        scores = [
            np.array(gan.discriminator(gan.generator(x)))
            for x in (batch.latents, moved.latents)
        ]
        assert (scores[1] > scores[0]).all()

    def test_slopes_go_through_the_step(self):
        """As finite differences of the loss, which see all of it, say."""
        gan = self._gan(step_size=2.0, damping=0.3, share=1.0)
        player = gan.settings.players[1]
        batch = gan._sample(
            np.zeros((8, 3), "float32"), player, gan._empty_batch(8)
        )
        weight = gan.generator.trainable_variables[0]

        def loss(moved=0.0):
            before = np.array(weight)
            weight.assign(before + moved * direction)
            (value, _), slopes, _ = gan._differentiate(player, batch, ())
            weight.assign(before)
            return float(value), np.array(slopes[0])

        direction = np.zeros(weight.shape, "float32")
        slope = loss()[1]
        direction = slope / np.linalg.norm(slope)
        expected = (loss(0.01)[0] - loss(-0.01)[0]) / 0.02
        found = (slope * direction).sum()
        np.testing.assert_allclose(found, expected, rtol=0.01)

    def test_uniform_latents_stay_in_range(self):
        gan = self._gan(
            step_size=50.0, share=1.0, latent_distribution="uniform"
        )
        moved, _ = gan._moved(self._batch(gan))
        assert np.abs(moved.latents).max() == 1.0

    def test_no_share_is_a_plain_gan(self):
        networks = training_steps.packed_networks(1)
        data = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        plain = kerasgan.GANModel(*networks)
        plain.compile(run_eagerly=True)
        expected = plain.test_step(data)
        found = self._gan(share=0.0).test_step(data)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-6)

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="`share` in"):
            self._gan(share=1.5)
