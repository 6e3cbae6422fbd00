"""Inception Score against official numbers and what it must be."""

import pathlib

import numpy as np
import pytest
from keras import ops

from kerasgan.metrics.scores import inception_score

GOLDEN = np.load(
    pathlib.Path(__file__).parent / "golden" / "inception_score.npz"
)
# Key -> arguments, and how many rows.
RUNS = {
    "torch_fidelity_splits10_shuffle2020": ({"seed": 2020}, None),
    "torch_fidelity_splits10_noshuffle": ({}, None),
    "torch_fidelity_splits1_noshuffle": ({"splits": 1}, None),
    "torch_fidelity_splits7_shuffle5": ({"splits": 7, "seed": 5}, None),
}


@pytest.mark.parametrize("name", ["c10", "c1008"])
class TestGolden:
    @pytest.mark.parametrize("run", RUNS)
    def test_torch_fidelity(self, name, run):
        arguments, rows = RUNS[run]
        logits = GOLDEN[f"{name}/logits"][:rows]
        value = inception_score(logits=logits, **arguments)
        np.testing.assert_allclose(
            value, GOLDEN[f"{name}/{run}"], rtol=1e-9, atol=1e-14
        )

    def test_nvidia(self, name):
        value = inception_score(logits=GOLDEN[f"{name}/logits"])
        # Theirs takes float32 probabilities.
        np.testing.assert_allclose(
            value, GOLDEN[f"{name}/nvidia_splits10"], rtol=1e-5
        )

    def test_dgm_eval(self, name):
        rows = {"c10": 990, "c1008": 250}[name]
        value = inception_score(
            logits=GOLDEN[f"{name}/logits"][:rows], seed=2020
        )
        np.testing.assert_allclose(
            value, GOLDEN[f"{name}/dgm_eval_splits10_first{rows}"], rtol=1e-9
        )

    def test_float32_tensors(self, name):
        logits = GOLDEN[f"{name}/logits"].astype("float32")
        value = inception_score(logits=ops.convert_to_tensor(logits))
        assert value == inception_score(logits=logits.astype("float64"))


class TestInceptionScore:
    def test_certain_and_even_is_the_number_of_classes(self):
        # Underflowing probabilities, and a marginal that is zero somewhere.
        logits = np.full((20, 7), -2000.0)
        logits[np.arange(20), np.arange(20) % 5] = 2000.0
        value = inception_score(logits=logits, splits=2)
        np.testing.assert_allclose(value, (5.0, 0.0), atol=1e-12)

    def test_one_of_what_is_alike(self):
        logits = np.tile(np.random.default_rng(0).normal(size=6), (30, 1))
        value = inception_score(logits=logits)
        np.testing.assert_allclose(value, (1.0, 0.0), atol=1e-12)

    def test_a_constant_changes_nothing(self):
        logits = np.random.default_rng(0).normal(size=(40, 6))
        value = inception_score(logits=logits + 300.0)
        np.testing.assert_allclose(value, inception_score(logits=logits))

    def test_splits_hold_every_sample(self):
        logits = np.random.default_rng(0).normal(size=(23, 4))
        parts = [logits[:4], logits[4:9], logits[9:13], logits[13:18]]
        parts.append(logits[18:])
        scores = [inception_score(logits=x, splits=1).mean for x in parts]
        value = inception_score(logits=logits, splits=5)
        np.testing.assert_allclose(value, (np.mean(scores), np.std(scores)))

    @pytest.mark.parametrize("splits", [0, 4])
    def test_as_many_splits_as_samples_at_most(self, splits):
        with pytest.raises(ValueError, match=f"splits={splits} of 3 samples"):
            inception_score(logits=np.ones((3, 2)), splits=splits)

    def test_logits_are_a_table(self):
        with pytest.raises(ValueError, match=r"\[n, classes\]"):
            inception_score(logits=np.ones(3))
