"""The one training step: the same on every backend, and after every resume."""

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
from kerasgan import losses, schedules
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.regularizers import R1, WeightClipping
from kerasgan.training import dropout

# Weights move by 1e-2 in these steps; float32 holds 6e-8 of them.
TOLERANCE = 1e-6

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="of TensorFlow alone"
)


# Vectors, where images would only cost time.


def _generator(size=3, latent_size=4, dropout=0.0):
    return keras.Sequential(
        [
            keras.Input((latent_size,)),
            layers.Dense(8, activation="tanh"),
            layers.Dropout(dropout),
            layers.Dense(size),
        ]
    )


def _discriminator(size=3, dropout=0.0):
    return keras.Sequential(
        [
            keras.Input((size,)),
            layers.Dense(8, activation="tanh"),
            layers.Dropout(dropout),
            layers.Dense(1),
        ]
    )


def _gan(dropout=0.0, **arguments):
    gan = kerasgan.GANModel(
        _generator(dropout=dropout), _discriminator(dropout=dropout)
    )
    set_weights(gan.generator, 0)
    set_weights(gan.discriminator, 1)
    # A fresh pair of networks, so the average starts where they do.
    gan.averaged_generator.set_weights(gan.generator.get_weights())
    gan.compile(**{"run_eagerly": True, **arguments})
    return gan


def _sgd(rate):
    return keras.optimizers.SGD(rate)


def _vectors(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 3)).astype("float32")


def _moved(before, after, network):
    """How far each of a network's weights went, the largest of each."""
    return [
        float(np.max(np.abs(after[key] - before[key])))
        for key in before
        if key.startswith(f"{network}/")
    ]


def _spy_on_batches(gan):
    """A list to which each update adds (player, its batch), run eagerly."""
    batches = []
    sample_batch = gan.sample_batch

    def spy(data, player, batch):
        batch = sample_batch(data, player, batch)
        batches.append((player.name, batch))
        return batch

    gan.sample_batch = spy
    return batches


