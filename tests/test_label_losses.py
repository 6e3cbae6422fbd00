"""Label losses: against NumPy, by what they must do, and in training."""

import json

import keras
import numpy as np
import pytest
import training_steps
from keras import ops
from PIL import Image
from training_steps import fit, weights_of

import kerasgan
from kerasgan import callbacks, gradients, label_losses, recipes
from kerasgan.label_losses import Classification, MultiHinge

CASES = training_steps.label_losses_by_case()
every_loss = pytest.mark.parametrize("loss", CASES.values(), ids=CASES)
LABELS = np.array([0, 1, 1, 0, 2, 0])


def _heads(seed=0, count=6, **widths):
    rng = np.random.default_rng(seed)
    widths = {"logits": 1, **widths}
    return {
        name: rng.normal(size=(count, n)).astype("float32")
        for name, n in widths.items()
    }


def _log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def _entropy(logits, labels):
    return -_log_softmax(logits)[np.arange(len(labels)), labels]


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class TestFormulas:
    """Each against its paper's equation, written out with loops."""

    def _check(self, loss, player, heads, expected, labels=LABELS):
        if player == "generator":
            heads = {"fake": heads["fake"]}
        terms = getattr(loss, player)(
            labels=ops.convert_to_tensor(labels), **heads
        )
        assert terms.keys() == expected.keys()
        for name, values in expected.items():
            assert terms[name].shape == (6,)
            np.testing.assert_allclose(terms[name], values, rtol=2e-5)

    def test_twin(self):
        heads = {
            kind: _heads(seed, classes=3, twin_classes=3)
            for seed, kind in enumerate(("real", "fake"))
        }
        fake = heads["fake"]
        of_classes = _entropy(fake["classes"], LABELS)
        of_twins = _entropy(fake["twin_classes"], LABELS)
        loss = label_losses.TwinClassification()
        expected = {
            "classification": _entropy(heads["real"]["classes"], LABELS),
            "fake_classification": of_classes,
            "twin_classification": of_twins,
        }
        self._check(loss, "discriminator", heads, expected)
        expected = {
            "classification": of_classes,
            "twin_classification": -of_twins,
        }
        self._check(loss, "generator", heads, expected)

    def test_discriminative(self):
        heads = {
            kind: _heads(seed, real_and_fake_classes=6)
            for seed, kind in enumerate(("real", "fake"))
        }
        real, fake = (
            heads[kind]["real_and_fake_classes"] for kind in ("real", "fake")
        )
        loss = label_losses.DiscriminativeClassification()
        expected = {
            "classification": _entropy(real, LABELS),
            "fake_classification": _entropy(fake, LABELS + 3),
        }
        self._check(loss, "discriminator", heads, expected)
        difference = _entropy(fake, LABELS) - _entropy(fake, LABELS + 3)
        self._check(loss, "generator", heads, {"classification": difference})

    def test_multi_hinge(self):
        heads = {
            kind: _heads(seed, classes=3)
            for seed, kind in enumerate(("real", "fake"))
        }

        def hinge(heads, labels):
            scores = np.hstack([heads["classes"], -heads["logits"]])
            values = []
            for row, label in zip(scores, labels, strict=True):
                others = np.delete(row, label)
                values.append(max(0.0, 1.0 - row[label] + others.max()))
            return np.array(values)

        generated = np.full(6, 3)
        expected = hinge(heads["real"], LABELS) + hinge(
            heads["fake"], generated
        )
        loss = MultiHinge()
        self._check(loss, "discriminator", heads, {"multi_hinge": expected})
        expected = hinge(heads["fake"], LABELS)
        self._check(loss, "generator", heads, {"multi_hinge": expected})

    @pytest.mark.parametrize("player", ["discriminator", "generator"])
    def test_conditional_contrast(self, player):
        heads = {
            kind: _heads(seed, embeddings=5, proxies=5)
            for seed, kind in enumerate(("real", "fake"))
        }
        of = heads["real" if player == "discriminator" else "fake"]
        f, v, t = _unit(of["embeddings"]), _unit(of["proxies"]), 0.7
        values = []
        for i in range(6):
            proxy = np.exp(f[i] @ v[i] / t)
            others = {j: np.exp(f[i] @ f[j] / t) for j in range(6) if j != i}
            friends = [x for j, x in others.items() if LABELS[j] == LABELS[i]]
            values.append(
                -np.log((proxy + sum(friends)) / (proxy + sum(others.values())))
            )
        loss = label_losses.ConditionalContrast(temperature=t)
        self._check(loss, player, heads, {"contrast": values})

    @pytest.mark.parametrize("player", ["discriminator", "generator"])
    def test_data_to_data(self, player):
        heads = {
            kind: _heads(seed, embeddings=5, proxies=5)
            for seed, kind in enumerate(("real", "fake"))
        }
        of = heads["real" if player == "discriminator" else "fake"]
        f, v, t = _unit(of["embeddings"]), _unit(of["proxies"]), 0.3
        values = []
        for i in range(6):
            lack = np.exp(min(0.0, f[i] @ v[i] - 0.6) / t)
            near = [
                np.exp(max(0.0, f[i] @ f[j] - 0.1) / t)
                for j in range(6)
                if LABELS[j] != LABELS[i]
            ]
            values.append(-np.log(lack / (lack + sum(near))))
        loss = label_losses.DataToDataCrossEntropy(
            t, positive_margin=0.6, negative_margin=0.1
        )
        self._check(loss, player, heads, {"contrast": values})

    def test_regression(self):
        heads = {
            kind: _heads(seed, classes=2)
            for seed, kind in enumerate(("real", "fake"))
        }
        labels = np.random.default_rng(5).normal(size=(6, 2)).astype("float32")
        for player, kind in (("discriminator", "real"), ("generator", "fake")):
            error = np.square(heads[kind]["classes"] - labels).mean(axis=1)
            self._check(
                label_losses.Regression(),
                player,
                heads,
                {"regression": error},
                labels,
            )


