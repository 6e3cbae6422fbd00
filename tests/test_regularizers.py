"""Penalties and limits: official numbers, closed forms, finite differences."""

import dataclasses
import json
import pathlib

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import gradients, schedules
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.models import dcgan
from kerasgan.regularizers import (
    DRAGAN,
    R1,
    R2,
    Consistency,
    GradientPenalty,
    LatentConsistency,
    LatentDiversity,
    LeCam,
    Orthogonality,
    PathLength,
    WeightClipping,
    penalties,
)
from kerasgan.training.adversarial_model import Batch

PENALTIES = {
    "gradient_penalty": GradientPenalty(3.0),
    "gradient_penalty_one_sided": GradientPenalty(3.0, one_sided=True),
    "gradient_penalty_zero": GradientPenalty(3.0, target=0.0),
    "dragan": DRAGAN(3.0),
    "r1": R1(3.0),
    "r1_difference": R1(3.0, finite_difference=0.01),
    "r2": R2(3.0),
    "r2_difference": R2(3.0, finite_difference=0.01),
}
CASES = {
    **PENALTIES,
    "weight_clipping": WeightClipping(0.5),
    "path_length": PathLength(shrink=3),  # More: test_path_length.py.
    # More: test_logit_regularizers.py.
    "consistency": Consistency(weight=2.0, fake_weight=1.0),
    "lecam": LeCam(weight=0.5, decay=0.9),
    "latent_consistency": LatentConsistency(weight=2.0, deviation=0.1),
    "latent_diversity": LatentDiversity(weight=2.0, deviation=0.1),
    "orthogonality": Orthogonality(weight=1e-3, player="discriminator"),
}
every_penalty = pytest.mark.parametrize(
    "penalty", PENALTIES.values(), ids=PENALTIES
)

# Row of the file -> our penalty, and the factor between them.
GOLDEN = {
    "wgan_gp": (GradientPenalty(), 1.0),
    "wgan_lp": (GradientPenalty(one_sided=True), 1.0),
    "zero_gp": (GradientPenalty(target=0.0), 1.0),
    "dragan": (DRAGAN(), 1.0),
    "r1_half": (R1(), 1.0),
    "r1": (R1(), 2.0),
    "r2": (R2(), 2.0),
    "approx_r1": (R1(finite_difference=0.01), 2.0),
}
# The largest gradient of a batch instead of their mean.
NOT_OURS = {"max_gp"}


@pytest.fixture(scope="module")
def golden():
    path = pathlib.Path(__file__).parent / "golden" / "losses_penalties.npz"
    with np.load(path) as arrays:
        return dict(arrays)


def _batch(real, fake=None, step=0, images_seen=0):
    real = ops.convert_to_tensor(real, "float32")
    fake = real if fake is None else ops.convert_to_tensor(fake, "float32")
    return Batch(
        numbers=ops.arange(len(real), dtype="int32"),
        images_seen=ops.convert_to_tensor(images_seen, "int32"),
        step=ops.convert_to_tensor(step, "int32"),
        seed=0,
        training=True,
        real=real,
        fake=fake,
    )


def _samples(count=6, size=4):
    rng = np.random.default_rng(0)
    return _batch(*rng.normal(size=(2, count, size)))


def _critic(sizes, weights=None):
    """A small network of tanh layers."""
    size, *hidden = sizes
    critic = keras.Sequential(
        [
            keras.Input((size,)),
            *(layers.Dense(n, activation="tanh") for n in hidden),
            layers.Dense(1),
        ]
    )
    rng = np.random.default_rng(1)
    if weights is None:
        weights = [rng.normal(size=w.shape) for w in critic.weights]
    critic.set_weights(weights)
    return critic