class TestResume:
    @pytest.mark.parametrize("dropout", [0.0, 0.5])
    def test_loaded_model_goes_on_identically(self, tmp_path, dropout):
        data = _vectors(40)
        arguments = {
            "regularizers": [R1(1.0, every=2)],
            "generator_learning_rate": schedules.Linear(1e-2, 1e-3, 40),
            "generator_beta_2": schedules.Cosine(0.5, 0.9, 40),
            "ema_half_life_images": 20,
        }
        whole = _gan(dropout, **arguments)
        fit(whole, data, 8)
        first = _gan(dropout, **arguments)
        fit(first, data[:16], 8)
        first.save(tmp_path / "gan.keras")
        rest = kerasgan.load(tmp_path / "gan.keras")
        assert int(ops.convert_to_numpy(rest.images_seen)) == 16
        fit(rest, data[16:], 8)
        assert largest_difference(weights_of(rest), weights_of(whole)) == 0
        # Were the moments lost, the difference would be of a step's size.
        assert largest_difference(weights_of(first), weights_of(whole)) > 1e-4

    def test_dropout_differs_between_steps(self):
        gan = _gan(
            dropout=0.5,
            generator_optimizer=_sgd(0.0),
            discriminator_optimizer=_sgd(0.0),
        )
        batch = _vectors(8)
        logs = [
            gan.train_on_batch(batch, return_dict=True)["discriminator_loss"]
            for _ in range(2)
        ]
        # Weights are fixed, but the latents are others too: see the next.
        assert logs[0] != logs[1]

    def test_dropout_draws_follow_from_images_seen(self):
        slopes = []
        for _ in range(2):
            gan = _gan(dropout=0.5, seed=3)
            keras.utils.set_random_seed(len(slopes))
            fit(gan, _vectors(16), 8)
            slopes.append(weights_of(gan))
        assert largest_difference(*slopes) == 0

    def test_backup_and_restore_keeps_both_optimizers(self, tmp_path):
        data = _vectors(24)
        whole = _gan()
        fit(whole, data, 8, epochs=3)

        class Interrupt(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 2:
                    raise KeyboardInterrupt

        def backup():
            return keras.callbacks.BackupAndRestore(tmp_path / "backup")

        broken = _gan()
        with pytest.raises(KeyboardInterrupt):
            fit(broken, data, 8, epochs=3, callbacks=[backup(), Interrupt()])
        resumed = _gan()
        fit(resumed, data, 8, epochs=3, callbacks=[backup()])
        assert int(ops.convert_to_numpy(resumed.images_seen)) == 72
        assert largest_difference(weights_of(resumed), weights_of(whole)) == 0
        for ours, theirs in zip(
            resumed.optimizer.variables, whole.optimizer.variables, strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)

    def test_uncompiled_model_can_be_saved(self, tmp_path):
        gan = kerasgan.GANModel(_generator(), _discriminator())
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        np.testing.assert_array_equal(loaded.generate(3), gan.generate(3))


class TestBatches:
    @pytest.mark.parametrize(
        "count, batch_size, steps",
        [
            pytest.param(21, 8, 1, id="partial_last_batch"),
            pytest.param(3, 1, 1, id="batch_of_one"),
            pytest.param(5, 8, 1, id="data_smaller_than_a_batch"),
            pytest.param(8, 4, 6, id="more_updates_than_rows"),
            pytest.param(11, 4, 3, id="partial_batch_of_updates"),
        ],
    )
    @pytest.mark.parametrize("run_eagerly", [True, False])
    def test_any_size_trains(self, count, batch_size, steps, run_eagerly):
        gan = _gan(discriminator_steps=steps, run_eagerly=run_eagerly)
        before = weights_of(gan)
        fit(gan, _vectors(count), batch_size)
        after = weights_of(gan)
        assert after["images_seen"] == count
        for network in ("generator", "discriminator", "average"):
            assert min(_moved(before, after, network)) > 0
        assert all(np.all(np.isfinite(value)) for value in after.values())

    @on_tensorflow
    def test_updates_share_the_batch_by_stride(self):
        gan = _gan(discriminator_steps=2)
        batches = _spy_on_batches(gan)
        data = np.arange(12, dtype="float32")[:, None] * np.ones((1, 3), "f")
        fit(gan, data, 6)
        first, second = [0, 2, 4], [1, 3, 5]
        expected = [
            ("discriminator", first),
            ("discriminator", second),
            ("generator", first),
        ]
        expected += [(name, [n + 6 for n in rows]) for name, rows in expected]
        found = [(name, batch.numbers.numpy()) for name, batch in batches]
        assert [(name, list(rows)) for name, rows in found] == expected
        for (_, batch), (_, rows) in zip(batches, expected, strict=True):
            np.testing.assert_array_equal(batch.real[:, 0], rows)

    def test_dataset_with_labels_and_dictionary_are_the_same(self):
        labels = np.arange(16) % 3
        results = []
        for data in (
            {"x": _vectors(16), "y": labels},
            {"x": {"image": _vectors(16), "label": labels}},
            {"x": {"image": _vectors(16), "label": labels[:, None]}},
        ):
            gan = _conditional_gan()
            gan.fit(**data, batch_size=8, shuffle=False, verbose=0)
            results.append(weights_of(gan))
        assert largest_difference(results[0], results[1]) == 0
        assert largest_difference(results[0], results[2]) == 0


class TestParts:
    @on_tensorflow
    def test_share_an_update_by_stride_and_draw_for_themselves(self):
        gan = _gan(discriminator_steps=2, gradient_accumulation_steps=2)
        batches = _spy_on_batches(gan)
        fit(gan, np.arange(8, dtype="float32")[:, None] * np.ones(3, "f"), 8)
        rows = [[0, 4], [2, 6], [1, 5], [3, 7], [0, 4], [2, 6]]
        names = ["discriminator"] * 4 + ["generator"] * 2
        assert [name for name, _ in batches] == names
        for expected, (_, batch) in zip(rows, batches, strict=True):
            assert batch.numbers.numpy().tolist() == expected
            assert batch.real[:, 0].numpy().tolist() == expected
        with_dropout = _gan(dropout=0.5)
        states = {
            (name, tuple(np.array(value)))
            for name, batch in batches
            for _, value in dropout.states(
                with_dropout.settings.players, batch, name
            )
        }
        # Two layers that draw, each anew in every part.
        assert len(states) == 2 * len(batches)

    def test_statistics_are_those_of_the_whole_batch(self):
        moving_means = []
        for parts in (1, 4):
            gan = kerasgan.GANModel(*conv_networks(batch_norm=True))
            gan.compile(_sgd(0.0), _sgd(0.0), gradient_accumulation_steps=parts)
            fit(gan, images(32), 16)
            (norm,) = (
                layer
                for layer in gan.generator.layers
                if isinstance(layer, BatchNormalization)
            )
            moving_means.append(np.array(norm.moving_mean))
        assert np.max(np.abs(moving_means[0])) > 1e-2
        np.testing.assert_allclose(*moving_means, atol=1e-6)

    @pytest.mark.parametrize("packing, count", [(1, 6), (2, 12)])
    def test_have_to_divide_the_batch(self, packing, count):
        gan = kerasgan.GANModel(*packed_networks(packing), packing=packing)
        gan.compile(
            run_eagerly=True,
            discriminator_steps=2,
            gradient_accumulation_steps=2,
        )
        multiple = 4 * packing
        with pytest.raises(ValueError, match=f"multiple of {multiple}"):
            fit(gan, _vectors(count), count)
        fit(gan, _vectors(2 * multiple), multiple)
        assert int(ops.convert_to_numpy(gan.images_seen)) == 2 * multiple


class TestUpdates:
    @pytest.mark.parametrize("still", ["generator", "discriminator"])
    def test_each_player_moves_its_own_networks(self, still):
        moving = {"generator", "discriminator"} - {still}
        gan = _gan(
            **{
                f"{still}_optimizer": _sgd(0.0),
                f"{moving.pop()}_optimizer": _sgd(0.1),
            }
        )
        before = weights_of(gan)
        fit(gan, _vectors(16), 8)
        after = weights_of(gan)
        assert max(_moved(before, after, still)) == 0
        others = {"generator", "discriminator"} - {still}
        assert min(_moved(before, after, others.pop())) > 1e-4

    @on_tensorflow
    def test_is_gradient_descent_on_the_loss(self):
        """A step of SGD by hand, on a linear GAN of one number."""
        generator = keras.Sequential(
            [keras.Input((1,)), layers.Dense(1, use_bias=False)]
        )
        discriminator = keras.Sequential(
            [keras.Input((1,)), layers.Dense(1, use_bias=False)]
        )
        gan = kerasgan.GANModel(generator, discriminator)
        generator.set_weights([np.array([[2.0]])])
        discriminator.set_weights([np.array([[3.0]])])
        gan.compile(_sgd(0.1), _sgd(0.1), loss="wasserstein", run_eagerly=True)
        batches = _spy_on_batches(gan)
        fit(gan, np.array([[1.0], [5.0]], "float32"), 2)
        of_discriminator, of_generator = (
            np.mean(batch.latents) for _, batch in batches
        )
        # d/dw [w a z - w x] = 2 z - x, on average; then d/da [-w a z] = -w z.
        w = 3.0 - 0.1 * (2.0 * of_discriminator - 3.0)
        a = 2.0 + 0.1 * w * of_generator
        np.testing.assert_allclose(discriminator.get_weights()[0], w, rtol=1e-6)
        np.testing.assert_allclose(generator.get_weights()[0], a, rtol=1e-6)

    @pytest.mark.parametrize("run_eagerly", [False, True])
    def test_beta_2_may_follow_a_schedule(self, run_eagerly):
        def gan(**arguments):
            adam = keras.optimizers.Adam(0.1, beta_1=0.5, beta_2=0.5)
            return _gan(
                discriminator_optimizer=adam,
                generator_optimizer=_sgd(0.0),
                **arguments,
            )

        rate = schedules.Linear(0.5, 0.9, over_images=8)
        scheduled = gan(discriminator_beta_2=rate, run_eagerly=run_eagerly)
        fit(scheduled, _vectors(16), 8)
        expected = gan(run_eagerly=True)
        fit(expected, _vectors(16)[:8], 8)
        start = weights_of(expected)
        expected.settings.players[0].optimizer.beta_2 = 0.9
        fit(expected, _vectors(16)[8:], 8)
        found, wanted = weights_of(scheduled), weights_of(expected)
        assert largest_difference(found, wanted) < 1e-6
        assert largest_difference(wanted, start) > 1e-2
        # Saved is the optimizer's own number.
        optimizer = scheduled.settings.players[0].optimizer
        assert optimizer.get_config()["beta_2"] == 0.5

    def test_beta_2_of_an_optimizer_without_one_is_refused(self):
        with pytest.raises(ValueError, match="`generator_beta_2` must not"):
            _gan(generator_optimizer=_sgd(0.1), generator_beta_2=0.9)

    def test_learning_rate_schedule_is_absolute_and_in_images(self):
        rate = schedules.Linear(0.0, 0.4, over_images=32)
        gan = _gan(
            discriminator_optimizer=_sgd(123.0),
            generator_optimizer=_sgd(0.0),
            discriminator_learning_rate=rate,
        )
        start = weights_of(gan)
        fit(gan, _vectors(8), 8)
        # The rate at no images seen is zero, whatever the optimizer's own was.
        assert max(_moved(start, weights_of(gan), "discriminator")) == 0
        fit(gan, _vectors(8, seed=1), 8)
        optimizer = gan.settings.players[0].optimizer
        np.testing.assert_allclose(optimizer.learning_rate, 0.1, rtol=1e-6)

        fixed = _gan(
            discriminator_optimizer=_sgd(0.1), generator_optimizer=_sgd(0.0)
        )
        fixed.images_seen.assign(8)
        fit(fixed, _vectors(8, seed=1), 8)
        difference = largest_difference(weights_of(gan), weights_of(fixed))
        assert difference < TOLERANCE

    @pytest.mark.parametrize(
        "regularizers", [[], [R1(1.0)]], ids=["one_term", "two_terms"]
    )
    def test_term_weights_scale_their_terms(self, regularizers):
        def step(weight):
            gan = _gan(
                discriminator_optimizer=_sgd(0.1),
                generator_optimizer=_sgd(0.0),
                regularizers=regularizers,
                term_weights={
                    "discriminator_adversarial": weight,
                    **({"discriminator_r1": 0.0} if regularizers else {}),
                },
            )
            before = weights_of(gan)
            fit(gan, _vectors(8), 8)
            after = weights_of(gan)
            return after["discriminator/0"] - before["discriminator/0"]

        np.testing.assert_allclose(step(2.0), 2.0 * step(1.0), atol=1e-7)

    def test_term_weight_zero_is_logged_only(self):
        gan = _gan(term_weights={"discriminator_r1": 0.0}, regularizers=[R1()])
        without = _gan()
        logs = fit(gan, _vectors(16), 8).history
        fit(without, _vectors(16), 8)
        assert logs["discriminator_r1"][0] > 0
        assert largest_difference(weights_of(gan), weights_of(without)) == 0

    def test_loss_is_the_weighted_sum_of_its_terms(self):
        gan = _gan(
            term_weights={"discriminator_r1": 3.0},
            regularizers=[R1(0.5)],
        )
        logs = fit(gan, _vectors(8), 8).history
        total = (
            logs["discriminator_adversarial"][0]
            + 3.0 * logs["discriminator_r1"][0]
        )
        np.testing.assert_allclose(logs["discriminator_loss"][0], total, 1e-5)

    def test_weight_clipping_holds_after_every_update(self):
        gan = _gan(
            loss="wasserstein",
            regularizers=[WeightClipping(0.02)],
            discriminator_steps=2,
        )
        fit(gan, _vectors(16), 8)
        weights = gan.discriminator.get_weights()
        assert max(np.max(np.abs(weight)) for weight in weights) <= 0.02
        generator = gan.generator.get_weights()
        assert max(np.max(np.abs(weight)) for weight in generator) > 0.02

    def test_a_lazy_penalty_is_due_every_so_many_steps(self):
        gan = _gan(regularizers=[R1(1.0, every=3)], discriminator_steps=2)
        penalties = [
            gan.train_on_batch(_vectors(8), return_dict=True)[
                "discriminator_r1"
            ]
            for _ in range(6)
        ]
        due = [float(penalty) > 0 for penalty in penalties]
        assert due == [True, False, False, True, False, False]

    @pytest.mark.parametrize("name", sorted(losses.LOSSES))
    def test_every_loss_stays_finite(self, name):
        gan = _gan(loss=name, regularizers=[R1(1.0, every=2)])
        history = fit(gan, _vectors(40), 8).history
        assert all(np.all(np.isfinite(value)) for value in history.values())
        for weight in weights_of(gan).values():
            assert np.all(np.isfinite(weight))

    def test_batch_norm_statistics_move(self):
        generator = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(8, use_bias=False),
                BatchNormalization(),
                layers.Dense(3),
            ]
        )
        gan = kerasgan.GANModel(generator, _discriminator())
        gan.compile(
            _sgd(0.0), _sgd(0.0), run_eagerly=True, ema_half_life_images=1000
        )
        fit(gan, _vectors(64), 8)
        mean, variance = generator.layers[1].weights[2:]
        assert np.max(np.abs(mean)) > 1e-3
        assert np.max(np.abs(np.array(variance) - 1.0)) > 1e-3
        # Buffers are copied, not averaged.
        ours = gan.averaged_generator.layers[1].weights[2:]
        np.testing.assert_array_equal(ours[0], mean)
        np.testing.assert_array_equal(ours[1], variance)

    def test_evaluate_changes_nothing_and_logs_the_same_names(self):
        gan = _gan(regularizers=[R1()])
        before = weights_of(gan)
        logs = gan.evaluate(
            _vectors(16), batch_size=8, verbose=0, return_dict=True
        )
        assert largest_difference(before, weights_of(gan)) == 0
        assert {
            "discriminator_loss",
            "discriminator_real_logits",
            "discriminator_fake_logits",
            "generator_loss",
        } <= set(logs)
        # Penalties belong to training.
        assert "discriminator_r1" not in logs

    def test_mixed_bfloat16_step_is_finite(self):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            networks = _generator(), _discriminator()
        finally:
            keras.config.set_dtype_policy("float32")
        gan = kerasgan.GANModel(*networks)
        gan.compile(run_eagerly=True, regularizers=[R1(1.0)])
        before = weights_of(gan)
        history = fit(gan, _vectors(16), 8).history
        after = weights_of(gan)
        assert all(np.all(np.isfinite(value)) for value in history.values())
        for network in ("generator", "discriminator", "average"):
            assert min(_moved(before, after, network)) > 0


