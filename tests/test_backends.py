"""The same steps and draws on graphs, eagerly, by XLA, JAX and replicas.

All that needs another process stands here, so that each runs once.
"""

import functools
import pathlib
import re
import signal

import keras
import numpy as np
import pytest
import training_steps
from keras import ops
from training_steps import PARTS, largest_difference, weights_of

from kerasgan import recipes
from kerasgan.runs.train import train

# Weights move by 1e-2 in these steps; float32 holds 6e-8 of them.
TOLERANCE = 1e-6
STEPS = {
    "steps": training_steps.conv_steps,
    "normalized": training_steps.normalized_steps,
    "larger": functools.partial(training_steps.conv_steps, batch_size=16),
    "packed": training_steps.packed_steps,
    "averaging": training_steps.averaging_steps,
    "unrolled": training_steps.unrolled_steps,
    "augmented": training_steps.augmented_steps,
    "coded": training_steps.coded_steps,
    "optimised": training_steps.optimised_steps,
}
EAGER, XLA = {"run_eagerly": True}, {"jit_compile": True}

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="of TensorFlow alone"
)


@pytest.fixture(scope="module")
def reference():
    """Name -> what the steps give in the backend's usual mode, a graph."""
    return {name: steps() for name, steps in STEPS.items()}


def _stored(process, prefix):
    """What another process made, under one of its prefixes."""
    results = training_steps.in_process(process)
    return {
        key.removeprefix(f"{prefix}/"): value
        for key, value in results.items()
        if key.startswith(f"{prefix}/")
    }


class TestModes:
    def test_weights_move(self, reference):
        start, end = weights_of(training_steps.conv_gan()), reference["steps"]
        moved = [np.abs(end[k] - start[k]).max() for k in start if "/" in k]
        assert min(moved) > 1e-4
        assert end["images_seen"] == 40

    @pytest.mark.parametrize(
        "name, mode",
        [
            *((name, EAGER) for name in ("steps", "packed", "unrolled")),
            ("steps", XLA),
            *(
                pytest.param(name, XLA, marks=pytest.mark.slow)
                for name in ("augmented", "coded", "optimised")
            ),
            pytest.param("packed", XLA, marks=pytest.mark.slow),
            *(("larger", PARTS | mode) for mode in ({}, XLA)),
            pytest.param("larger", PARTS | EAGER, marks=pytest.mark.slow),
            ("larger", {"gradient_accumulation_steps": 4, **EAGER}),
            # Powers of two leave no trace in float32.
            ("steps", {"loss_scale": 2.0**10, **EAGER}),
            # Five batches: the last execution has a single step.
            ("steps", {"steps_per_execution": 2}),
        ],
    )
    def test_equal_the_graph(self, name, mode, reference):
        found = STEPS[name](**mode)
        assert largest_difference(found, reference[name]) < TOLERANCE


class TestJax:
    @pytest.mark.parametrize(
        "name, stored",
        [
            ("steps", "steps"),
            ("packed", "packed"),
            ("unrolled", "unrolled"),
            ("augmented", "augmented"),
            ("coded", "coded"),
            ("optimised", "optimised"),
            ("larger", "parts"),
            ("larger", "steps_8"),
            # On eight devices.
            ("normalized", "sharded"),
        ],
    )
    def test_equals_the_graph(self, name, stored, reference):
        found = _stored("jax", stored)
        assert largest_difference(found, reference[name]) < TOLERANCE

    def test_import_leaves_tensorflow_alone(self):
        assert not training_steps.in_process("jax")["tensorflow_imported"]

    @pytest.mark.parametrize("kind", ["draws", "draws_jit"])
    def test_draws_the_same(self, kind):
        _compare_draws(_stored("jax", kind))

    @pytest.mark.parametrize(
        "name, function",
        [
            ("minibatch", training_steps.minibatch_outputs),
            ("augmenters", training_steps.augmented_outputs),
            ("label_losses", training_steps.label_loss_outputs),
            ("decoded", training_steps.decoded),
        ],
    )
    def test_gives_the_same(self, name, function):
        found = _stored("jax", name)
        expected = function()
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(
                found[name], values, rtol=1e-4, atol=1e-4
            )


@functools.cache
def _recipe(name):
    """What a recipe's steps give on a graph, in float32."""
    return training_steps.recipe_steps(name)


def _check_recipe(name, found, tolerance):
    """Finite, moving, and losses within a share of the largest -> how far."""
    expected = _recipe(name)
    assert found.keys() == expected.keys()
    assert all(np.isfinite(value) for value in found.values())
    # No slope has the last bias of a loss that takes differences of logits.
    moved = {k: found[k] for k in found if k.startswith("moved/")}
    assert {k for k in moved if not moved[k]} <= {
        k for k in expected if not expected[k]
    }
    assert sum(value == 0 for value in moved.values()) <= 1
    losses = [k for k in found if k.startswith("loss/")]
    scale = max(abs(expected[k]) for k in losses)
    difference = max(abs(found[k] - expected[k]) for k in losses) / scale
    assert difference < tolerance
    return difference


def _by_speed(name):
    fast = name in training_steps.FAST_RECIPES
    return pytest.param(name, marks=[] if fast else pytest.mark.slow)