def _mean_and_gradients(penalty, network, batch, function=None, scale=1.0):
    """The mean penalty, and its gradients by weight, and what it writes."""

    def objective():
        (term,) = penalty.terms(network, function or network, batch).values()
        return ops.mean(term), term

    (mean, term), slopes, writes = gradients.of_variables(
        objective,
        network.trainable_variables,
        state=network.variables,
        scale=scale,
    )
    assert term.shape == (len(batch.real),)
    assert keras.backend.standardize_dtype(term.dtype) == "float32"
    slopes = [ops.convert_to_numpy(slope) for slope in slopes]
    return float(mean), slopes, writes


def _at_weight_one(penalty):
    return dataclasses.replace(penalty, weight=1.0)


class TestGolden:
    @pytest.fixture
    def given_draws(self, golden, monkeypatch):
        """The file's draws, in place of ours."""
        uniform = {
            "gradient_penalty/share": golden["input/alpha"],
            "dragan/share": golden["input/dragan_alpha"].reshape(8, 1),
            "dragan/noise": golden["input/dragan_u"].reshape(8, 6),
        }
        normal = {"r1/noise": golden["input/fd_noise"].reshape(8, 6)}

        def given(draws):
            def draw(numbers, shape, *, seed, purpose):
                assert draws[purpose].shape == (len(numbers), *shape)
                return ops.convert_to_tensor(draws[purpose])

            return draw

        monkeypatch.setattr(penalties.random, "uniform", given(uniform))
        monkeypatch.setattr(penalties.random, "normal", given(normal))

    @pytest.mark.parametrize("row", GOLDEN)
    def test_value_and_parameter_gradients(self, golden, given_draws, row):
        penalty, factor = GOLDEN[row]
        names = [
            f"fc.{i}.{kind}" for i in range(3) for kind in ("weight", "bias")
        ]
        critic = _critic(
            (6, 8, 5), [golden[f"param/C/{name}"].T for name in names]
        )
        batch = _batch(
            *(golden[f"input/{x}"].reshape(8, 6) for x in ("real", "fake"))
        )
        np.testing.assert_allclose(
            critic(batch.real)[:, 0], golden["output64/logits_real"], rtol=1e-5
        )
        mean, slopes, _ = _mean_and_gradients(
            _at_weight_one(penalty), critic, batch
        )
        tolerance = 1e-4 if row == "approx_r1" else 2e-5
        np.testing.assert_allclose(
            factor * mean, golden[f"output64/{row}"], rtol=tolerance / 2
        )
        for name, slope in zip(names, slopes, strict=True):
            # The last bias moves every logit alike: it has no gradient.
            key = f"grad64/{row}/C/{name}"
            if name == "fc.2.bias":
                assert key not in golden
                np.testing.assert_allclose(slope, 0.0, atol=1e-5)
                continue
            expected = golden[key].T
            error = np.max(np.abs(factor * slope - expected))
            assert error <= tolerance * np.max(np.abs(expected)), name

    def test_no_row_is_left_out(self, golden):
        rows = json.loads(str(golden["config"]))["rows"]
        assert set(rows) == set(GOLDEN) | NOT_OURS


