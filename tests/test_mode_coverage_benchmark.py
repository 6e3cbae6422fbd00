"""The mode-collapse benchmark: a few steps of the real script, and its parts."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"

if keras.backend.backend() != "tensorflow":
    pytest.skip("the benchmark is of TensorFlow", allow_module_level=True)


@pytest.fixture(scope="module")
def parts():
    """Its modules: methods, tables, tasks."""
    sys.path.insert(0, str(BENCHMARKS))
    from modes import methods, tables, tasks

    yield {"methods": methods, "tables": tables, "tasks": tasks}
    sys.path.remove(str(BENCHMARKS))


def _record(parts, task, method, seed=0, steps=3, **measured):
    described = (
        parts["methods"].METHODS[method].describe(parts["tasks"].CLASSES[task])
    )
    measures = {
        "modes": 8,
        "high_quality": 0.5,
        "reverse_kl": 0.25,
        "within_mode_std": None,
    }
    return {
        "task": task,
        "method": method,
        "seed": seed,
        "steps": steps,
        "setting": described,
        "cpu_seconds": 1.0,
        **(measured or measures),
    }


@pytest.mark.slow
def test_trains_what_is_missing_and_writes_all(parts, tmp_path):
    """One run is there already; the second is made."""
    finished = _record(parts, "ring", "pacgan2")
    (tmp_path / "results.jsonl").write_text(json.dumps(finished) + "\n")
    (tmp_path / "samples").mkdir()
    points = np.zeros((9, 2))
    np.savez(tmp_path / "samples" / "ring-pacgan2-0.npz", samples=points)
    process = subprocess.run(
        [
            sys.executable,
            str(BENCHMARKS / "mode_coverage.py"),
            f"--workdir={tmp_path}",
            "--tasks=ring",
            "--methods=pacgan2,pacgan3",
            "--seeds=0",
            "--steps=3",
        ],
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr[-3000:]
    assert "1 runs to do" in process.stdout
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    first, second = map(json.loads, lines)
    assert first == finished
    assert (second["method"], second["steps"]) == ("pacgan3", 3)
    assert 0 <= second["high_quality"] <= 1 and second["cpu_seconds"] > 0
    assert second["versions"]["keras"] == keras.__version__
    with np.load(tmp_path / "samples" / "ring-pacgan3-0.npz") as file:
        assert file["samples"].shape == (2500, 2)
    table = (tmp_path / "table.md").read_text()
    assert "perfect sampler | 8.0 ± 0.0 | 98." in table
    assert "PacGAN2 | 8.0 | 50.0 | 0.25 | – | not run |" in table
    assert "WGAN-GP | not run |  |  |  | not run |" in table
    assert "7.9 ± 0.1 | 95.6 ± 2.0" in table  # As published.
    assert (tmp_path / "samples.png").stat().st_size > 1000


def test_data_have_their_modes(parts):
    for name, count, spread in (("ring", 8, 0.01), ("grid", 25, 0.05)):
        task = parts["tasks"].load(name)
        assert task.means.shape == (count, 2) and task.std == spread
        measured = task.measure_points(task.real(2500, seed=1))
        assert measured["modes"] == count
        assert abs(measured["high_quality"] - 0.989) < 0.01
        batch = next(iter(task.dataset(2, 64, seed=0)))
        np.testing.assert_array_equal(
            batch, next(iter(task.dataset(1, 64, seed=0)))
        )
        assert task.measure(batch)["high_quality"] > 0.9
    np.testing.assert_allclose(
        np.linalg.norm(parts["tasks"].load("ring").means, axis=1), 1.0
    )


def test_waves_of_points(parts):
    layer = parts["tasks"].Waves(2)
    x = ops.convert_to_tensor([[0.5, -1.0]])
    expected = [0.5, -1, *np.sin([0.5, -1, 1, -2]), *np.cos([0.5, -1, 1, -2])]
    np.testing.assert_allclose(layer(x), [expected], rtol=1e-6)


def test_every_method_says_its_setting(parts):
    methods, plane = parts["methods"], parts["tasks"].Mixture
    settings = {
        name: method.describe(plane) for name, method in methods.METHODS.items()
    }
    assert len(set(settings.values())) == len(settings)
    assert settings["pacgan3"] == "non saturating, packing 3"
    assert settings["relativistic_r1_r2"].startswith("relativistic, R1(")
    assert "discriminator steps, RMSprop(" in settings["wgan"]
    assert "5 steps of 0.02 ahead" in settings["unrolled"]
    assert set(methods.STACKED) <= set(methods.METHODS)
    stacked = parts["tasks"].StackedDigits
    assert methods.METHODS["hinge_r1"].describe(stacked) == "hinge, R1(1)"


def test_table_of_several_seeds(parts):
    records = [
        _record(parts, "stacked", "pacgan2", seed, modes=700 + seed, kl=seed)
        for seed in (0, 2)
    ]
    text = parts["tables"].markdown(records)
    assert "| PacGAN2 | 701 ± 1 | 1.00 ± 1.41 | 1 | non" in text
    assert "| hinge + R1 | not run |  |  | hinge, R1(1) |" in text
    assert "perfect sampler" not in text  # That is of points.


def test_models(parts):
    """What is beside losses and penalties reaches the model."""
    methods, task = parts["methods"], parts["tasks"].load("ring")
    gans = {
        name: methods.model(task, methods.METHODS[name])
        for name in ("pacgan2", "unrolled", "minibatch_std")
    }
    assert type(gans["pacgan2"]).__name__ == "GANModel"
    assert gans["pacgan2"].packing == 2
    assert type(gans["unrolled"]).__name__ == "UnrolledGANModel"
    assert gans["unrolled"].unrolling == 5
    *_, statistic, last = gans["minibatch_std"].discriminator.layers
    assert type(statistic).__name__ == "MinibatchStdDev"
    assert last.kernel.shape == (task.width + 1, 1)


def test_stacked_networks(parts):
    generator = parts["tasks"]._stacked_generator(256)
    discriminator = parts["tasks"]._stacked_discriminator((28, 28, 6))
    assert generator.output_shape == (None, 28, 28, 3)
    assert discriminator.output_shape == (None, 1)