class TestContrasts:
    @pytest.mark.parametrize(
        "loss",
        [
            label_losses.ConditionalContrast(0.2),
            label_losses.DataToDataCrossEntropy(),
        ],
    )
    def test_descent_draws_classes_together(self, loss):
        """By slopes alone: samples go nearer to their own proxy."""
        rng = np.random.default_rng(0)
        heads = {"embeddings": rng.normal(size=(6, 4)).astype("float32")}
        proxies = np.eye(4, dtype="float32")[LABELS]

        def total(x):
            heads = {"embeddings": x, "proxies": proxies}
            terms = loss.generator(fake=heads, labels=ops.array(LABELS))
            return ops.sum(terms["contrast"])

        x = ops.convert_to_tensor(heads["embeddings"])
        for _ in range(100):
            x = x - 0.5 * gradients.of_inputs(total, x)
        before, after = (
            (_unit(points) * (2.0 * proxies - 1.0)).sum(axis=1).mean()
            for points in (heads["embeddings"], np.array(x))
        )
        assert after > before + 0.3

    def test_easy_samples_have_no_slope(self):
        """Beyond both margins D2D-CE is at rest; 2C is not."""
        classes = np.eye(4, dtype="float32")[LABELS]

        def slope(loss):
            def total(x):
                heads = {"embeddings": x, "proxies": classes}
                terms = loss.generator(fake=heads, labels=ops.array(LABELS))
                return ops.sum(terms["contrast"])

            # Its length would have no slope in any case.
            x = ops.convert_to_tensor(classes + 1e-4)
            return np.abs(gradients.of_inputs(total, x)).max()

        assert slope(label_losses.DataToDataCrossEntropy()) == 0.0
        assert slope(label_losses.ConditionalContrast()) > 1e-6