class TestClosedForms:
    """A linear discriminator, whose gradient is its weights everywhere."""

    @pytest.fixture
    def linear(self):
        network = keras.Sequential([keras.Input((2, 3)), layers.Flatten()])
        network.add(layers.Dense(1))
        weights = np.array([[1.0], [-2.0], [0.5], [3.0], [0.0], [-1.0]])
        network.set_weights([weights, np.array([7.0])])
        return network, weights

    @pytest.fixture
    def batch(self):
        rng = np.random.default_rng(3)
        return _batch(*rng.normal(size=(2, 5, 2, 3)))

    @pytest.mark.parametrize("gamma", [0.0, 0.3, 10.0])
    @pytest.mark.parametrize("kind", [R1, R2])
    def test_r1_is_half_gamma_times_squared_weights(
        self, linear, batch, kind, gamma
    ):
        network, weights = linear
        mean, slopes, _ = _mean_and_gradients(kind(gamma), network, batch)
        expected = gamma / 2.0 * np.sum(weights**2)
        np.testing.assert_allclose(mean, expected, rtol=1e-6)
        np.testing.assert_allclose(slopes[0], gamma * weights, atol=1e-5)

    def test_r1_by_difference_is_the_same_on_average(self, linear):
        network, weights = linear
        batch = _batch(np.random.default_rng(4).normal(size=(4000, 2, 3)))
        penalty = R1(2.0, finite_difference=0.1)
        mean, *_ = _mean_and_gradients(penalty, network, batch)
        np.testing.assert_allclose(mean, np.sum(weights**2), rtol=0.06)

    @pytest.mark.parametrize("target", [0.0, 0.7, 1.0, 9.0])
    def test_gradient_penalty_measures_the_length(self, linear, batch, target):
        network, weights = linear
        length = np.sqrt(np.sum(weights**2))
        penalty = GradientPenalty(10.0, target=target)
        mean, slopes, _ = _mean_and_gradients(penalty, network, batch)
        np.testing.assert_allclose(mean, 10 * (length - target) ** 2, 1e-5)
        np.testing.assert_allclose(
            slopes[0], 20 * (length - target) * weights / length, rtol=1e-5
        )
        one_sided = GradientPenalty(10.0, target=target, one_sided=True)
        mean, *_ = _mean_and_gradients(one_sided, network, batch)
        expected = 10 * max(0, length - target) ** 2
        np.testing.assert_allclose(mean, expected, 1e-5, atol=1e-6)

    def test_gradient_penalty_looks_between_real_and_fake(self):
        # A unit slope, but a steep wall around 0: real and fake lie beyond.
        def wall(x):
            return x[:, 0] + 100.0 * ops.tanh(10.0 * x[:, 0])

        real, fake = np.full((64, 1), 4.0), np.full((64, 1), -4.0)
        values = GradientPenalty()(wall, _batch(real, fake))
        values = ops.convert_to_numpy(values)
        assert np.sum(values > 1) > 2 and np.sum(values < 1e-3) > 32

    def test_dragan_stays_within_its_spread(self):
        seen = []

        def spy(x):
            seen.append(ops.convert_to_numpy(x))
            return ops.sum(x, axis=1)

        if keras.backend.backend() == "jax":
            pytest.skip("traced values tell nothing")
        batch = _samples(200, 3)
        DRAGAN(spread=2.0)(spy, batch)
        real = ops.convert_to_numpy(batch.real)
        moved = (seen[0] - real) / (2.0 * np.std(real, ddof=1))
        assert np.all(moved >= 0) and np.max(moved) < 1
        # A product of two uniform numbers, the first one of each example.
        np.testing.assert_allclose(np.mean(moved), 0.25, atol=0.03)
        shares = np.max(moved, axis=1)
        assert np.std(shares) > 0.1


