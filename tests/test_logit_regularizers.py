"""LeCam, consistency, latent consistency, orthogonal regularization."""

import json
import pathlib

import keras
import numpy as np
import pytest
import training_steps
from keras import layers, ops
from training_steps import batch_of

import kerasgan
from kerasgan import gradients
from kerasgan.augment import ADA, DiffAugment
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.models import sngan
from kerasgan.regularizers import (
    Consistency,
    LatentConsistency,
    LatentDiversity,
    LeCam,
    Orthogonality,
    lecam,
)
from kerasgan.regularizers.orthogonality import matrices


def _golden():
    path = pathlib.Path(__file__).parent / "golden" / "losses_logits.npz"
    with np.load(path) as arrays:
        return dict(arrays)


class TestLeCam:
    def test_golden(self):
        golden = _golden()
        ema = json.loads(str(golden["config"]))["ema"]
        means = {"real": ema["D_real"], "fake": ema["D_fake"]}
        pair = tuple(
            ops.convert_to_tensor(golden[f"input/{kind}"])
            for kind in ("real", "fake")
        )

        def found(pair):
            return lecam(real=pair[0], fake=pair[1], means=means)

        np.testing.assert_allclose(
            np.mean(found(pair)), golden["output64/D_lecam_reg"], rtol=1e-6
        )
        slopes = gradients.of_inputs(lambda pair: ops.mean(found(pair)), pair)
        for kind, slope in zip(("real", "fake"), slopes, strict=True):
            expected = golden[f"grad64/D_lecam_reg/{kind}"]
            np.testing.assert_allclose(slope, expected, atol=1e-6)

    def _terms(self, regularizer, kept, *, real, fake, step, seen=0):
        state = {
            f"lecam/{kind}": keras.Variable(value)
            for kind, value in kept.items()
        }
        batch = batch_of(ops.zeros((len(real), 3)), step=step, state=state)
        batch = batch.replace(
            images_seen=ops.convert_to_tensor(seen),
            logits={
                "real": ops.convert_to_tensor(real, "float32"),
                "fake": ops.convert_to_tensor(fake, "float32"),
            },
        )
        (term,) = regularizer.terms(None, None, batch).values()
        return np.array(term), {k: float(v.value) for k, v in state.items()}

    def test_means_move_before_they_are_used(self):
        term, means = self._terms(
            LeCam(weight=2.0, decay=0.75),
            {"real": 1.0, "fake": -1.0},
            real=[3.0, -2.0],
            fake=[0.0, 0.0],
            step=7,
        )
        # 0.75 + 0.25 * 0.5, and -0.75.
        assert means == {"lecam/real": 0.875, "lecam/fake": -0.75}
        expected = 2.0 * np.array([3.75**2 + 0.875**2, 0.875**2])
        np.testing.assert_allclose(term, expected, rtol=1e-6)

    @pytest.mark.parametrize("step, seen", [(0, 0), (3, 99)])
    def test_means_follow_at_once_at_first(self, step, seen):
        term, means = self._terms(
            LeCam(from_images=100 if step else 0),
            {"real": 9.0, "fake": 9.0},
            real=[[1.0, 3.0]],
            fake=[[-4.0, 0.0]],
            step=step,
            seen=seen,
        )
        assert means == {"lecam/real": 2.0, "lecam/fake": -2.0}
        # Of patches, the mean: until `from_images`, none.
        value = 0.3 * ((9 + 25) / 2 + (36 + 4) / 2)
        np.testing.assert_allclose(term, [0.0 if step else value], rtol=1e-6)

    def test_lazily_is_refused(self):
        with pytest.raises(ValueError, match="`every` must be 1"):
            LeCam(every=4)