# Networks as users write them.


@keras.saving.register_keras_serializable(package="tests.training_step")
class SubclassedGenerator(keras.Model):
    def __init__(self, width=8, outputs=3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.outputs_of_last = outputs
        self.hidden = layers.Dense(width, activation="tanh")
        self.to_vector = layers.Dense(outputs)

    def call(self, latents):
        return self.to_vector(self.hidden(latents))

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "outputs": self.outputs_of_last,
        }


@keras.saving.register_keras_serializable(package="tests.training_step")
class SubclassedDiscriminator(SubclassedGenerator):
    def __init__(self, width=8, outputs=1, **kwargs):
        super().__init__(width, outputs, **kwargs)


class NoConfigGenerator(keras.Model):
    def __init__(self, width):
        super().__init__()
        self.hidden = layers.Dense(width)
        self.to_vector = layers.Dense(3)

    def call(self, latents):
        return self.to_vector(self.hidden(latents))


def _functional_networks():
    latents = keras.Input((4,))
    samples = layers.Dense(3)(layers.Dense(8, activation="tanh")(latents))
    inputs = keras.Input((3,))
    logits = layers.Dense(1)(layers.Dense(8, activation="tanh")(inputs))
    return keras.Model(latents, samples), keras.Model(inputs, logits)


def _conditional_networks(label_size=None):
    """Two inputs each; labels of `label_size` numbers, or class indices."""

    def label_input():
        if label_size is None:
            labels = keras.Input((), dtype="int32")
            return labels, layers.Embedding(3, 2)(labels)
        labels = keras.Input((label_size,))
        return labels, layers.Dense(2)(labels)

    def network(size, outputs):
        inputs = keras.Input((size,))
        labels, encoded = label_input()
        x = layers.Concatenate()([inputs, encoded])
        x = layers.Dense(8, activation="tanh")(x)
        return keras.Model([inputs, labels], layers.Dense(outputs)(x))

    return network(4, 3), network(3, 1)


