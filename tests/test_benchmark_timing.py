"""What the benchmarks share: turns, ratios, processes, tables."""

import json
import pathlib
import sys

import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def timing(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import timing

    return timing


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
