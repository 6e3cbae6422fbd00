"""The truncation trick: of styles, of latents, and from the command line."""

import keras
import numpy as np
import pytest
from scipy import stats

import kerasgan
from kerasgan import presets
from kerasgan.models import dcgan, stylegan2
from kerasgan.training import averaging


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


def gan_of_labels(seed):
    keras.utils.set_random_seed(seed)
    sizes = {"image_shape": (8, 8, 3), "width": 6, "max_width": 8, "classes": 3}
    return kerasgan.GANModel(
        stylegan2.Generator(
            **sizes, latent_size=8, style_size=10, mapping_depth=2
        ),
        stylegan2.Discriminator(**sizes, mapping_depth=2),
    )


@pytest.fixture(scope="module")
def told():
    gan = gan_of_labels(seed=1)
    average = gan.averaged_generator.mapping.average
    average.assign(np.random.default_rng(1).normal(size=average.shape))
    return gan


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


class TestCenters:
    def test_of_a_class_is_the_mean_of_its_styles(self, told):
        network, labels = told.averaged_generator, np.array([2, 0, 2])
        latents = told.latents(10_000)
        centers = [
            np.array(network.mapping(latents, np.eye(3)[[k] * 10_000])).mean(0)
            for k in labels
        ]
        drawn = told.latents(3, seed=4)
        styles = np.array(network.styles((drawn, labels)))
        centers = np.stack(centers)[:, None]
        expected = network.synthesize(centers + 0.4 * (styles - centers))
        how = {"truncation": 0.4, "truncation_center": "class"}
        found = told.generate(3, labels, seed=4, **how)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        alone = told.decode(drawn[:1], 2, **how)
        np.testing.assert_allclose(alone, found[:1], atol=1e-5)

    def test_differ_by_class_and_from_that_of_all(self, told):
        how = {"labels": np.arange(3), "truncation": 1e-6}
        by_class = told.generate(3, truncation_center="class", **how)
        of_all = told.generate(3, **how)
        assert np.ptp(of_all, axis=0).max() < 1e-3
        assert np.ptp(by_class, axis=0).max() > 0.01

    def test_can_be_given(self, told):
        drawn, labels = told.latents(2), [0, 1]
        styles = told.styles(drawn, labels)
        both = np.random.default_rng(0).normal(size=(2, styles.shape[2]))
        for centers in (both[0], both):
            found = told.styles(
                drawn, labels, truncation=0.3, truncation_center=centers
            )
            centers = np.broadcast_to(centers, both.shape)[:, None]
            expected = centers + 0.3 * (styles - centers)
            np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_leave_layers_that_are_not_truncated(self, styled, monkeypatch):
        network, drawn = styled.averaged_generator, styled.latents(2)

        def truncate(styles, psi):
            return network.mapping.truncate(styles, psi, 3)

        monkeypatch.setattr(network, "truncate", truncate)
        found = styled.styles(
            drawn, truncation=0.5, truncation_center=np.full(10, 3.0)
        )
        wanted = styled.styles(drawn)
        wanted[:, :3] = 1.5 + 0.5 * wanted[:, :3]
        np.testing.assert_allclose(found, wanted, atol=1e-6)

    def test_are_refused_where_there_are_none(self, styled, told, conditional):
        with pytest.raises(ValueError, match="takes no labels"):
            styled.generate(1, truncation=0.5, truncation_center="class")
        with pytest.raises(ValueError, match="must have styles"):
            conditional.generate(1, truncation=0.5, truncation_center="class")
        with pytest.raises(ValueError, match="`truncation` must be given"):
            told.generate(1, truncation_center="class")
        with pytest.raises(ValueError, match="Did you mean 'class'"):
            told.generate(1, truncation=0.5, truncation_center="clas")


def test_a_saved_model_truncates_equally(tmp_path):
    gan = gan_of_labels(seed=2)
    network, average = gan.generator, gan.averaged_generator
    network((gan.latents(4), gan.labels(4)), training=True)
    averaging.update(network, average, images=4, half_life_images=10.0)
    found = np.array(average.mapping.average)
    assert np.abs(found).max() > 0
    np.testing.assert_array_equal(found, np.array(network.mapping.average))
    gan.save(tmp_path / "gan.keras")
    loaded = kerasgan.load(tmp_path / "gan.keras")
    for center in ("all", "class"):
        how = {"truncation": 0.5, "truncation_center": center}
        np.testing.assert_allclose(
            loaded.generate(3, **how), gan.generate(3, **how), atol=1e-6
        )


class TestLatents:
    def test_have_a_truncated_normal_distribution(self, conditional):
        normal = conditional.latents(5000)
        found = np.array(conditional.truncate_latents(normal, 1.0))
        order = np.argsort(normal[:, 0])
        assert np.all(np.diff(found[order, 0]) >= 0)
        assert np.abs(found).max() <= 2.0
        expected = stats.truncnorm(-2, 2)
        assert stats.kstest(found.ravel(), expected.cdf).pvalue > 0.01

    def test_reach_the_generator_with_labels(self, conditional):
        labels = np.array([2, 0, 1, 1])
        latents = conditional.latents(4)
        expected = conditional.averaged_generator(
            (0.5 * np.array(conditional.truncate_latents(latents, 1.0)), labels)
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
