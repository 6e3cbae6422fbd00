"""Adversarial losses: against official numbers, and by what they must do."""

import json
import pathlib

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import gradients, losses, schedules
from kerasgan.losses import (
    LOSSES,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    TopK,
    Wasserstein,
)

# Every loss, with the arguments that change its formula.
CASES = {
    "minimax": Minimax(),
    "minimax_smooth": Minimax(real_target=0.9),
    "non_saturating": NonSaturating(),
    "non_saturating_smooth": NonSaturating(real_target=0.9),
    "wasserstein": Wasserstein(),
    "least_squares": LeastSquares(),
    "least_squares_mirrored": LeastSquares(-1.0, 1.0, 0.0),
    "hinge": Hinge(),
    "hinge_margin": Hinge(margin=0.3),
    "relativistic": Relativistic(),
    "relativistic_average": RelativisticAverage(),
    "relativistic_average_least_squares": RelativisticAverage("least_squares"),
    "top_k": TopK("hinge", share=1.0),  # More: `TestTopK`.
}
every_loss = pytest.mark.parametrize("loss", CASES.values(), ids=CASES)
every_player = pytest.mark.parametrize("player", ["discriminator", "generator"])

# Row of the file -> our loss, whose value it is, and their factor.
_RA_LS = RelativisticAverage("least_squares")
GOLDEN = {
    "D_logistic": (NonSaturating(), "discriminator", 1.0),
    "G_nonsaturating": (NonSaturating(), "generator", 1.0),
    "G_minimax_saturating": (Minimax(), "generator", 1.0),
    "D_hinge": (Hinge(), "discriminator", 1.0),
    "G_hinge": (Hinge(), "generator", 1.0),
    "D_wasserstein": (Wasserstein(), "discriminator", 1.0),
    "G_wasserstein": (Wasserstein(), "generator", 1.0),
    "D_ls_half_1_0": (LeastSquares(), "discriminator", 1.0),
    "G_ls_half_1": (LeastSquares(), "generator", 1.0),
    # LeCam's code has no half, and its real data are at -1.
    "D_ls_minus1_plus1": (LeastSquares(1.0, -1.0, 0.0), "discriminator", 2.0),
    "G_ls_0": (LeastSquares(1.0, -1.0, 0.0), "generator", 2.0),
    "D_logistic_mimicry": (Minimax(), "discriminator", 1.0),
    "D_logistic_mimicry_smooth_0.9": (
        NonSaturating(real_target=0.9),
        "discriminator",
        1.0,
    ),
    "D_relativistic_logistic": (Relativistic(), "discriminator", 1.0),
    "G_relativistic_logistic": (Relativistic(), "generator", 1.0),
    "D_ra_logistic": (RelativisticAverage(), "discriminator", 1.0),
    "G_ra_logistic": (RelativisticAverage(), "generator", 1.0),
    "D_ra_ls": (_RA_LS, "discriminator", 1.0),
    "G_ra_ls": (_RA_LS, "generator", 1.0),
}
# Not among our losses: the relativistic average hinge, LeCam (a regularizer:
# test_logit_regularizers.py), and a logarithm with an epsilon inside.
NOT_OURS = {
    "D_rahinge",
    "G_rahinge",
    "D_lecam_reg",
    "G_nonsaturating_mimicry_eps",
}


@pytest.fixture(scope="module")
def golden():
    path = pathlib.Path(__file__).parent / "golden" / "losses_logits.npz"
    with np.load(path) as arrays:
        return dict(arrays)


def _evaluate(loss, player, real, fake):
    """Values [batch], and the gradients of their mean."""
    pair = [ops.convert_to_tensor(x) for x in (real, fake)]

    def function(pair):
        return getattr(loss, player)(real=pair[0], fake=pair[1])

    slopes = gradients.of_inputs(
        lambda pair: ops.mean(function(pair)), tuple(pair)
    )
    values = ops.convert_to_numpy(function(pair))
    return values, *(
        ops.convert_to_numpy(ops.cast(slope, "float32")) for slope in slopes
    )


class TestGolden:
    @pytest.mark.parametrize("row", GOLDEN)
    def test_values_and_gradients(self, golden, row):
        loss, player, factor = GOLDEN[row]
        values, to_real, to_fake = _evaluate(
            loss, player, golden["input/real"], golden["input/fake"]
        )
        output = golden[f"output64/{row}"]
        np.testing.assert_allclose(factor * values.mean(), output, rtol=1e-6)
        for name, slope in (("real", to_real), ("fake", to_fake)):
            expected = golden[f"grad64/{row}/{name}"]
            np.testing.assert_allclose(factor * slope, expected, atol=1e-6)

    def test_each_example_of_r3gan(self, golden):
        for player, name in (
            ("discriminator", "D_adv"),
            ("generator", "G_adv"),
        ):
            values, *_ = _evaluate(
                Relativistic(),
                player,
                golden["input/real"],
                golden["input/fake"],
            )
            expected = golden[f"output/r3gan_trainer/{name}"]
            np.testing.assert_allclose(values, expected, rtol=1e-6)

    def test_no_row_is_left_out(self, golden):
        rows = json.loads(str(golden["config"]))["rows"]
        assert set(rows) == set(GOLDEN) | NOT_OURS


