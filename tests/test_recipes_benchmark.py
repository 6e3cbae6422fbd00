"""The benchmark of what recipes make: a tiny budget of the real script."""

import json

import benchmark_scripts
import keras
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("the benchmark is of TensorFlow", allow_module_level=True)

WORDS = ["--recipes=gan", "--metrics=cpr300_train", "--allow_small"]


def test_budget_is_kept_and_nothing_is_done_twice(tmp_path, capsys):
    words = [*WORDS, f"--workdir={tmp_path}", f"--output={tmp_path / 'out'}"]
    with benchmark_scripts.imported("recipes") as script:
        benchmark_scripts.run(script, *words, "--minutes=0.01")
        first = json.loads((tmp_path / "out").read_text())["results"]["gan"]
        (budget,) = json.loads((tmp_path / "budgets.json").read_text()).values()
        assert first[0]["images"] == budget and budget % 64 == 0
        assert 0 <= first[0]["recall"] <= 1
        table = capsys.readouterr().out
        assert "| `gan` |" in table and "± " not in table

        written = (tmp_path / "gan-digits-0" / "evaluation.json").read_bytes()
        words += ["--seeds=0,1", "--minutes=0.01"]
        benchmark_scripts.run(script, *words)
        both = json.loads((tmp_path / "out").read_text())["results"]["gan"]
        assert both[0] == first[0] and both[1]["images"] == budget
        assert both[1]["precision"] != both[0]["precision"] or (
            both[1]["recall"] != both[0]["recall"]
        )
        assert " ± " in capsys.readouterr().out
    again = (tmp_path / "gan-digits-0" / "evaluation.json").read_bytes()
    assert again == written


def test_without_a_budget_a_recipe_sees_its_own_images(monkeypatch, tmp_path):
    with benchmark_scripts.imported("recipes") as script:
        script.FLAGS(["recipes", *WORDS, f"--workdir={tmp_path}"])
        seen = []
        monkeypatch.setattr(
            script, "train", lambda recipe, workdir: seen.append(recipe) or 1
        )
        with pytest.raises(SystemExit):
            script.run("gan", 7)
    assert seen[0].total_images == script.recipes.get("gan").total_images
    assert seen[0].seed == 7
