"""The benchmarks at tiny size, and what they share."""

import json
import sys

import benchmark_scripts
import keras
import numpy as np
import pytest

from kerasgan import recipes

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="reads by tf.data alone"
)


@pytest.fixture
def timing():
    with benchmark_scripts.imported("timing") as module:
        yield module


def _run(name, path, *words):
    """Runs a benchmark -> what it wrote."""
    with benchmark_scripts.imported(name) as module:
        benchmark_scripts.run(module, f"--output={path}", *words)
    return json.loads(path.read_text())


def test_functions_take_turns(timing):
    called = []
    functions = {
        "a": lambda: called.append("a"),
        "b": lambda: called.append("b"),
    }
    costs = timing.paired(functions, repetitions=3, warmups=1)
    assert "".join(called) == "abbaabba"
    assert {name: len(turns) for name, turns in costs.items()} == {
        "a": 3,
        "b": 3,
    }


def test_ratios_are_of_turns(timing):
    """The machine slows down tenfold: each turn still says twice."""
    costs = {
        "slow": [timing.Cost(2.0, 3.0), timing.Cost(20.0, 30.0)],
        "fast": [timing.Cost(1.0, 1.0), timing.Cost(10.0, 10.0)],
    }
    found = timing.summary(costs, against="fast")
    assert found["slow"]["wall_ratio"] == pytest.approx(2.0)
    assert found["slow"]["cpu_ratio"] == pytest.approx(3.0)
    assert found["slow"]["wall_s"] == pytest.approx(11.0)
    assert "wall_ratio" not in found["fast"]


def test_processes(timing):
    work = "sum(range(10**7)); print('done')"
    cost = timing.run_process([sys.executable, "-c", work])
    assert cost.output == "done\n"
    assert 0.05 < cost.cpu < 60 and cost.wall > 0.05
    with pytest.raises(RuntimeError, match="ended with 3"):
        timing.run_process([sys.executable, "-c", "raise SystemExit(3)"])


def test_peak_memory(timing):
    timing.forget_peak()
    before = timing.peak_bytes()
    np.ones(100_000_000, "uint8")
    assert 0.9e8 < timing.peak_bytes() - before < 1.6e8
    timing.forget_peak()
    assert timing.peak_bytes() - before < 0.5e8


def test_report(timing, tmp_path, capsys):
    rows = [{"case": "a", "s": 0.12345}, {"case": "b", "s": 12.345, "n": 1000}]
    timing.report({"cases": rows}, rows, tmp_path / "x.json")
    assert capsys.readouterr().out.splitlines() == [
        "| case | s | n |",
        "| --- | --- | --- |",
        "| a | 0.123 |  |",
        "| b | 12.35 | 1,000 |",
    ]
    written = json.loads((tmp_path / "x.json").read_text())
    assert written["cases"] == rows
    assert written["machine"]["cores"] >= 1
    assert written["versions"]["keras"] and written["command"]


def test_sampling(tmp_path, capsys):
    found = _run(
        "sampling",
        tmp_path / "x.json",
        "--sizes=tiny",
        "--batch_sizes=1,3",
        "--repetitions=2",
    )
    assert [(c["batch_size"], c["way"]) for c in found["cases"]] == [
        (size, way)
        for size in (1, 3)
        for way in ("generate", "bare", "predict")
    ]
    for case in found["cases"]:
        made = case["images_per_second"] * case["wall_s"]
        assert made == pytest.approx(case["batch_size"])
        assert ("cpu_ratio" in case) == (case["way"] != "bare")
    assert capsys.readouterr().out.count("| tiny |") == 6


@on_tensorflow
@pytest.mark.slow
def test_input_pipeline(tmp_path, capsys):
    found = _run(
        "input_pipeline",
        tmp_path / "x.json",
        f"--workdir={tmp_path}",
        "--images=12",
        "--size=8",
        "--batch_size=4",
        "--batches=2",
        "--steps=2",
        "--repetitions=1",
    )
    by = [(case["read"], case["by"]) for case in found["read"]]
    assert ("zip", "kerasgan") in by and ("tfds", "tf.data") in by
    assert all(case["images_per_second"] > 0 for case in found["read"])
    step = {case["data"]: case for case in found["step"]}
    assert list(step) == ["one batch", "folder, kept", "folder"]
    assert all(0 <= case["waited"] <= 1 for case in step.values())
    assert step["folder"]["wall_ratio"] > 0
    assert "| arrays | tf.data |" in capsys.readouterr().out