class TestFiniteDifferences:
    @every_penalty
    def test_parameter_gradient(self, penalty):
        """Along a random direction, in float32."""
        network, batch = _critic((4, 6)), _samples()
        _, slopes, _ = _mean_and_gradients(penalty, network, batch)
        start = network.get_weights()
        rng = np.random.default_rng(5)
        ways = [rng.normal(size=w.shape) for w in start]
        step = 1e-2

        def value(distance):
            network.set_weights(
                [w + distance * way for w, way in zip(start, ways, strict=True)]
            )
            return _mean_and_gradients(penalty, network, batch)[0]

        measured = (
            8 * (value(step) - value(-step))
            - value(2 * step)
            + value(-2 * step)
        ) / (12 * step)
        ours = sum(np.sum(s * way) for s, way in zip(slopes, ways, strict=True))
        np.testing.assert_allclose(ours, measured, rtol=5e-3)

    @pytest.mark.parametrize(
        "penalty", [R1(2.0), GradientPenalty(2.0)], ids=["r1", "wgan_gp"]
    )
    def test_through_our_batch_norm(self, penalty):
        network = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(6),
                BatchNormalization(),
                layers.Activation("tanh"),
                layers.Dense(1),
            ]
        )
        rng = np.random.default_rng(6)
        for weight in network.trainable_weights:
            weight.assign(1.0 + 0.5 * rng.normal(size=weight.shape))
        batch = _samples()

        def function(x):
            return network(x, training=True)

        _, slopes, _ = _mean_and_gradients(penalty, network, batch, function)
        kernel = network.trainable_weights[0]
        start = ops.convert_to_numpy(kernel)
        way = rng.normal(size=start.shape)

        def value(distance):
            kernel.assign(start + distance * way)
            return _mean_and_gradients(penalty, network, batch, function)[0]

        step = 1e-2
        measured = (
            8 * (value(step) - value(-step))
            - value(2 * step)
            + value(-2 * step)
        ) / (12 * step)
        ours = np.sum(slopes[0] * way)
        np.testing.assert_allclose(ours, measured, rtol=5e-3)


class TestWeightsAndIntervals:
    @every_penalty
    def test_a_cycle_of_lazy_steps_sums_to_the_same(self, penalty):
        network, samples = _critic((4, 6)), _samples()
        always, slopes, _ = _mean_and_gradients(penalty, network, samples)
        lazy = dataclasses.replace(penalty, every=4)
        values, totals = [], [np.zeros_like(slope) for slope in slopes]
        for step in range(4):
            batch = samples.replace(step=ops.convert_to_tensor(step, "int32"))
            value, parts, _ = _mean_and_gradients(lazy, network, batch)
            values.append(value)
            totals = [a + b for a, b in zip(totals, parts, strict=True)]
        assert values[0] > 0 and values[1:] == [0.0, 0.0, 0.0]
        np.testing.assert_allclose(sum(values), 4 * always, rtol=1e-4)
        for total, slope in zip(totals, slopes, strict=True):
            # Differences over 0.01 lose three digits, by how they are compiled.
            exact = getattr(penalty, "finite_difference", None) is None
            largest = np.max(np.abs(slope))
            np.testing.assert_allclose(
                total, 4 * slope, atol=(1e-5 if exact else 1e-3) * largest
            )

    @every_penalty
    def test_weight_scales_value_and_gradient(self, penalty):
        network, batch = _critic((4, 6)), _samples()
        once, slopes, _ = _mean_and_gradients(penalty, network, batch)
        double = dataclasses.replace(penalty, weight=2.0 * penalty.weight)
        twice, doubled, _ = _mean_and_gradients(double, network, batch)
        np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)
        np.testing.assert_allclose(doubled[0], 2 * slopes[0], rtol=1e-5)

    @pytest.mark.parametrize("every", [1, 2])
    def test_scheduled_weight(self, every):
        network, samples = _critic((4, 6)), _samples()
        one, *_ = _mean_and_gradients(R1(1.0, every), network, samples)
        rising = R1(schedules.Linear(0.0, 10.0, 100), every)
        for seen, weight in ((0, 0.0), (50, 5.0), (400, 10.0)):
            batch = samples.replace(
                images_seen=ops.convert_to_tensor(seen, "int32")
            )
            value, *_ = _mean_and_gradients(rising, network, batch)
            np.testing.assert_allclose(value, weight * one, rtol=1e-6)

    @every_penalty
    def test_does_not_depend_on_the_other_examples(self, penalty):
        if isinstance(penalty, DRAGAN):
            pytest.skip("its spread is the batch's")
        network, batch = _critic((4, 6)), _samples()
        alone = batch.replace(
            **{
                name: getattr(batch, name)[2:3]
                for name in ("numbers", "real", "fake")
            }
        )
        (whole,) = penalty.terms(network, network, batch).values()
        (single,) = penalty.terms(network, network, alone).values()
        np.testing.assert_allclose(whole[2:3], single, rtol=1e-4)


