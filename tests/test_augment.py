"""Augmenters: what they do to images, how often, and who learns through it."""

import dataclasses

import keras
import numpy as np
import pytest
import training_steps
from keras import ops
from training_steps import batch_of

import kerasgan
from kerasgan import augment, gradients
from kerasgan.augment import ADA, APA, DiffAugment, ada, geometry
from kerasgan.recipes import recipe

CASES = training_steps.augmenters()
every_augmenter = pytest.mark.parametrize("name", CASES)


def _images(count=6, shape=(10, 8, 3)):
    draws = np.random.default_rng(0).uniform(-1, 1, (count, *shape))
    return ops.convert_to_tensor(draws, "float32")


def _shown(augmenter, images, purpose="test", **fields):
    batch = batch_of(images, fake=-images, **fields)
    real = augmenter.replaced(batch).real
    return ops.convert_to_numpy(augmenter(real, batch, purpose))


@every_augmenter
class TestEvery:
    def test_keeps_shapes_and_changes_images(self, name):
        images = _images()
        shown = _shown(CASES[name], images)
        assert shown.shape == images.shape and np.isfinite(shown).all()
        changed = np.abs(shown - images).max(axis=(1, 2, 3)) > 0.01
        assert changed.sum() >= 2

    def test_draws_follow_from_seed_and_number(self, name):
        images = _images()
        first = _shown(CASES[name], images, seed=1)
        np.testing.assert_array_equal(
            first, _shown(CASES[name], images, seed=1)
        )
        differs = [{"seed": 2}]
        if name != "apa":  # Which has one purpose.
            differs.append({"seed": 1, "purpose": "other"})
        for other in differs:
            assert np.abs(first - _shown(CASES[name], images, **other)).max()
        # The image's place, not the batch's length.
        np.testing.assert_allclose(
            first[:4], _shown(CASES[name], images[:4], seed=1), atol=1e-5
        )

    def test_saved_and_loaded(self, name):
        config = keras.saving.serialize_keras_object(CASES[name])
        loaded = keras.saving.deserialize_keras_object(config)
        assert loaded == CASES[name]


class TestDiffAugment:
    def test_ranges(self):
        """At most an eighth moved, and half cut, of each side."""
        ones = ops.ones((400, 16, 12, 1))
        moved = _shown(DiffAugment(policy="translation"), ones)[..., 0]
        rows = moved.max(axis=2).sum(axis=1)
        columns = moved.max(axis=1).sum(axis=1)
        assert rows.min() == 14 and rows.max() == 16
        # An eighth of 12 is rounded up to 2.
        assert columns.min() == 10 and columns.max() == 12
        cut = 1.0 - _shown(DiffAugment(policy="cutout"), ones)[..., 0]
        assert cut.sum(axis=(1, 2)).max() == 8 * 6
        coloured = _shown(DiffAugment(policy="color"), 0.0 * ones)
        assert -0.5 <= coloured.min() < -0.45 and 0.45 < coloured.max() < 0.5

    @pytest.mark.parametrize("policy", ["colour", "", "color,,cutout"])
    def test_unknown_steps(self, policy):
        with pytest.raises(ValueError, match="`policy`"):
            DiffAugment(policy=policy)