@on_tensorflow
def test_images_of_the_input_pipeline(tmp_path):
    with benchmark_scripts.imported("inputs.sources") as sources:
        images = sources.folder(tmp_path, 5)
        before = {file: file.stat().st_mtime_ns for file in images.iterdir()}
        assert sources.folder(tmp_path, 5) == images
        assert before == {f: f.stat().st_mtime_ns for f in images.iterdir()}
        assert sources.arrays(images, 16).shape == (5, 16, 16, 3)
        other = sources.folder(tmp_path / "other", 5)
    for file in images.iterdir():  # The same on every machine and day.
        assert file.read_bytes() == (other / file.name).read_bytes()


def test_memory(tmp_path, monkeypatch, capsys):
    """Here instead of in processes of its own."""

    def measured_here(command):
        with benchmark_scripts.imported("memory") as worker:
            benchmark_scripts.run(worker, *command[2:])
        return worker.timing.ProcessCost(0.0, 0.0, capsys.readouterr().out)

    with benchmark_scripts.imported("timing") as timing:
        monkeypatch.setattr(timing, "run_process", measured_here)
        found = _run(
            "memory",
            tmp_path / "x.json",
            "--size=8",
            "--batch_sizes=2",
            "--samples=3000",
            "--dimensions=64",
        )
    step, frechet, neighbours = found["cases"]
    assert (step["size"], step["batch_size"]) == (8, 2)
    assert frechet["samples"] == neighbours["samples"] == 3000
    for case in found["cases"]:
        own = case["peak_gb"] - case["before_gb"]
        assert 0 <= own == pytest.approx(case["own_gb"])
        assert case["seconds"] > 0


def test_metrics(timing, monkeypatch):
    with benchmark_scripts.imported("metrics") as metrics:
        case = ("frechet", 300, 4, True)
        monkeypatch.setitem(metrics.CASES, "tiny", case)
        values = {}

        def measured_here(command):
            whose = command[-1].partition("=")[2]
            function = metrics.work("tiny", whose)
            values[whose] = float(function())
            return timing.ProcessCost(
                0.0,
                0.0,
                json.dumps(
                    {"value": 1, "peak_gb": 1.0, "wall": 2.0, "cpu": 4.0}
                ),
            )

        monkeypatch.setattr(metrics.timing, "run_process", measured_here)
        summary = metrics.compare("tiny", repetitions=1)
        assert summary["ours"]["wall_ratio"] == 1.0
        assert metrics.row("tiny", summary)["ours, s"] == 2.0
    assert values["ours"] == pytest.approx(values["theirs"], rel=1e-4)


def test_startup(tmp_path, monkeypatch, capsys):
    with benchmark_scripts.imported("startup") as startup:
        monkeypatch.setattr(
            startup, "COMMANDS", {"import keras": ["-c", "pass"]}
        )
        parts = {"data": {"wall_s": 1.0, "cpu_s": 0.5}}
        monkeypatch.setattr(
            startup.timing,
            "run_process",
            lambda words: startup.timing.ProcessCost(
                2.0, 1.0, f"training\n{json.dumps(parts)}\n"
            ),
        )
        path = tmp_path / "x.json"
        benchmark_scripts.run(startup, "--repetitions=2", f"--output={path}")
    found = json.loads(path.read_text())
    assert found["commands"]["import keras"]["wall_s"] == 2.0
    assert found["train"] == parts
    assert "| data | 1.00 | 0.5 |" in capsys.readouterr().out


def test_parts_of_starting(timing):
    """Marks cover the whole time, from the start of this process."""
    with benchmark_scripts.imported("startup") as startup:
        marks = startup.Marks()
        marks("before")

        class Holder:
            def work(self):
                return sum(range(10**6))

        with marks.after(Holder, "work", "work"):
            assert Holder().work() == sum(range(10**6))
    assert marks.parts["before"]["wall_s"] > marks.parts["work"]["wall_s"] > 0
    assert marks.parts["work"]["cpu_s"] > 0