class TestErrors:
    @every_loss
    def test_missing_heads_are_named(self, loss):
        heads = _heads()
        arguments = {"real": heads, "fake": heads, "labels": ops.array(LABELS)}
        if isinstance(loss, Classification):
            assert loss.discriminator(**arguments) == {}
            return
        if isinstance(loss, label_losses.Regression):
            arguments["labels"] = ops.ones((6, 2))
        with pytest.raises(ValueError, match="`label_loss` must find"):
            loss.discriminator(**arguments)

    @pytest.mark.parametrize(
        "name",
        [
            "discriminative_classification",
            "multi_hinge",
            "conditional_contrast",
            "data_to_data",
        ],
    )
    def test_floats_are_no_classes(self, name):
        heads = _heads(
            classes=4, real_and_fake_classes=4, embeddings=3, proxies=3
        )
        with pytest.raises(ValueError, match="integers"):
            label_losses.get(name).generator(
                fake=heads, labels=ops.ones((6, 4))
            )

    def test_integers_are_no_numbers_to_regress(self):
        with pytest.raises(ValueError, match="must be floats"):
            label_losses.Regression().generator(
                fake=_heads(classes=4), labels=ops.array(LABELS)
            )

    @pytest.mark.parametrize(
        "label_loss, conditioning, head",
        [
            ("classification", "contrast", "embeddings"),
            ("classification", "twin_classification", "twin_classes"),
            ("multi_hinge", "discriminative_classification", "real_and_fake"),
            ("data_to_data", "classification", "classes"),
        ],
    )
    def test_heads_that_nobody_reads(self, label_loss, conditioning, head):
        networks = training_steps.labelled_networks(
            classes=3, conditioning=conditioning
        )
        gan = kerasgan.GANModel(*networks)
        with pytest.raises(ValueError, match=f"must read all.*'{head}"):
            gan.compile(label_loss=label_loss)

    def test_codes_want_a_model_that_reads_them(self):
        networks = training_steps.labelled_networks(codes=5)
        gan = kerasgan.GANModel(*networks, latent_size=7)
        with pytest.raises(ValueError, match="the head 'codes'"):
            gan.compile()

    def test_signs_mean_nothing_to_a_multi_hinge(self):
        networks = training_steps.labelled_networks(classes=3)
        with pytest.raises(ValueError, match="must have a `probability`"):
            kerasgan.GANModel(*networks).compile(
                label_loss="multi_hinge", augmenter="apa"
            )

    def test_temperatures_are_positive(self):
        with pytest.raises(ValueError, match="`temperature` must be positive"):
            label_losses.ConditionalContrast(0.0)

    def test_unknown_name(self):
        with pytest.raises(ValueError, match="Did you mean 'multi_hinge'"):
            label_losses.get("multihinge")

    @every_loss
    def test_serialization_keeps_every_argument(self, loss):
        config = keras.saving.serialize_keras_object(loss)
        json.dumps(config)
        assert keras.saving.deserialize_keras_object(config) == loss


QUICK = ("data_to_data",)
CONDITIONINGS = {
    "classification": "classification",
    "twin_classification": "twin_classification",
    "discriminative_classification": "discriminative_classification",
    "multi_hinge": "classification",
    "conditional_contrast": "contrast",
    "data_to_data": "contrast",
}


@pytest.mark.parametrize("name", CONDITIONINGS)
def test_trains_every_weight(name):
    """With the heads that it reads; and `compile` is told it again."""
    networks = training_steps.labelled_networks(
        classes=3, conditioning=CONDITIONINGS[name]
    )
    gan = kerasgan.GANModel(*networks)
    gan.compile(label_loss=name, run_eagerly=True)
    samples = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    data = {"image": samples, "label": np.arange(8) % 3}
    before = weights_of(gan)
    logs = fit(gan, data, 8).history
    after = weights_of(gan)
    still = [k for k in before if np.array_equal(before[k], after[k])]
    assert not still
    config = json.loads(json.dumps(gan.get_compile_config()))
    again = kerasgan.GANModel(*networks)
    again.compile_from_config(config)
    assert again.settings.label_loss == CASES[name]
    weights = {k: gan.term_weight(k) for k in logs if "loss" not in k}
    if name == "multi_hinge":  # It has the adversarial loss's place.
        assert weights["discriminator_adversarial"] == 0.0
        assert "discriminator_multi_hinge" not in logs  # It is the loss.
        return
    weighed = {
        player: sum(
            weight * logs[k][0]
            for k, weight in weights.items()
            if k.startswith(player)
        )
        for player in ("discriminator", "generator")
    }
    for player, value in weighed.items():
        np.testing.assert_allclose(logs[f"{player}_loss"][0], value, rtol=1e-5)


