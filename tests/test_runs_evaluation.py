"""Runs that measure themselves, `kerasgan evaluate`, and two folders."""

import json

import numpy as np
import pytest
from PIL import Image

from kerasgan import pictures, recipes
from kerasgan.cli.main import main
from kerasgan.data import load
from kerasgan.features.classifier import train_classifier
from kerasgan.metrics import records
from kerasgan.runs import evaluate
from kerasgan.runs.sample import load_model
from kerasgan.runs.train import train
from kerasgan.runs.workdir import Workdir
from kerasgan.storage import read_jsonl

SMALL = {
    "width": "8",
    "latent_size": "8",
    "batch_size": "32",
    "sample_every": "640",
    "log_every": "160",
    "metrics": "cpr300_train,memorisation300",
    "evaluate_every": "320",
    "best_by": "cpr300_train",
}


@pytest.fixture(autouse=True, scope="module")
def statistics(tmp_path_factory):
    """A cache of its own, with a classifier that took less long."""
    folder = tmp_path_factory.mktemp("statistics")
    digits = load("digits")
    rows = np.arange(digits.count)
    classifier = train_classifier(
        digits.pixels(rows), digits.labels(rows), 10, steps=100
    )
    classifier.save(folder / f"classifier-{digits.fingerprint[:32]}.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "default_statistics", lambda: folder)
        yield folder


def small(total_images, **texts):
    return recipes.get("dcgan").override(
        {**SMALL, "total_images": str(total_images), **texts}
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that measured itself, and was extended once."""
    workdir = tmp_path_factory.mktemp("run") / "run"
    assert train(small(640), workdir) == 0
    assert train(small(1280), workdir) == 0
    return Workdir(workdir)


def test_metrics_are_logged_plotted_and_recorded(run):
    lines = read_jsonl(run.metrics, having="metrics")
    assert [line["images"] for line in lines] == [320, 640, 960, 1280]
    for line in lines:
        assert set(line["metrics"]) == {"cpr300_train", "memorisation300"}
        assert 0 <= line["metrics"]["cpr300_train"]["recall"] <= 1
    found = records.read(run.evaluation)
    assert [r.fake["images_seen"] for r in found][::2] == [320, 640, 960, 1280]
    assert {r.fake["averaged"] for r in found} == {True}
    with Image.open(run.plot) as plot:
        # Losses, logits, and the metrics below them.
        assert plot.height > 1.5 * plot.width
    assert all(read_jsonl(run.metrics, having="images_per_second"))


def test_the_best_checkpoint_is_the_one_with_the_best_value(run):
    lines = read_jsonl(run.metrics, having="metrics")
    values = [x["metrics"]["cpr300_train"]["precision"] for x in lines]
    best = lines[int(np.argmax(values))]["images"]  # The first of equals.
    assert [p.name for p in run.best.iterdir()] == [f"images_{best:012d}.npz"]
    assert int(load_model(run.path, "best").images_seen) == best
    assert int(load_model(run.path).images_seen) == 1280
    assert len(list(run.checkpoints.glob("*.npz"))) == 2


def test_a_measured_run_trains_as_one_that_is_not(run, tmp_path):
    assert train(small(1280, metrics=""), tmp_path / "other") == 0
    for one, other in zip(
        load_model(run.path).get_weights(),
        load_model(tmp_path / "other").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_evaluate_prints_a_table_and_writes_records(run, capsys, tmp_path):
    output = tmp_path / "out.json"
    words = [
        "evaluate",
        f"--workdir={run}",
        "--metrics=cfd300_train,cdc300_train,memorisation300",
        "--seeds=0,1",
        f"--output={output}",
    ]
    before = len(records.read(run.evaluation))
    assert main(words) == 0
    text = capsys.readouterr().out
    for part in ("cfd300_train", "coverage", "±", "1,797 digits train"):
        assert part in text
    found = records.read(output)
    assert [r.protocol for r in found] == words[2][10:].split(",")
    assert len(records.read(run.evaluation)) == before + 3
    assert found[0].seeds == [0, 1]
    assert found[0].fake["images_seen"] == 1280
    # The same again is the same measurement.
    assert main(words) == 0
    assert len(records.read(run.evaluation)) == before + 3
    with Image.open(run.neighbours) as picture:
        assert np.asarray(picture).std() > 10
    notes = json.loads(run.neighbours.with_suffix(".json").read_text())
    assert len(notes["distances"]) == 12
    assert all(row == sorted(row) for row in notes["distances"])


def test_several_runs_give_mean_and_deviation(run, capsys, tmp_path):
    other = tmp_path / "other"
    assert train(small(320, metrics="", seed="1"), other) == 0
    words = ["evaluate", f"--workdir={run}", f"--workdir={other}"]
    assert main([*words, "--metrics=cfd300_train"]) == 0
    last = capsys.readouterr().out.strip().rpartition("protocol")[2]
    values = [
        records.read(Workdir(w).evaluation)[-1].value for w in (run.path, other)
    ]
    assert f"{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}" in last
    assert "2 runs" in last


def test_best_can_be_measured_alone(run):
    (record,) = evaluate.evaluate_run(
        run.path, ["cpr300_train"], checkpoint="best"
    )
    assert record.fake["checkpoint"] == "best"


def test_two_folders_are_measured_without_a_run(capsys, tmp_path):
    digits = load("digits")
    for name, rows in (("real", range(150)), ("fake", range(200, 320))):
        for index, row in enumerate(rows):
            label = digits.labels([row])[0]
            folder = tmp_path / name / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            pictures.save(folder / f"{index}.png", digits.pixels([row])[0])
    words = ["evaluate", f"--real={tmp_path / 'real'}"]
    words += [f"--fake={tmp_path / 'fake'}"]
    assert main([*words, "--metrics=memorisation120,cdc120"]) == 0
    text = capsys.readouterr().out
    assert "150 real train" in text and "120 fake" in text
    assert main([*words, "--metrics=memorisation500"]) == 2
    assert "'memorisation120', another number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "`--workdir`, or both"),
        (["--real=a"], "`--workdir`, or both"),
        (["--workdir=a", "--real=a", "--fake=b"], "`--workdir`, or both"),
        (["--workdir=a", "--metrics=fidd50k"], "Did you mean 'fid'?"),
        (["--workdir=a", "--seeds=x"], "`--seeds` must be whole numbers"),
        (["--workdir=a", "--weights=x"], "network=path"),
        (["--workdir=a"], "must be the folder of a run"),
    ],
)
def test_mistakes_are_told_before_work(
    words, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_other_images_than_the_run_was_trained_on_are_refused(run, tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((9, 8, 8, 1), "uint8"))
    with pytest.raises(ValueError, match="what the run was trained on"):
        evaluate.evaluate_run(
            run.path, ["memorisation9"], data=str(tmp_path / "x.npz")
        )


def test_unknown_protocols_stop_a_training_before_anything_is_written(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--metrics=cfd10k_trian"]) == 2
    assert "cfd10k_trian" in capsys.readouterr().err
    assert main(["train", "--metrics=cfd300_test"]) == 2
    assert "must have test images" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