class TestADA:
    @pytest.mark.parametrize("policy", ["bgcfnc", {"noise": 1.0}])
    def test_none_at_probability_zero(self, policy):
        images = _images()
        shown = _shown(ADA(policy=policy, probability=0.0), images)
        # Doubled and halved by filters, which is exact to their rounding.
        np.testing.assert_allclose(shown, images, atol=2e-5)

    @pytest.mark.parametrize("probability", [0.2, 0.8])
    def test_shares_of_images_are_changed(self, probability):
        images = _images(800, (4, 4, 1))
        augmenter = ADA(
            policy={"brightness": 0.5, "cutout": 0.25}, probability=probability
        )
        changed = _shown(augmenter, images) - images
        brighter = np.median(np.abs(changed), axis=(1, 2, 3)) > 1e-4
        assert abs(brighter.mean() - 0.5 * probability) < 0.06
        cut = (_shown(augmenter, images) == 0).sum(axis=(1, 2, 3)) > 0
        assert abs(cut.mean() - 0.25 * probability) < 0.06

    def test_quarter_turns_and_mirrors(self):
        """All eight, as exact as the wavelet is symmetric: almost."""
        images = _images(64, (8, 8, 2))
        augmenter = ADA(policy={"rotate90": 1.0, "xflip": 1.0}, probability=1.0)
        shown = _shown(augmenter, images)
        found = set()
        for image, result in zip(np.array(images), shown, strict=True):
            errors = {
                (flip, turns): np.abs(
                    np.rot90(image[:, ::-1] if flip else image, turns) - result
                ).mean()
                for flip in (False, True)
                for turns in range(4)
            }
            best, second = sorted(errors, key=errors.get)[:2]
            assert errors[best] < 0.2 < 0.4 < errors[second]
            found.add(best)
        assert len(found) == 8

    def test_what_comes_in_is_reflected(self):
        """Shifted by a pixel, the edge repeats what is next to it."""
        image = _images(1, (6, 6, 1))
        inverse = geometry.translation(*ops.convert_to_tensor([[1.0], [0.0]]))
        moved = np.array(geometry.moved(image, inverse))[0, ..., 0]
        expected = np.array(image)[0, ..., 0]
        expected = np.pad(expected, ((0, 0), (0, 1)), mode="reflect")[:, 1:]
        np.testing.assert_allclose(moved, expected, atol=1e-4)

    def test_small_images(self):
        """Down to one pixel, where filters are longer than images."""
        for shape in ((1, 1, 1), (2, 3, 3), (4, 4, 1)):
            images = _images(3, shape)
            shown = _shown(ADA(policy="bgcfnc", probability=1.0), images)
            assert shown.shape == (3, *shape) and np.isfinite(shown).all()

    def test_slopes_are_those_of_differences(self):
        images, step = _images(2, (5, 6, 3)), 1e-2
        augmenter = ADA(policy="bgcf", probability=0.9)
        batch = batch_of(images)
        cotangent = ops.convert_to_tensor(
            np.random.default_rng(1).normal(size=images.shape), "float32"
        )

        def total(x):
            return ops.sum(cotangent * augmenter(x, batch, "test"))

        slopes = np.array(gradients.of_inputs(lambda x: total(x)[None], images))
        for place in ((0, 2, 3, 1), (1, 4, 5, 0)):
            change = np.zeros(images.shape, "float32")
            change[place] = step
            difference = (total(images + change) - total(images - change)) / (
                2 * step
            )
            np.testing.assert_allclose(slopes[place], difference, rtol=1e-2)

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"policy": "bgx"}, "`policy` must be one of.*'bgx'"),
            ({"policy": {"flip": 1.0}}, "Did you mean 'xflip'"),
            ({"policy": {"xflip": 2.0}}, r"shares in \[0, 1\].*xflip=2.0"),
            ({"probability": 1.5}, "`probability` must be None or in"),
            ({"target": 2.0}, "`target` must be in"),
            ({"every": 0}, "`every` must be a positive integer"),
        ],
    )
    def test_bad_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            ADA(**arguments)