@on_tensorflow
@pytest.mark.parametrize("name", [*map(_by_speed, recipes.NAMES)])
class TestRecipes:
    """Each trains in every mode that its fields, or a backend, offer."""

    def test_compiled_by_xla(self, name):
        found = training_steps.recipe_steps(name, jit_compile="on")
        _check_recipe(name, found, 1e-5)

    @pytest.mark.parametrize("count", [1, 8])
    def test_by_jax_on_devices(self, name, count):
        fast = name in training_steps.FAST_RECIPES
        process = "jax_recipes" if fast else "jax_slow_recipes"
        _check_recipe(name, _stored(process, f"{name}_{count}"), 1e-5)

    @pytest.mark.parametrize(
        "precision, parts, tolerance",
        # Batch norm sees the parts; else 8 bits, and 11, are to blame.
        [("bfloat16", 1, 3e-2), ("float16", 2, 5e-2)],
    )
    def test_in_mixed_precision_and_in_parts(
        self, name, precision, parts, tolerance
    ):
        found = training_steps.recipe_steps(
            name,
            run_eagerly=True,
            mixed_precision=precision,
            gradient_accumulation_steps=parts,
        )
        # The digits that are missing show.
        assert _check_recipe(name, found, tolerance) > 1e-8


def test_parts_of_a_batch_need_less_memory():
    whole, parts = training_steps.in_process("jax")["temporaries"]
    assert 0 < parts < 0.5 * whole


@on_tensorflow
class TestReplicas:
    @pytest.mark.parametrize(
        "name, stored",
        [
            ("steps", "steps"),
            ("normalized", "normalized"),
            ("packed", "packed"),
            ("packed", "compiled"),
            ("averaging", "averaging"),
            ("larger", "parts"),
        ],
    )
    def test_equal_one_device(self, name, stored, reference):
        found = _stored("replicas", stored)
        assert largest_difference(found, reference[name]) < TOLERANCE

    def test_draw_differently_and_together_as_one(self):
        results = training_steps.in_process("replicas")
        whole = results["latents_1"]  # [updates, rows, latent size]
        halves = results["latents_2"]  # Replica by replica.
        updates = len(whole)
        assert len(halves) == 2 * updates
        first, second = halves[:updates], halves[updates:]
        assert np.min(np.max(np.abs(first - second), axis=-1)) > 0.1
        together = np.concatenate([first, second], axis=1)
        np.testing.assert_allclose(together, whole, atol=TOLERANCE)

    def test_batch_norm_stays_alike_on_both(self):
        assert training_steps.in_process("replicas")["copies_differ_by"] == 0

    def test_partial_batch_is_counted_once(self):
        # 43 images: the last batch gives two to one replica, one to the other.
        results = training_steps.in_process("replicas")
        assert results["partial_seen"].tolist() == [43, 43]
        for name, weight in _stored("replicas", "partial").items():
            assert np.all(np.isfinite(weight)), name

    def test_xla_and_lazy_penalties_refuse_what_communicates(self):
        messages = training_steps.in_process("replicas")["refused"]
        assert len(messages) == 2
        assert all("synchronized=True" in message for message in messages)

    def test_a_run_that_is_shared_out_and_resumed_equals_one_device(self):
        runs = _stored("replicas", "trained")
        one, two = (
            {
                key.removeprefix(f"{name}/"): value
                for key, value in runs.items()
                if key.startswith(f"{name}/")
            }
            for name in ("one", "two")
        )
        assert largest_difference(two, one) < TOLERANCE

    def test_logs_of_a_tpu_are_means_over_its_cores(self):
        of_cores = training_steps.in_process("replicas")["of_cores"]
        assert of_cores.tolist() == [0.5, 0.5]

    def test_an_empty_replica_is_an_error(self):
        message = str(training_steps.in_process("replicas")["empty_error"])
        assert "drop_remainder" in message


@on_tensorflow
class TestWorkers:
    @pytest.mark.parametrize("name", ["steps", "normalized"])
    def test_equal_one_process(self, name, reference):
        for results in training_steps.in_workers()[0]:
            found = {
                key.removeprefix(f"{name}/"): value
                for key, value in results.items()
                if key.startswith(f"{name}/")
            }
            assert largest_difference(found, reference[name]) < TOLERANCE

    def test_say_how_to_go_on_when_one_is_killed(self, tmp_path):
        (chief, _), status, errors = training_steps.in_workers()
        assert status == [0, -signal.SIGKILL], errors
        assert "Worker 0 of 2 has lost another one" in str(chief["lost"])
        assert "--strategy=multiworker" in str(chief["lost"])

    def test_a_run_goes_on_with_fewer_workers(self, tmp_path, capsys):
        (chief, _), _, _ = training_steps.in_workers()
        workdir = pathlib.Path(str(chief["workdir"]))
        ends = []
        for folder in (workdir, tmp_path / "undisturbed"):
            assert train(training_steps.small_recipe(), folder) == 0
            with np.load(max(folder.glob("checkpoints/*.npz"))) as arrays:
                ends.append({n: arrays[n] for n in arrays if n != "notes"})
        # It depends on when the chief learns that it is alone.
        output = capsys.readouterr().out
        assert re.search("resuming at (160|192) images", output)
        assert largest_difference(*ends) < 1e-5


@on_tensorflow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_draws_of_tensorflow_graphs_equal_eager_ones(jit_compile):
    import tensorflow as tf

    graph = tf.function(training_steps.draws, jit_compile=jit_compile)
    _compare_draws({k: v.numpy() for k, v in graph().items()})


def _compare_draws(draws):
    eager = {
        name: ops.convert_to_numpy(values)
        for name, values in training_steps.draws().items()
    }
    assert eager.keys() == draws.keys()
    for name, values in draws.items():
        values = np.asarray(values)
        if values.dtype.kind in "iu":
            np.testing.assert_array_equal(values, eager[name])
        else:
            np.testing.assert_allclose(
                values, eager[name], rtol=1e-6, atol=5e-7
            )