class TestNumerics:
    @every_penalty
    def test_flat_discriminator_is_finite(self, penalty):
        network = _critic((4, 6))
        network.set_weights([0.0 * w for w in network.get_weights()])
        value, slopes, _ = _mean_and_gradients(penalty, network, _samples())
        expected = 0.0
        if isinstance(penalty, (GradientPenalty, DRAGAN)):
            lack = 0.0 if getattr(penalty, "one_sided", 0) else penalty.target
            expected = penalty.weight * lack**2
        np.testing.assert_allclose(value, expected, atol=1e-6)
        assert all(np.all(np.isfinite(slope)) for slope in slopes)

    @every_penalty
    def test_any_rank_of_samples(self, penalty):
        rng = np.random.default_rng(8)
        for shape in ((3,), (4, 5), (4, 5, 2), (2, 4, 5, 2)):
            batch = _batch(*rng.normal(size=(2, 3, *shape)))
            axes = tuple(range(1, len(shape) + 1))
            values = penalty(lambda x, axes=axes: ops.sum(x * x, axes), batch)
            assert values.shape == (3,)
            assert np.all(np.isfinite(values))

    @every_penalty
    def test_patch_logits(self, penalty):
        def patches(x):
            return ops.stack([x, 2.0 * x], axis=1)

        assert penalty(patches, _samples()).shape == (6,)

    @every_penalty
    @pytest.mark.parametrize("every", [1, 2])
    @pytest.mark.parametrize("batch_norm", [False, True])
    def test_leaves_statistics_alone(self, penalty, every, batch_norm):
        norms = [BatchNormalization()] if batch_norm else []
        network = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(5),
                *norms,
                layers.Dropout(0.5),
                layers.Dense(1),
            ]
        )
        before = [ops.convert_to_numpy(v) for v in network.variables]
        penalty = dataclasses.replace(penalty, every=every)

        def function(x):
            return network(x, training=True)

        *_, writes = _mean_and_gradients(penalty, network, _samples(), function)
        assert writes == []
        penalty.terms(network, function, _samples())  # Outside of any scope.
        for old, variable in zip(before, network.variables, strict=True):
            np.testing.assert_array_equal(old, ops.convert_to_numpy(variable))

    def test_writes_are_seen_without_the_scope(self):
        # What the test above would find if penalties let their writes out.
        network = keras.Sequential([keras.Input((4,)), BatchNormalization()])
        *_, writes = gradients.of_variables(
            lambda: (ops.sum(network(ops.ones((2, 4)), training=True)), None),
            network.trainable_variables,
            state=network.variables,
        )
        assert len(writes) == 2


class TestWeightClipping:
    def _limited(self, clipping, **batch):
        kernel = keras.Variable([-2.0, -0.1, 0.0, 0.3, 5.0])
        bias = keras.Variable([[9.0]])
        pairs = clipping.limits(
            [kernel, bias], _batch(np.ones((2, 1)), **batch)
        )
        assert [variable for variable, _ in pairs] == [kernel, bias]
        return [ops.convert_to_numpy(value) for _, value in pairs]

    def test_limits(self):
        kernel, bias = self._limited(WeightClipping(0.25))
        np.testing.assert_allclose(kernel, [-0.25, -0.1, 0.0, 0.25, 0.25])
        np.testing.assert_allclose(bias, [[0.25]])

    def test_only_where_due(self):
        clipping = WeightClipping(0.25, every=2)
        kernel, _ = self._limited(clipping, step=1)
        np.testing.assert_allclose(kernel, [-2.0, -0.1, 0.0, 0.3, 5.0])
        kernel, _ = self._limited(clipping, step=2)
        assert np.max(np.abs(kernel)) <= 0.25

    def test_scheduled(self):
        clipping = WeightClipping(schedules.Linear(1.0, 0.0, 100))
        kernel, _ = self._limited(clipping, images_seen=50)
        np.testing.assert_allclose(kernel, [-0.5, -0.1, 0.0, 0.3, 0.5])

    def test_is_no_term_of_a_loss(self):
        assert WeightClipping().terms(None, None, _samples()) == {}
        for penalty in PENALTIES.values():
            assert penalty.limits([], _samples()) == []


