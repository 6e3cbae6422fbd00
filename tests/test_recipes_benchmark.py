"""The benchmark of what recipes make: a tiny budget of the real script."""

import json

import benchmark_scripts
import keras
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("the benchmark is of TensorFlow", allow_module_level=True)

WORDS = ["--recipes=gan", "--metrics=cpr300_train", "--allow_small"]


@pytest.mark.slow
def test_budget_is_kept_and_nothing_is_done_twice(tmp_path, capsys):
    words = [*WORDS, f"--workdir={tmp_path}", f"--output={tmp_path / 'out'}"]
    with benchmark_scripts.imported("recipes") as script:
        benchmark_scripts.run(script, *words, "--minutes=0.01")
        first = json.loads((tmp_path / "out").read_text())["results"]["gan"]
        (budget,) = _budgets(tmp_path).values()
        assert first[0]["images"] == budget and budget % 64 == 0
        assert 0 <= first[0]["recall"] <= 1
        table = capsys.readouterr().out
        assert "| `gan` |" in table and "± " not in table

        folder = tmp_path / f"gan-digits-{budget}-0"
        written = (folder / "evaluation.json").read_bytes()
        words += ["--seeds=0,1", "--minutes=0.01"]
        benchmark_scripts.run(script, *words)
        both = json.loads((tmp_path / "out").read_text())["results"]["gan"]
        assert both[0] == first[0] and both[1]["images"] == budget
        other = tmp_path / f"gan-digits-{budget}-1"
        assert json.loads((other / "recipe.json").read_text())["seed"] == 1
        assert " ± " in capsys.readouterr().out
        assert (folder / "evaluation.json").read_bytes() == written

        # Another budget is another run, and measured as such.
        longer = {key: 2 * budget for key in _budgets(tmp_path)}
        (tmp_path / "budgets.json").write_text(json.dumps(longer))
        benchmark_scripts.run(script, *words, "--seeds=0")
        (third,) = json.loads((tmp_path / "out").read_text())["results"]["gan"]
        assert third["images"] == 2 * budget
        assert (tmp_path / f"gan-digits-{2 * budget}-0").exists()


def _budgets(folder):
    return json.loads((folder / "budgets.json").read_text())


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