def _conditional_gan(label_size=None, classes=3, **arguments):
    networks = _conditional_networks(label_size)
    for seed, network in enumerate(networks):
        set_weights(network, seed)
    gan = kerasgan.GANModel(*networks, classes=classes)
    gan.compile(**{"run_eagerly": True, **arguments})
    return gan


class TestNetworks:
    @pytest.mark.parametrize(
        "networks, latent_size",
        [
            pytest.param(
                lambda: (_generator(), _discriminator()), None, id="sequential"
            ),
            pytest.param(_functional_networks, None, id="functional"),
            pytest.param(
                lambda: (SubclassedGenerator(), SubclassedDiscriminator()),
                4,
                id="subclassed",
            ),
        ],
    )
    def test_trains_saves_and_loads(self, tmp_path, networks, latent_size):
        gan = kerasgan.GANModel(*networks(), latent_size=latent_size)
        gan.compile(run_eagerly=True)
        before = weights_of(gan)
        fit(gan, _vectors(16), 8)
        for network in ("generator", "discriminator", "average"):
            assert min(_moved(before, weights_of(gan), network)) > 0
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        np.testing.assert_array_equal(loaded.generate(5), gan.generate(5))
        fit(loaded, _vectors(8, 1), 8)
        fit(gan, _vectors(8, 1), 8)
        assert largest_difference(weights_of(loaded), weights_of(gan)) == 0

    @pytest.mark.parametrize("kind", ["integers", "floats"])
    def test_conditional_trains_and_follows_its_labels(self, kind):
        gan = _conditional_gan(None if kind == "integers" else 3)
        labels = np.arange(16) % 3
        if kind == "floats":
            labels = np.eye(3, dtype="float32")[labels]
        before = weights_of(gan)
        gan.fit(
            {"image": _vectors(16), "label": labels}, batch_size=8, verbose=0
        )
        for network in ("generator", "discriminator", "average"):
            assert min(_moved(before, weights_of(gan), network)) > 0
        latents = gan.latents(3)
        first, second = (
            gan.decode(latents, np.repeat(labels[i : i + 1], 3, axis=0))
            for i in (0, 1)
        )
        assert np.max(np.abs(first - second)) > 1e-3

    def test_auxiliary_classifier_learns_both_terms(self):
        class Classifier(keras.Model):
            def __init__(self):
                super().__init__()
                self.hidden = layers.Dense(8, activation="tanh")
                self.to_logits = layers.Dense(1)
                self.to_classes = layers.Dense(3)

            def call(self, inputs):
                return self.heads(inputs)["logits"]

            def heads(self, inputs, training=False):
                x = self.hidden(inputs[0])
                return {
                    "logits": self.to_logits(x),
                    "classes": self.to_classes(x),
                    "features": [x],
                }

        generator, _ = _conditional_networks()
        discriminator = Classifier()
        gan = kerasgan.GANModel(generator, discriminator, classes=3)
        # `heads` alone runs in training, so `call` has built all but this.
        gan.compile(
            run_eagerly=True, term_weights={"generator_feature_matching": 1.0}
        )
        history = fit(
            gan, {"image": _vectors(16), "label": np.arange(16) % 3}, 8
        ).history
        for name in (
            "discriminator_classification",
            "discriminator_fake_classification",
            "generator_classification",
            "generator_feature_matching",
        ):
            assert history[name][0] > 0