class TestFloatLabels:
    """Several classes at once, and conditions that are numbers."""

    def _gan(self, label_loss="classification", examples=None):
        from kerasgan.models import dcgan

        gan = kerasgan.GANModel(
            dcgan.Generator((8, 8, 1), latent_size=4, width=4, classes=2),
            dcgan.Discriminator(
                (8, 8, 1), width=4, classes=2, conditioning="classification"
            ),
            label_examples=examples,
        )
        gan.compile(label_loss=label_loss)
        return gan

    @pytest.mark.parametrize(
        "label_loss",
        [
            pytest.param("classification", marks=pytest.mark.slow),
            "regression",
        ],
    )
    def test_trains_draws_saves_and_loads(self, label_loss, tmp_path):
        rng = np.random.default_rng(0)
        labels = rng.uniform(-1, 1, (16, 2)).astype("float32")
        if label_loss == "classification":
            labels = (labels > 0).astype("float32")
        gan = self._gan(label_loss, examples=labels)
        data = {"image": training_steps.images(16), "label": labels}
        logs = fit(gan, data, 8).history
        assert logs[f"generator_{label_loss}"][0] > 0
        drawn = gan.labels(40)
        assert drawn.dtype == np.float32
        # Each is one of the examples, and they differ.
        found = (drawn[:, None] == labels[None]).all(axis=2)
        assert found.any(axis=1).all() and len(np.unique(drawn, axis=0)) > 2
        one = gan.decode(gan.latents(3), labels[0])
        same = gan.decode(gan.latents(3), np.repeat(labels[:1], 3, axis=0))
        np.testing.assert_array_equal(one, same)
        with pytest.raises(ValueError, match="Labels must be floats"):
            fit(gan, {**data, "label": np.arange(16) % 2}, 8)
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        assert loaded.settings.label_loss == gan.settings.label_loss
        np.testing.assert_array_equal(loaded.labels(40), drawn)
        np.testing.assert_array_equal(loaded.generate(3), gan.generate(3))

    def test_a_grid_has_no_columns_for_them(self, tmp_path):
        labels = np.random.default_rng(0).uniform(size=(5, 2))
        gan = self._gan(examples=labels.astype("float32"))
        real = training_steps.images(4)
        grid = callbacks.SampleGrid(tmp_path, 100, count=4, real=real)
        grid.set_model(gan)
        grid.on_train_begin()
        sizes = {Image.open(x).size for x in tmp_path.iterdir()}
        assert len(sizes) == 1 and len(set(*sizes)) == 1  # Both two by two.

    def test_regression_asks_for_examples(self):
        with pytest.raises(ValueError, match="give the model `label_examples`"):
            self._gan("regression")

    def test_a_single_number_is_no_class(self):
        from kerasgan.training import examples

        column = np.zeros((4, 1), "float32")
        assert examples.unpack((column, column))[1].shape == (4, 1)
        integers = column.astype("int32")
        assert examples.unpack((column, integers))[1].shape == (4,)

    @pytest.mark.parametrize(
        "examples", [np.arange(4), np.zeros((4, 3), "float32")]
    )
    def test_bad_examples(self, examples):
        with pytest.raises(ValueError, match="`label_examples` must"):
            self._gan(examples=examples)


class TestRecipe:
    @pytest.mark.parametrize(
        "name",
        [
            "none",
            *(
                pytest.param(x, marks=[] if x in QUICK else pytest.mark.slow)
                for x in CONDITIONINGS
            ),
        ],
    )
    def test_builds_each(self, name):
        recipe = recipes.get("reacgan").replace(label_loss=name, width=4)
        settings = recipe.build((8, 8, 1), 3).settings
        wanted = "classification" if name == "none" else name
        assert settings.label_loss == CASES[wanted]
        weight = {"data_to_data": 0.5, "conditional_contrast": 1.0}.get(name)
        found = settings.term_weights.get("generator_contrast")
        assert found == weight

    def test_a_weight_that_nothing_reads(self):
        with pytest.raises(ValueError, match="must be None where nothing"):
            recipes.get("reacgan").override(
                {"label_loss": "none", "contrast_weight": "1"}
            )