class TestConsistency:
    def test_lazily_it_counts_more_and_between_nothing(self):
        network = training_steps.conv_networks()[1]
        images = ops.convert_to_tensor(training_steps.images(4))
        found = {}
        for every, step in ((1, 0), (4, 4), (4, 5)):
            batch = batch_of(images, fake=images, step=step)
            logits = network(images)
            batch = batch.replace(logits={"real": logits, "fake": logits})
            (term,) = (
                Consistency(every=every)
                .terms(network, lambda x, kind: network(x), batch)
                .values()
            )
            found[every, step] = np.array(term)
        np.testing.assert_allclose(found[4, 4], 4 * found[1, 0], rtol=1e-5)
        assert found[1, 0].max() > 0 and not found[4, 5].any()

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"transform": "diffaugment"}, "`transform` must be an augmenter"),
            ({"transform": ADA()}, "adapts to nothing"),
            ({"fake_weight": -1.0}, "`fake_weight` must not be negative"),
        ],
    )
    def test_bad_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Consistency(**arguments)

    def test_differences_of_logits(self):
        images = np.random.default_rng(0).normal(size=(6, 4, 4, 1))
        images = ops.convert_to_tensor(images, "float32")
        batch = batch_of(images, fake=2.0 * images)
        logits = {"real": images[:, 0, 0, 0], "fake": images[:, 1, 1, 0]}
        batch = batch.replace(logits=logits)
        for arguments in ({"weight": 3.0}, {"weight": 0.0, "fake_weight": 2.0}):
            regularizer = Consistency(**arguments)
            kind = "fake" if "fake_weight" in arguments else "real"
            (term,) = regularizer.terms(
                training_steps.conv_networks()[1],
                lambda x, kind: x[:, 2, 3, 0],
                batch,
            ).values()
            changed = regularizer.transform(
                getattr(batch, kind), batch, f"consistency/{kind}"
            )
            squares = np.square(logits[kind] - changed[:, 2, 3, 0])
            weight = max(arguments.values())
            np.testing.assert_allclose(term, weight * squares, rtol=1e-5)
            assert np.max(term) > 0.1

    @pytest.mark.parametrize(
        "augmenter",
        [None, pytest.param(DiffAugment(), marks=pytest.mark.slow)],
    )
    def test_nothing_changed_costs_nothing(self, augmenter):
        gan = kerasgan.GANModel(*training_steps.conv_networks())
        none = ADA(policy={"brightness": 1.0}, probability=0.0)
        gan.compile(
            regularizers=[Consistency(10.0, 10.0, none)], augmenter=augmenter
        )
        logs = training_steps.fit(gan, training_steps.images(8), 8).history
        np.testing.assert_allclose(
            logs["discriminator_consistency"], 0.0, atol=1e-8
        )


class TestLatentSteps:
    def _batch(self, step=0):
        rng = np.random.default_rng(0)
        latents = ops.convert_to_tensor(rng.normal(size=(6, 4)), "float32")
        batch = batch_of(ops.zeros((6, 3)), fake=_generated(latents), step=step)
        return batch.replace(
            latents=latents,
            generated=_generated,
            logits={"fake": _judged(_generated(latents))},
        )

    def test_differences_are_those_of_a_step_aside(self):
        network = training_steps.packed_networks(1)[1]
        batch = self._batch()
        judge = LatentConsistency(3.0, deviation=0.1)
        make = LatentDiversity(2.0, deviation=0.1)
        noise = judge.aside(batch) - batch.latents
        assert 0.05 < np.std(noise) < 0.15
        (found,) = judge.terms(
            network, lambda x, kind: _judged(x), batch
        ).values()
        steps = _judged(_generated(judge.aside(batch))) - batch.logits["fake"]
        np.testing.assert_allclose(
            found, 3.0 * np.square(steps).mean(axis=1), rtol=1e-4
        )
        (found,) = make.terms(network, _generated, batch).values()
        moved = _generated(make.aside(batch)) - batch.fake
        np.testing.assert_allclose(
            found, -2.0 * np.square(moved).mean(axis=1), rtol=1e-4
        )

    def test_lazily(self):
        network = training_steps.packed_networks(1)[1]
        for kind in (LatentConsistency, LatentDiversity):
            found = {}
            for every, step in ((1, 0), (4, 4), (4, 5)):
                function = (
                    _generated
                    if kind.player == "generator"
                    else lambda x, kind: _judged(x)
                )
                (term,) = (
                    kind(every=every)
                    .terms(network, function, self._batch(step))
                    .values()
                )
                found[every, step] = np.array(term)
            np.testing.assert_allclose(found[4, 4], 4 * found[1, 0], rtol=1e-5)
            assert not found[4, 5].any() and found[1, 0].any()

    @pytest.mark.parametrize("kind", [LatentConsistency, LatentDiversity])
    def test_packs_are_refused(self, kind):
        gan = kerasgan.GANModel(*training_steps.packed_networks(2), packing=2)
        with pytest.raises(ValueError, match="`packing` must be 1"):
            gan.compile(regularizers=[kind()])

    @pytest.mark.slow
    def test_models_that_generate_by_themselves(self):
        """The other samples are of other latents there, too."""
        gan = kerasgan.SelfSupervisedGANModel(
            sngan.Generator((8, 8, 1), latent_size=4, width=4),
            sngan.Discriminator((8, 8, 1), width=4, rotations=True),
        )
        gan.compile(regularizers=[LatentConsistency(deviation=1.0)])
        logs = training_steps.fit(gan, training_steps.images(8), 8).history
        assert logs["discriminator_latent_consistency"][0] > 1e-6

    def test_bad_deviation(self):
        with pytest.raises(ValueError, match="`deviation` must be positive"):
            LatentDiversity(deviation=0.0)

    def test_the_other_pass_leaves_the_generator_alone(self):
        """Its batch norm's statistics are those of a plain step."""
        found = []
        for regularizers in ([], [LatentConsistency(0.0)]):
            gan = kerasgan.GANModel(*training_steps.conv_networks(True))
            gan.compile(regularizers=regularizers, run_eagerly=True)
            training_steps.fit(gan, training_steps.images(8), 8)
            found.append(training_steps.weights_of(gan))
        assert training_steps.largest_difference(*found) < 1e-6