class TestGame:
    @every_loss
    def test_descent_pulls_logits_the_right_way(self, loss):
        # At equal logits: zero, or for least squares between its targets.
        middle = 0.0
        if isinstance(loss, LeastSquares):
            middle = (loss.fake_target + loss.generator_target) / 2.0
        logits = np.full(6, middle, "float32")
        _, to_real, to_fake = _evaluate(loss, "discriminator", logits, logits)
        assert np.all(to_real < 0)  # Descending raises D(x),
        assert np.all(to_fake > 0)  # and lowers D(G(z)).
        _, to_real, to_fake = _evaluate(loss, "generator", logits, logits)
        assert np.all(to_fake < 0)
        if loss.compares_with_real:
            assert np.all(to_real > 0)
        else:
            assert np.all(to_real == 0)

    @pytest.mark.parametrize(
        "loss", [Relativistic(), RelativisticAverage(), _RA_LS]
    )
    def test_relativistic_players_are_each_other_swapped(self, loss):
        rng = np.random.default_rng(0)
        real, fake = rng.normal(size=(2, 7)).astype("float32")
        np.testing.assert_array_equal(
            loss.discriminator(real=real, fake=fake),
            loss.generator(real=fake, fake=real),
        )

    @every_loss
    def test_reads_real_logits_only_if_it_says_so(self, loss):
        fake = ops.ones(3)
        if loss.compares_with_real:
            with pytest.raises((TypeError, ValueError)):
                loss.generator(real=None, fake=fake)
        else:
            assert loss.generator(real=None, fake=fake).shape == (3,)

    def test_saturates_or_not(self):
        losing = np.full(4, -8.0, "float32")
        slopes = {
            name: _evaluate(losses.get(name), "generator", losing, losing)[2]
            for name in ("minimax", "non_saturating")
        }
        assert np.all(np.abs(slopes["minimax"]) < 1e-3 / 4)
        assert np.all(np.abs(slopes["non_saturating"]) > 0.99 / 4)

    def test_smoothing_moves_the_optimum_to_its_probability(self):
        best = np.full(3, np.log(0.9 / 0.1), "float32")
        for loss in (Minimax(0.9), NonSaturating(0.9)):
            _, to_real, _ = _evaluate(loss, "discriminator", best, best)
            np.testing.assert_allclose(to_real, 0.0, atol=1e-6)

    def test_hinge_rests_beyond_its_margin(self):
        loss = Hinge(margin=2.0)
        values, to_real, to_fake = _evaluate(
            loss,
            "discriminator",
            np.array([2.1, 1.9], "float32"),
            np.array([-2.1, -1.9], "float32"),
        )
        np.testing.assert_allclose(values, [0.0, 0.2], atol=1e-6)
        np.testing.assert_array_equal(to_real, [0.0, -0.5])
        np.testing.assert_array_equal(to_fake, [0.0, 0.5])


class TestTopK:
    def test_the_best_have_all_the_slope(self):
        fake = np.array([0.3, -2.0, 1.5, 0.3, -0.1], "float32")
        real = -fake
        values, _, slopes = _evaluate(
            TopK("hinge", 0.5), "generator", real, fake
        )
        # Two of five, each for two and a half; of equals, the first.
        chosen = np.array([1, 0, 1, 0, 0])
        np.testing.assert_allclose(values, -2.5 * chosen * fake, rtol=1e-6)
        np.testing.assert_allclose(slopes, -chosen / 2, rtol=1e-6)
        assert np.mean(values) == pytest.approx(-(1.5 + 0.3) / 2)
        expected = Hinge().discriminator(real=real, fake=fake)
        found = TopK("hinge", 0.5).discriminator(real=real, fake=fake)
        np.testing.assert_array_equal(found, expected)

    def test_at_least_one(self):
        fake = np.array([[0.5], [1.5]], "float32")
        values = TopK("wasserstein", 0.1).generator(real=None, fake=fake)
        np.testing.assert_allclose(values, [0.0, -3.0])

    def test_the_share_falls(self):
        loss = TopK("hinge", share=schedules.Linear(1.0, 0.5, over_images=100))
        fake = np.arange(4, dtype="float32")
        for seen, count in ((0, 4), (50, 3), (100, 2), (1000, 2)):
            now = loss.at(ops.convert_to_tensor(seen))
            values = np.array(now.generator(real=None, fake=fake + 1.0))
            assert (values != 0).sum() == count

    def test_it_is_as_its_loss(self):
        assert TopK("relativistic_average").synchronized
        assert TopK("relativistic").compares_with_real
        assert not TopK("wasserstein").splits_at_zero
        assert TopK().splits_at_zero

    @pytest.mark.parametrize("share", [0.0, 1.5])
    def test_bad_share(self, share):
        with pytest.raises(ValueError, match="`share` must be in"):
            TopK(share=share)