class TestGenerate:
    def test_depends_on_the_seed_alone(self):
        gan = _gan()
        np.testing.assert_array_equal(gan.generate(6), gan.generate(6))
        other = gan.generate(6, seed=1)
        assert np.min(np.max(np.abs(other - gan.generate(6)), axis=1)) > 1e-3

    def test_first_of_many_are_the_first_of_few(self):
        gan = _gan()
        few, many = gan.generate(5), gan.generate(64)
        assert few.shape == (5, 3) and few.dtype == np.float32
        np.testing.assert_allclose(many[:5], few, atol=1e-6)

    @pytest.mark.parametrize("batch_size", [1, 7, 64])
    def test_batch_size_does_not_matter(self, batch_size):
        gan = _gan()
        np.testing.assert_allclose(
            gan.generate(20, batch_size=batch_size),
            gan.generate(20),
            atol=1e-6,
        )

    def test_uses_the_averaged_generator(self):
        gan = _gan()
        latents = gan.latents(4)
        gan.averaged_generator.set_weights(
            [2.0 * weight for weight in gan.generator.get_weights()]
        )
        np.testing.assert_allclose(
            gan.generate(4), gan.averaged_generator(latents), atol=1e-6
        )
        assert np.max(np.abs(gan.generate(4) - gan.generator(latents))) > 1e-2

    def test_uses_weights_as_they_are_now(self):
        gan = _gan()
        before = gan.generate(4)
        gan.averaged_generator.set_weights(
            [2.0 * weight for weight in gan.generator.get_weights()]
        )
        after = gan.generate(4)
        assert np.max(np.abs(after - before)) > 1e-2
        np.testing.assert_allclose(
            after, gan.averaged_generator(gan.latents(4)), atol=1e-6
        )

    def test_is_traced_once_whatever_remains(self, monkeypatch):
        gan = _gan()
        network = gan.averaged_generator
        rows, call = [], network.call

        def counted(latents, **arguments):
            rows.append(latents.shape[0])
            return call(latents, **arguments)

        monkeypatch.setattr(network, "call", counted)
        samples = gan.generate(100, batch_size=64)
        assert rows == [50]
        np.testing.assert_allclose(
            samples[98:], network(gan.latents(100)[98:]), atol=1e-6
        )
        assert np.all(np.isfinite(gan.generate(101, batch_size=50)))
        assert gan.generate(0).shape == (0, 3)
        if keras.backend.backend() == "tensorflow":
            for count in (1, 5, 7, 200):  # A second trace is of any number.
                gan.generate(count)
            assert len(rows) <= 3 and rows[-1] is None

    def test_latents_are_standard_normal_or_uniform(self):
        latents = _gan().latents(2000)
        assert latents.shape == (2000, 4)
        assert abs(latents.mean()) < 0.05 and abs(latents.std() - 1) < 0.05
        gan = kerasgan.GANModel(
            _generator(), _discriminator(), latent_distribution="uniform"
        )
        latents = gan.latents(2000)
        assert -1 <= latents.min() < -0.99 and 0.99 < latents.max() < 1
        assert abs(latents.mean()) < 0.05

    def test_labels_as_scalar_array_and_none(self):
        gan = _conditional_gan()
        one = gan.generate(6, labels=2)
        same = gan.generate(6, labels=np.full(6, 2))
        np.testing.assert_array_equal(one, same)
        assert np.max(np.abs(one - gan.generate(6, labels=1))) > 1e-3
        drawn = gan.generate(6)
        by_class = np.stack([gan.generate(6, labels=c) for c in range(3)])
        matches = np.max(np.abs(by_class - drawn), axis=-1) < 1e-6
        assert matches.any(axis=0).all()  # Each sample is of some class.
        labels = matches[:, :].argmax(axis=0)
        assert len(set(labels.tolist())) > 1
        np.testing.assert_allclose(gan.generate(3), drawn[:3], atol=1e-6)

    def test_unconditional_generator_beside_a_classifying_discriminator(self):
        # Semi-supervised: only the discriminator knows of classes.
        _, discriminator = _conditional_networks()
        gan = kerasgan.GANModel(_generator(), discriminator, classes=3)
        assert gan.generate(4).shape == (4, 3)

    def test_wrong_labels_are_errors(self):
        with pytest.raises(ValueError, match="one for all samples"):
            _conditional_gan().generate(6, labels=np.zeros(4, "int32"))
        with pytest.raises(ValueError, match="must be None"):
            _gan().generate(6, labels=1)
        with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
            _gan().generate(6, batch_size=0)
        with pytest.raises(ValueError, match="`labels` must be given"):
            gan = _conditional_gan()
            gan.decode(gan.latents(2))


