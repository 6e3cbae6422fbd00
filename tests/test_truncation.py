"""The truncation trick: of styles, of latents, and from the command line."""

import keras
import numpy as np
import pytest
from scipy import stats

import kerasgan
from kerasgan import presets
from kerasgan.models import dcgan


@pytest.fixture(scope="module")
def styled():
    keras.utils.set_random_seed(0)
    gan = kerasgan.GANModel(*presets.get("stylegan2_tiny"))
    average = gan.averaged_generator.mapping.average
    average.assign(np.random.default_rng(0).normal(size=average.shape))
    return gan


@pytest.fixture(scope="module")
def conditional():
    keras.utils.set_random_seed(0)
    return kerasgan.GANModel(
        dcgan.Generator((8, 8, 1), latent_size=4, width=8, classes=3),
        dcgan.Discriminator((8, 8, 1), width=8, classes=3),
    )


class TestStyles:
    def test_keep_a_share_of_their_distance_from_the_average(self, styled):
        network, latents = styled.averaged_generator, styled.latents(3, seed=2)
        styles = np.array(network.styles(latents))
        average = np.array(network.mapping.average)
        expected = network.synthesize(average + 0.4 * (styles - average))
        found = styled.generate(3, seed=2, truncation=0.4)
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_one_changes_nothing(self, styled):
        np.testing.assert_allclose(
            styled.generate(3, truncation=1.0), styled.generate(3), atol=1e-5
        )

    def test_less_makes_samples_more_alike(self, styled):
        spread = [
            styled.generate(16, truncation=share).std(axis=0).mean()
            for share in (1.0, 0.5, 0.1)
        ]
        assert spread[0] > spread[1] > spread[2] > 0


class TestLatents:
    def test_have_a_truncated_normal_distribution(self, conditional):
        normal = conditional.latents(5000)
        found = np.array(conditional._within(normal))
        order = np.argsort(normal[:, 0])
        assert np.all(np.diff(found[order, 0]) >= 0)
        assert np.abs(found).max() <= 2.0
        expected = stats.truncnorm(-2, 2)
        assert stats.kstest(found.ravel(), expected.cdf).pvalue > 0.01

    def test_reach_the_generator_with_labels(self, conditional):
        labels = np.array([2, 0, 1, 1])
        latents = conditional.latents(4)
        expected = conditional.averaged_generator(
            (0.5 * np.array(conditional._within(latents)), labels)
        )
        found = conditional.generate(4, labels, truncation=0.5)
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_uniform_ones_are_scaled(self):
        gan = kerasgan.GANModel(
            dcgan.Generator((8, 8, 1), latent_size=4, width=8),
            dcgan.Discriminator((8, 8, 1), width=8),
            latent_distribution="uniform",
        )
        expected = gan.averaged_generator(0.5 * gan.latents(4))
        found = gan.generate(4, truncation=0.5)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("truncation", [0.0, -1.0, 1.5])
def test_other_shares_are_refused(conditional, truncation):
    with pytest.raises(ValueError, match=r"in \(0, 1\]"):
        conditional.generate(2, truncation=truncation)