class TestArguments:
    @pytest.mark.parametrize(
        "regularizer, name",
        [
            (GradientPenalty(), "gradient_penalty"),
            (DRAGAN(), "dragan"),
            (R1(), "r1"),
            (R2(), "r2"),
            (WeightClipping(), "weight_clipping"),
        ],
    )
    def test_names(self, regularizer, name):
        assert regularizer.name == name
        if name != "weight_clipping":
            terms = regularizer.terms(_critic((4,)), _critic((4,)), _samples())
            assert list(terms) == [name]

    @pytest.mark.parametrize("every", [0, -1, 2.0, None])
    def test_every_must_be_a_positive_integer(self, every):
        with pytest.raises(
            ValueError, match="`every` must be.*Received: every="
        ):
            R1(1.0, every=every)

    def test_weight_must_not_be_negative(self):
        with pytest.raises(ValueError, match="`weight` must not.*weight=-1"):
            GradientPenalty(-1.0)

    @pytest.mark.parametrize("weight", [0.5, schedules.Cosine(1.0, 0.0, 1000)])
    @pytest.mark.parametrize("case", CASES)
    def test_serialization_keeps_every_argument(self, case, weight):
        every = 1 if case == "lecam" else 3  # Which is never lazy.
        regularizer = dataclasses.replace(
            CASES[case], weight=weight, every=every
        )
        config = keras.saving.serialize_keras_object(regularizer)
        config = json.loads(json.dumps(config))
        assert keras.saving.deserialize_keras_object(config) == regularizer


@pytest.fixture(scope="module")
def discriminators():
    """Of one set of weights, by precision."""
    keras.utils.set_random_seed(0)
    networks = {}
    for policy in ("float32", "mixed_bfloat16", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        networks[policy] = dcgan.Discriminator((32, 32, 3), width=16)
        keras.config.set_dtype_policy("float32")
        networks[policy].set_weights(networks["float32"].get_weights())
    return networks


class TestMixedPrecision:
    """What a penalty is and asks for, in half the digits."""

    @pytest.mark.parametrize("penalty", [R1(), GradientPenalty(), DRAGAN()])
    # 2**10 is what recipes take: without it, float16 is off by more.
    @pytest.mark.parametrize(
        "precision, scale", [("bfloat16", 1.0), ("float16", 2.0**10)]
    )
    def test_penalties_are_near_those_of_float32(
        self, discriminators, penalty, precision, scale
    ):
        rng = np.random.default_rng(0)
        batch = _batch(*rng.uniform(-1, 1, size=(2, 4, 32, 32, 3)))
        found = []
        for policy, by in (("float32", 1.0), (f"mixed_{precision}", scale)):
            mean, slopes, _ = _mean_and_gradients(
                penalty, discriminators[policy], batch, scale=by
            )
            slopes = np.concatenate([slope.ravel() for slope in slopes])
            found.append((mean, slopes))
        (exact, exact_slopes), (mean, slopes) = found
        assert mean != exact
        assert mean == pytest.approx(exact, rel=1e-2)
        error = np.linalg.norm(slopes - exact_slopes)
        assert 0 < error < 0.06 * np.linalg.norm(exact_slopes)

    def test_finite_differences_are_refused(self, discriminators):
        penalty = R1(finite_difference=0.01)
        network = discriminators["mixed_float16"]
        with pytest.raises(ValueError, match="None in mixed precision"):
            penalty.terms(network, network, _batch(np.zeros((2, 32, 32, 3))))