class TestProbability:
    def _after(self, signs, target=0.6, start=0.0, every=2):
        """Probabilities after steps of 10 images with these mean signs."""
        augmenter = ADA(target=target, images_to_one=100, every=every)
        kept = {
            f"augmenter/{name}": keras.Variable(value)
            for name, value in augmenter.state.items()
        }
        kept["augmenter/probability"].assign(start)
        found = []
        for step, sign in enumerate(signs):
            batch = batch_of(_images(10, (2, 2, 1)), step=step, state=kept)
            logs = {"discriminator_real_signs": ops.convert_to_tensor(sign)}
            for variable, value in augmenter.adapted(batch, logs):
                variable.assign(value)
            found.append(float(kept["augmenter/probability"].value))
        return found

    def test_rises_above_the_target_and_falls_below(self):
        signs = [0.9, 0.5, 0.7, 0.7, 0.1, 0.3, 0.0]
        expected = [0.0, 0.0, 0.2, 0.2, 0.4, 0.4, 0.2]
        np.testing.assert_allclose(self._after(signs), expected, atol=1e-6)

    def test_is_never_negative(self):
        found = self._after([-1.0] * 7, start=0.3)
        np.testing.assert_allclose(
            found, [0.3, 0.3, 0.1, 0.1, 0.0, 0.0, 0.0], atol=1e-6
        )

    def test_is_logged_and_adapted_in_training(self):
        gan = kerasgan.GANModel(*training_steps.conv_networks())
        gan.compile(augmenter=APA(target=-1.0, images_to_one=80, every=1))
        history = training_steps.fit(gan, training_steps.images(40), 8).history
        # 0, 0.1 .. 0.3: it moves after the second step for the first time.
        assert history["discriminator_augmentation"][0] == pytest.approx(0.12)
        assert -1 <= history["discriminator_real_signs"][0] <= 1
        probability = gan._kept["augmenter/probability"]
        assert float(probability.value) == pytest.approx(0.4)

    @pytest.mark.parametrize("images", [32, 40])
    def test_batches_that_do_not_divide(self, images):
        """It only rises while all signs are positive, an epoch's end or not."""
        augmenter = ADA(images_to_one=10_000)
        kept = {
            f"augmenter/{name}": keras.Variable(value)
            for name, value in augmenter.state.items()
        }
        logs = {"discriminator_real_signs": ops.convert_to_tensor(1.0)}
        found = []
        for _ in range(20):
            for start in range(0, images, 16):
                rows = min(16, images - start)
                batch = batch_of(_images(rows, (2, 2, 1)), state=kept)
                for variable, value in augmenter.adapted(batch, logs):
                    variable.assign(value)
                found.append(float(kept["augmenter/probability"].value))
        assert np.all(np.diff(found) >= 0)
        # All images, but for those since the last change.
        assert found[-1] == pytest.approx(20 * images / 10_000, rel=0.12)

    @pytest.mark.parametrize(
        "loss", ["wasserstein", "relativistic", "least_squares"]
    )
    def test_needs_logits_that_mean_something_by_their_sign(self, loss):
        gan = kerasgan.GANModel(*training_steps.packed_networks(1))
        with pytest.raises(ValueError, match="`probability`.*by their sign"):
            gan.compile(loss=loss, augmenter="apa")
        gan.compile(loss=loss, augmenter=APA(probability=0.1))

    def test_follows_a_schedule(self):
        schedule = kerasgan.schedules.Linear(0.2, 0.8, over_images=100)
        augmenter = ADA(probability=schedule)
        batch = batch_of(_images()).replace(images_seen=ops.array(50))
        terms = augmenter.terms(batch)
        np.testing.assert_allclose(terms["augmentation"], 0.5, rtol=1e-6)
        assert augmenter.adapted(batch, {}) == []

    def test_is_saved_with_the_model(self, tmp_path):
        gan = kerasgan.GANModel(*training_steps.conv_networks())
        gan.compile(augmenter=APA(target=0.3))
        gan._kept["augmenter/probability"].assign(0.25)
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        assert loaded.settings.augmenter == APA(target=0.3)
        assert float(loaded._kept["augmenter/probability"].value) == 0.25


class TestAPA:
    def test_generated_ones_stand_for_real_ones(self):
        images = _images(600, (2, 2, 1))
        batch = batch_of(images, fake=images + 5.0)
        replaced = APA(probability=0.3).replaced(batch)
        pseudo = np.array(replaced.real)[:, 0, 0, 0] > 3.0
        assert abs(pseudo.mean() - 0.3) < 0.06
        np.testing.assert_array_equal(
            np.array(replaced.real)[~pseudo], np.array(images)[~pseudo]
        )
        np.testing.assert_array_equal(replaced.fake, batch.fake)
        for other in ({"player": "generator"}, {"training": False}):
            same = APA(probability=1.0).replaced(batch.replace(**other))
            np.testing.assert_array_equal(same.real, images)

    def test_slopes_do_not_reach_the_generator_through_them(self):
        images = _images(4, (2, 2, 1))

        def real(fake):
            batch = batch_of(images, fake=fake)
            return APA(probability=1.0).replaced(batch).real

        np.testing.assert_array_equal(gradients.of_inputs(real, images), 0.0)

    def test_vectors_and_packs(self):
        gan = kerasgan.GANModel(*training_steps.packed_networks(2), packing=2)
        gan.compile(augmenter=APA(probability=0.5))
        data = np.ones((8, 3), "float32")
        assert training_steps.fit(gan, data, 8).history