@on_tensorflow
@pytest.mark.parametrize(
    "name, changes",
    [
        ("kerasgan_fit", {}),
        ("guide", {}),
        ("bare", {"discriminator_steps": 2}),
        pytest.param("bare", {"penalty": "R1"}, marks=pytest.mark.slow),
        ("bare", {"penalty": "GradientPenalty", "loss": "wasserstein"}),
        pytest.param(
            "kerasgan",
            {"penalty": "GradientPenalty", "loss": "wasserstein"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_contenders_train_both_networks(name, changes, monkeypatch):
    with benchmark_scripts.imported("steps.contenders") as contenders:
        from steps import cases

        case = cases.Case(
            "dcgan_tiny",
            (8, 8, 3),
            batch_size=16,
            batch_norm="penalty" not in changes,
            **changes,
        )
        make, made = cases.Case.networks, []

        def networks(case):
            made.extend(make(case))
            return made

        monkeypatch.setattr(cases.Case, "networks", networks)
        assert contenders.knows(name, case)
        run = contenders.CONTENDERS[name](case)
        before = [network.get_weights() for network in made]
        run(2)
        for network, old in zip(made, before, strict=True):
            kernels = [
                np.abs(new - was).max()
                for new, was in zip(network.get_weights(), old, strict=True)
                if was.ndim > 1
            ]
            assert 1e-5 < min(kernels) and max(kernels) < 0.1


@on_tensorflow
def test_a_recipe_with_labels_is_a_contender():
    with benchmark_scripts.imported("steps.contenders") as contenders:
        from steps import cases

        (case,) = cases.get(["cgan_tiny"]).values()
        images, labels = cases.data_of(case, rows=6)
        assert images.shape == (6, 8, 8, 3) and images.dtype == np.float32
        assert labels.shape == (6,) and set(labels) <= set(range(10))
        known = {n for n in contenders.CONTENDERS if contenders.knows(n, case)}
        assert "kerasgan" in known and not known & {"bare", "guide"}
        contenders.CONTENDERS["kerasgan"](case)(2)


def test_every_recipe_is_a_case_and_published_ones_say_what_it_says():
    with benchmark_scripts.imported("steps.cases") as cases:
        measured = {case.recipe for case in cases.SMALL.values()}
        assert measured == set(recipes.NAMES)
        # Of smaller images than the command's, or of one device's share.
        scaled = {"batch_size", "width", *cases._GROWN}
        for case in cases.PUBLISHED.values():
            words = recipes.module(case.recipe).__doc__
            assert case.batch_size == case.changed.batch_size
            if case.recipe == "densenet":  # Published by nobody.
                continue
            for name, value in case.settings.items():
                assert name in scaled or f"{name}={value}" in words, name
            assert (case.classes is None) == (not case.changed.conditional)


@on_tensorflow
@pytest.mark.slow
def test_a_contender_trains_when_it_is_its_turn():
    with benchmark_scripts.imported("train_step") as train_step:
        train_step.FLAGS(["train_step"])
        with train_step._worker("kerasgan_jax", "dcgan_tiny") as worker:
            cost = train_step._turn(worker, steps=1)()
            assert 0 < cost.wall and 0 < cost.cpu
        with train_step._worker("nobody", "dcgan_tiny") as worker:
            with pytest.raises(RuntimeError, match="KeyError: 'nobody'"):
                train_step._turn(worker, steps=1)()


def test_contenders_are_compared_turn_by_turn():
    with benchmark_scripts.imported("train_step") as train_step:
        costs = {
            "kerasgan": [train_step.timing.Cost(0.5, 1.0)] * 2,
            "torch": [train_step.timing.Cost(1.0, 1.5)] * 2,
        }
        found = train_step.timing.summary(costs, "kerasgan")
        ours, theirs = train_step._rows("dcgan_32px", 64, found)
    assert ours["images/s"] == 128.0
    assert theirs["wall, by ours"] == 2.0
    assert theirs["CPU, by ours"] == 1.5