class TestOrthogonality:
    def test_sum_over_layers(self):
        network = keras.Sequential(
            [
                keras.Input((4, 4, 2)),
                layers.Conv2D(3, 2),
                layers.Conv2DTranspose(5, 2),
                layers.Flatten(),
                layers.Dense(6),
                BatchNormalization(),
            ]
        )
        training_steps.set_weights(network, 0)
        first, second, third = (
            np.array(layer.kernel)
            for layer in network.layers
            if hasattr(layer, "kernel")
        )
        expected = 0.0
        for matrix in (
            first.reshape(-1, 3),
            second.transpose(0, 1, 3, 2).reshape(-1, 5),
            third,
        ):
            products = matrix.T @ matrix
            expected += np.square(products - np.diag(np.diag(products))).sum()
        batch = batch_of(ops.zeros((3, 4)))
        (term,) = Orthogonality(0.5).terms(network, None, batch).values()
        np.testing.assert_allclose(term, [0.5 * expected] * 3, rtol=1e-5)

    def test_right_angles_cost_nothing(self):
        network = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
        network.layers[0].kernel.assign(np.eye(4, 3) * [1.0, 5.0, 0.1])
        (term,) = (
            Orthogonality().terms(network, None, batch_of(ops.zeros((2, 4))))
        ).values()
        assert not np.array(term).any()

    def test_tables_of_labels_are_left_out(self):
        found = {}
        for conditioning in ("projection", "contrast"):
            network = sngan.Discriminator(
                (8, 8, 1), width=4, classes=3, conditioning=conditioning
            )
            tables = [w for w in network.weights if w.shape[0] == 3]
            assert any(w.name == "kernel" for w in tables)
            found[conditioning] = len(list(matrices(network)))
        plain = len(list(matrices(sngan.Discriminator((8, 8, 1), width=4))))
        # Embeddings of samples have filters.
        assert found == {"projection": plain, "contrast": plain + 1}

    def test_of_both_players(self):
        gan = kerasgan.GANModel(*training_steps.packed_networks(1))
        gan.compile(
            regularizers=[
                Orthogonality(player="generator"),
                Orthogonality(player="discriminator"),
            ]
        )
        logs = training_steps.fit(gan, np.zeros((8, 3), "float32"), 8).history
        for player in ("generator", "discriminator"):
            assert logs[f"{player}_orthogonality"][0] > 0

    @pytest.mark.parametrize("player", ["generator", "discriminator"])
    def test_moves_its_player(self, player):
        found = []
        for weight in (0.0, 1.0):
            gan = kerasgan.GANModel(*training_steps.conv_networks())
            gan.compile(
                regularizers=[Orthogonality(weight, player=player)],
                run_eagerly=True,
            )
            training_steps.fit(gan, training_steps.images(8), 8)
            found.append(training_steps.weights_of(gan))
        moved = {
            key.split("/")[0]
            for key in found[0]
            if not np.array_equal(found[0][key], found[1][key])
        }
        assert player in moved
        # One step: the discriminator's comes first, and changes both.
        assert ("discriminator" in moved) == (player == "discriminator")


def _generated(latents):
    return ops.tanh(latents[:, :3] * latents[:, 1:])


def _judged(samples):
    return ops.sum(samples, axis=1, keepdims=True) ** 2 + samples


@pytest.mark.slow
def test_all_in_one_training(tmp_path):
    """Beside each other, with an augmenter; saved, loaded, and going on."""
    gan = kerasgan.GANModel(*training_steps.conv_networks())
    gan.compile(
        regularizers=[
            LeCam(decay=0.5),
            Consistency(1.0, 1.0),
        ],
        augmenter=DiffAugment("color"),
    )
    data = training_steps.images(16)
    logs = training_steps.fit(gan, data, 8).history
    for name in (
        "discriminator_lecam",
        "discriminator_consistency",
    ):
        assert logs[name][0] > 0
    gan.save(tmp_path / "gan.keras")
    loaded = kerasgan.load(tmp_path / "gan.keras")
    for name, variable in gan._kept.items():
        assert float(variable.value) == float(loaded._kept[name].value) != 0
    for model in (gan, loaded):
        training_steps.fit(model, data, 8)
    difference = training_steps.largest_difference(
        training_steps.weights_of(gan), training_steps.weights_of(loaded)
    )
    assert difference < 1e-6