class TestOneNumberPerExample:
    @every_loss
    @every_player
    def test_patches_are_averaged(self, loss, player):
        rng = np.random.default_rng(1)
        real, fake = rng.normal(size=(2, 4, 3, 5, 1)).astype("float32")
        values, *_ = _evaluate(loss, player, real, fake)
        places = [
            _evaluate(loss, player, real[:, i, j, 0], fake[:, i, j, 0])[0]
            for i in range(3)
            for j in range(5)
        ]
        assert values.shape == (4,) and values.dtype == np.float32
        np.testing.assert_allclose(values, np.mean(places, axis=0), rtol=2e-6)

    @every_loss
    @every_player
    def test_examples_are_independent(self, loss, player):
        if isinstance(loss, RelativisticAverage):
            pytest.skip("its means run over the batch")
        rng = np.random.default_rng(2)
        real, fake = rng.normal(size=(2, 5)).astype("float32")
        whole, *_ = _evaluate(loss, player, real, fake)
        alone, *_ = _evaluate(loss, player, real[2:3], fake[2:3])
        np.testing.assert_allclose(whole[2:3], alone, rtol=1e-6)


class TestNumerics:
    @every_loss
    @every_player
    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_finite_at_extreme_logits(self, loss, player, dtype):
        real = ops.cast([1e4, 1e4, -1e4, -1e4], dtype)
        fake = ops.cast([1e4, -1e4, 1e4, -1e4], dtype)
        values, to_real, to_fake = _evaluate(loss, player, real, fake)
        for array in (values, to_real, to_fake):
            assert np.all(np.isfinite(array))
        assert values.dtype == np.float32

    @every_loss
    @every_player
    def test_low_precision_logits_are_computed_in_float32(self, loss, player):
        # 8 bits of bfloat16 leave nothing of softplus(8) - 8.
        real = ops.cast([8.0, 2.5, -3.0, 0.25], "bfloat16")
        fake = ops.cast([-8.0, 2.25, 1.5, -0.75], "bfloat16")
        values, *_ = _evaluate(loss, player, real, fake)
        exact, *_ = _evaluate(
            loss, player, ops.cast(real, "float32"), ops.cast(fake, "float32")
        )
        np.testing.assert_allclose(values, exact, rtol=1e-6)


class TestGet:
    @pytest.mark.parametrize("name", LOSSES)
    def test_by_name_and_by_itself(self, name):
        loss = losses.get(name)
        assert type(loss) is LOSSES[name]
        assert losses.get(loss) is loss

    def test_unknown_name_lists_the_nearest_first(self):
        with pytest.raises(ValueError) as error:
            losses.get("wasserstien")
        message = str(error.value)
        assert "Did you mean 'wasserstein'?" in message
        assert "Received: loss='wasserstien'" in message
        assert all(name in message for name in LOSSES)
        assert message.index("wasserstein") < message.index("hinge")

    def test_unknown_kind(self):
        with pytest.raises(ValueError, match="Did you mean 'least_squares'"):
            RelativisticAverage("least_square")

    @every_loss
    @every_player
    def test_arguments_are_keywords(self, loss, player):
        with pytest.raises(TypeError):
            getattr(loss, player)(ops.ones(2), ops.ones(2))

    @every_loss
    def test_serialization_keeps_every_argument(self, loss):
        config = keras.saving.serialize_keras_object(loss)
        json.dumps(config)
        assert keras.saving.deserialize_keras_object(config) == loss


class TestClassification:
    def test_integers_name_one_class(self):
        values = losses.classification(
            labels=np.array([0, 1]),
            logits=np.array([[2.0, 0.0], [0.0, 0.0]], "float32"),
        )
        np.testing.assert_allclose(
            values, [np.log1p(np.exp(-2.0)), np.log(2.0)], rtol=1e-6
        )

    def test_floats_are_probabilities_of_each(self):
        values = losses.classification(
            labels=np.array([[1.0, 0.0], [0.0, 0.25]], "float32"),
            logits=np.array([[2.0, 0.0], [0.0, 3.0]], "float32"),
        )
        log2 = np.log(2.0)
        expected = [
            (np.log1p(np.exp(-2.0)) + log2) / 2.0,
            (log2 + 0.25 * np.log1p(np.exp(-3.0)) + 0.75 * np.log1p(np.exp(3)))
            / 2.0,
        ]
        np.testing.assert_allclose(values, expected, rtol=1e-6)

    def test_bfloat16_logits_give_float32(self):
        values = losses.classification(
            labels=np.array([1]), logits=ops.cast([[9.0, 1.0]], "bfloat16")
        )
        assert keras.backend.standardize_dtype(values.dtype) == "float32"
        np.testing.assert_allclose(values, [8.0 + np.log1p(np.exp(-8.0))], 1e-6)