class TestInTraining:
    def test_the_generator_learns_through_it(self):
        """Its slopes are those of the discriminator on what it is shown."""
        gan = kerasgan.GANModel(*training_steps.conv_networks())
        gan.compile(augmenter=ADA(policy={"cutout": 1.0}, probability=1.0))
        batch = batch_of(ops.convert_to_tensor(training_steps.images(4)))
        batch = batch.replace(player="generator", latents=ops.ones((4, 5)))
        fake = gan.generator(batch.latents)
        slopes = gradients.of_inputs(
            lambda x: gan._heads(x, batch, "fake")["logits"], fake
        )
        cut = gan.settings.augmenter(
            ops.ones_like(fake), batch, "generator/augment/fake"
        )
        slopes, cut = np.array(slopes), np.array(cut) == 0
        assert cut.any() and np.abs(slopes[~cut]).min() > 0
        np.testing.assert_array_equal(slopes[cut], 0.0)

    def test_players_and_kinds_draw_by_themselves(self):
        shown = {}
        augmenter = DiffAugment()
        images = ops.ones((8, 8, 8, 1)) * 0.5
        for purpose in ("a/real", "a/fake", "b/fake"):
            shown[purpose] = _shown(augmenter, images, purpose)
        assert np.abs(shown["a/real"] - shown["a/fake"]).max() > 0.1
        assert np.abs(shown["a/fake"] - shown["b/fake"]).max() > 0.1

    def test_penalties_are_of_images_before_it(self):
        """R1 of a linear discriminator: its kernel, but for what is cut."""
        from keras import Input, Sequential, layers

        from kerasgan.regularizers import R1

        found = {}
        for name, policy in (("plain", None), ("cut", {"cutout": 1.0})):
            networks = (
                training_steps.conv_networks()[0],
                Sequential(
                    [Input((8, 8, 1)), layers.Flatten(), layers.Dense(1)]
                ),
            )
            training_steps.set_weights(networks[1], 0)
            gan = kerasgan.GANModel(*networks)
            gan.compile(
                regularizers=[R1(2.0)],
                augmenter=policy and ADA(policy=policy, probability=1.0),
            )
            logs = gan.fit(
                training_steps.images(8), batch_size=8, epochs=1, verbose=0
            ).history
            found[name] = logs["discriminator_r1"][0]
        # A quarter is cut, or less at the edges; slopes there are zero.
        assert 0.7 < found["cut"] / found["plain"] < 0.99

    @pytest.mark.parametrize(
        "augmenter, message",
        [
            ("adda", "Did you mean 'ada'"),
            (DiffAugment(), "changes single images.*packing=2"),
            (ADA(), "of 1 or 3 channels"),
        ],
    )
    def test_what_does_not_suit_the_samples(self, augmenter, message):
        gan = kerasgan.GANModel(*training_steps.packed_networks(2), packing=2)
        with pytest.raises(ValueError, match=message):
            gan.compile(augmenter=augmenter)

    def test_arguments_by_name(self):
        assert augment.get("ada", policy="bg") == ADA(policy="bg")
        with pytest.raises(TypeError, match="'target'"):
            augment.get("diffaugment", target=0.5)

    def test_recipes_know_all_arguments(self):
        found = {
            name: {field.name for field in dataclasses.fields(kind)}
            for name, kind in augment._BY_NAME.items()
        }
        for name, fields in recipe._AUGMENTERS.items():
            wanted = {"images_to_one" if f == "images" else f for f in fields}
            # How often it adapts is for Python alone.
            assert found.pop(name) - {"every"} == wanted
        assert not found


def test_every_operation_is_of_a_part():
    assert set(ada._PARTS["bgcfnc"]) == set(ada.OPERATIONS) - {"rotate_post"}