class TestErrors:
    def test_eight_bit_data(self):
        with pytest.raises(ValueError, match="127.5"):
            fit(_gan(), np.zeros((8, 3), "uint8"), 8)

    def test_wrong_shape(self):
        with pytest.raises(ValueError, match=r"\(3,\).*Received: \(2,\)"):
            fit(_gan(), np.zeros((8, 2), "float32"), 8)

    def test_missing_labels(self):
        with pytest.raises(ValueError, match="must hold labels"):
            fit(_conditional_gan(), _vectors(8), 8)

    def test_generator_without_config(self):
        with pytest.raises(ValueError, match="get_config.*NoConfigGenerator"):
            kerasgan.GANModel(
                NoConfigGenerator(8), _discriminator(), latent_size=4
            )

    def test_unknown_latent_size(self):
        with pytest.raises(ValueError, match="`latent_size` must be given"):
            kerasgan.GANModel(SubclassedGenerator(), _discriminator())

    def test_one_optimizer_for_two(self):
        optimizer = keras.optimizers.Adam()
        with pytest.raises(ValueError, match="optimizer of its own"):
            _gan(
                generator_optimizer=optimizer,
                discriminator_optimizer=optimizer,
            )

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"loss": "hing"}, "Did you mean 'hinge'"),
            (
                {"generator_optimiser": "adam"},
                "Did you mean 'generator_optimizer'",
            ),
            (
                {"term_weights": {"generator_adversrial": 2.0}},
                "Did you mean 'generator_adversarial'",
            ),
            (
                # What is minimised is no term of itself.
                {"term_weights": {"generator_loss": 2.0}},
                "must be one of",
            ),
            ({"regularizers": ["r1"]}, "objects from"),
            ({"regularizers": [R1(), R1(2.0)]}, "must differ in kind"),
            ({"discriminator_steps": 0}, "positive number of updates"),
            ({"gradient_accumulation_steps": 0}, "positive number of parts"),
            ({"loss_scale": 0.0}, "`loss_scale` must be positive"),
        ],
    )
    def test_compile_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            _gan(**arguments)

    def test_unknown_latent_distribution(self):
        with pytest.raises(ValueError, match="Did you mean 'normal'"):
            kerasgan.GANModel(
                _generator(), _discriminator(), latent_distribution="norml"
            )

    def test_load_of_another_file(self, tmp_path):
        path = tmp_path / "notes.keras"
        path.write_text("not an archive")
        with pytest.raises(ValueError, match="saved by"):
            kerasgan.load(path)
