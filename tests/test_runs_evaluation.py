"""Runs that measure themselves, `kerasgan evaluate`, and two folders."""

import json
import os
import shutil
import subprocess
import sys
import time
import types

import numpy as np
import pytest
from PIL import Image

from kerasgan import pictures, recipes
from kerasgan.callbacks import Evaluation, Progress
from kerasgan.callbacks.clock import TRAINING
from kerasgan.callbacks.evaluation import best_protocol
from kerasgan.cli.main import main
from kerasgan.data import load
from kerasgan.features.classifier import train_classifier
from kerasgan.metrics import protocols, records
from kerasgan.runs import evaluate, sides
from kerasgan.runs.report import report
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
        pixels = np.asarray(picture)
    # Images of 32 px and gaps of 2; the second column is a gap too.
    assert pixels.shape[1] == 9 * 34 + 2
    assert pixels[:, :34].std() > 10 and pixels[:, 70:].std() > 10
    assert (pixels[:, 34:70] == 255).all()
    notes = json.loads(run.neighbours.with_suffix(".json").read_text())
    assert notes["seed"] == 0
    assert len(notes["distances"]) == 12
    assert all(row == sorted(row) for row in notes["distances"])


@pytest.mark.slow
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
    assert "--checkpoint=best" in report(run.path).read_text()


def test_what_is_too_few_is_flagged_and_the_page_says_how(run):
    with pytest.raises(ValueError, match="covariances are singular"):
        evaluate.evaluate_run(run.path, ["cfd9_train"])
    evaluate.evaluate_run(run.path, ["cfd9_train"], allow_small=True)
    assert "--allow_small" in report(run.path).read_text()


def test_a_fresh_process_can_measure(run, tmp_path):
    command = [sys.executable, "-m", "kerasgan.cli.main", "evaluate"]
    done = subprocess.run(
        [*command, f"--workdir={run}", "--metrics=memorisation200"],
        env={**os.environ, "KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "authenticity" in done.stdout


def test_what_is_wrong_with_one_run_is_said_before_any_is_measured(
    run, tmp_path, capsys
):
    before = records.read(run.evaluation)
    other = Workdir(shutil.copytree(run.path, tmp_path / "other"))
    words = ["evaluate", f"--workdir={run}", "--metrics=memorisation200"]
    words += [f"--workdir={other}"]
    values = other.read_recipe()
    other.recipe.write_text(json.dumps({**values, "data_fingerprint": "ab"}))
    assert main(words) == 2
    assert "from the same images" in capsys.readouterr().err
    other.recipe.write_text(json.dumps(values))
    other.evaluation.write_text("[torn")
    assert main(words) == 2
    assert "Records must be" in capsys.readouterr().err
    # Nor does it begin to train.
    with pytest.raises(ValueError, match="Records must be"):
        train(small(1600), other.path)
    assert other.read_recipe() == values
    other.recipe.unlink()
    assert main(words) == 2
    assert "must be the folder of a run" in capsys.readouterr().err
    assert records.read(run.evaluation) == before


def test_an_output_that_cannot_be_read_is_found_first(tmp_path, capsys):
    output = tmp_path / "out.json"
    words = ["evaluate", f"--workdir={tmp_path}", f"--output={output}"]
    output.write_text("[torn")
    assert main(words) == 2
    assert "Records must be" in capsys.readouterr().err


@pytest.mark.slow
def test_a_measurement_that_was_killed_is_made_up_for(tmp_path):
    workdir = Workdir(tmp_path / "run")
    recipe = small(640, metrics="memorisation300", best_by="none")
    measure = evaluate._Evaluator.measure
    with pytest.MonkeyPatch.context() as patch:

        def kill(self, *arguments, **options):
            raise RuntimeError("killed")

        patch.setattr(evaluate._Evaluator, "measure", kill)
        with pytest.raises(RuntimeError, match="killed"):
            train(recipe, workdir.path)
        # Nothing was lost.
        assert int(load_model(workdir.path).images_seen) == 320
        assert not read_jsonl(workdir.metrics, having="metrics")

        def take_long(*arguments, **options):
            time.sleep(1.0)
            return measure(*arguments, **options)

        patch.setattr(evaluate._Evaluator, "measure", take_long)
        assert train(recipe, workdir.path) == 0
    lines = read_jsonl(workdir.metrics, having="metrics")
    assert [line["images"] for line in lines] == [320, 640]
    # Its first number has no direction: there is no best by it.
    assert not workdir.best.exists()


def _count(images):
    return types.SimpleNamespace(value=images)  # As a variable has it.


def test_time_stands_still_while_something_is_measured(capsys):
    before, real_before = TRAINING.now(), time.monotonic()
    with TRAINING.paused():
        time.sleep(0.3)
    spent, really = TRAINING.now() - before, time.monotonic() - real_before
    assert abs(really - spent) > 0.29
    progress = Progress(2000)
    model = types.SimpleNamespace(images_seen=_count(0))
    progress.set_model(model)
    progress.on_train_begin()
    progress.on_train_batch_end(0, {})
    model.images_seen = _count(1000)
    time.sleep(0.1)
    with TRAINING.paused():
        time.sleep(1.0)
    progress.on_train_end({})
    speed = capsys.readouterr().out.split(" images/s")[0].split()[-1]
    assert float(speed.replace(",", "")) > 1000 / 1.1


def test_who_stops_a_training_does_not_wait_for_a_measurement(tmp_path):
    measured = []
    evaluator = types.SimpleNamespace(
        protocols=[protocols.get("memorisation9")],
        measure=lambda model, **about: measured.append(about) or [],
    )
    callback = Evaluation(evaluator, 100, tmp_path / "metrics.jsonl")
    model = types.SimpleNamespace(images_seen=_count(0), stop_training=True)
    callback.set_model(model)
    callback.on_train_begin()
    model.images_seen = _count(50)
    callback.on_train_end()
    assert not measured
    model.stop_training = False
    callback.on_train_end()
    assert measured == [{"images_seen": 50}]


def test_best_is_what_has_a_direction():
    some = [protocols.get(n) for n in ("memorisation9", "cpr9_train", "cfd9")]
    assert best_protocol(some) == "cpr9_train"
    assert best_protocol(some, "cfd9") == "cfd9"
    assert best_protocol(some[:1]) is None
    with pytest.raises(ValueError, match="whose first is neither"):
        best_protocol(some, "memorisation9")
    with pytest.raises(ValueError, match="must be one of"):
        best_protocol(some, "cfd10")


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
    assert main([*words, "--metrics=memorisation120"]) == 0
    text = capsys.readouterr().out
    assert "150 real" in text and "120 fake" in text
    assert "real train  " not in text  # Folders have no splits.
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
        (["--workdir=a", "--seeds="], "`--seeds` must be whole numbers"),
        (["--workdir=a", "--weights=x"], "network=path"),
        (
            ["--workdir=a", "--weights=inceptoin=x"],
            "Did you mean 'inception_2015'?",
        ),
        (["--workdir=a", "--size=8"], "--size must not be given with"),
        (["--workdir=a", "--channels=1"], "--channels must not be given"),
        (["--real=a", "--fake=b", "--seeds=0"], "--seeds must not be given"),
        (["--real=a", "--fake=b", "--data=c"], "--data must not be given"),
        (["--real=a", "--fake=b", "--checkpoint=last"], "--checkpoint must"),
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


@pytest.fixture
def splits(tmp_path):
    """Training, unseen and generated images as arrays, in files."""
    draws = np.random.default_rng(0).integers(0, 256, (90, 8, 8, 1), "uint8")
    labels = np.arange(30) % 3
    np.savez(
        tmp_path / "both.npz",
        x_train=draws[:30],
        y_train=labels,
        x_test=draws[30:50],
        y_test=labels[:20],
    )
    np.savez(tmp_path / "one.npz", images=draws[50:60])
    np.savez(tmp_path / "fake.npz", images=draws[60:], labels=labels)
    np.savez(tmp_path / "large.npz", images=np.zeros((9, 16, 16), "uint8"))
    return tmp_path


def test_held_out_images_are_those_that_were_not_trained_on(splits):
    both, one = str(splits / "both.npz"), str(splits / "one.npz")
    found = sides.of_folders(both)
    assert (found.real.count, found.held_out.count) == (30, 20)
    assert found.splits == {"train": None, "test": "test"}
    assert sides.of_folders(one).held_out is None
    found = sides.of_folders(one, both)
    assert found.held_out.count == 20 and found.source == both
    found = sides.of_folders(both, one)
    assert found.held_out.count == 10 and found.splits["test"] is None
    for split, unseen in (("train", 20), ("test", None), ("train+test", None)):
        plan = types.SimpleNamespace(
            image_shape=(8, 8, 1),
            recipe=small(9, data=both, split=split),
        )
        held_out = sides.of_training(plan, found.real).held_out
        assert (held_out and held_out.count) == unseen


def test_records_say_of_which_split_real_images_are(splits):
    (record,) = evaluate.evaluate_folders(
        str(splits / "both.npz"), str(splits / "fake.npz"), ["memorisation30"]
    )
    assert record.real["split"] is None
    assert record.held_out["split"] == "test"
    assert record.held_out["count"] == 20
    of_part = sides.Sides(
        real=None, held_out=None, splits={"train": "train[:80%]", "test": None}
    )
    record.real["split"] = "train"
    assert of_part.named(record).real["split"] == "train[:80%]"


def test_other_sizes_are_refused_with_the_flag_that_helps(splits):
    with pytest.raises(ValueError, match=r"8x8x1 and 16x16x1.*`--size="):
        evaluate.evaluate_folders(
            str(splits / "one.npz"), str(splits / "large.npz"), ["swd9"]
        )


def test_classes_of_all_sides_must_be_the_same():
    ours = types.SimpleNamespace(class_names=("cat", "dog", "emu"))
    theirs = types.SimpleNamespace(class_names=("cat", "emu"))
    with pytest.raises(ValueError, match=r"cat, emu\); not in both: 1 \(dog"):
        sides.check_classes(["cas9_train"], ours, held_out=None, fake=theirs)
    sides.check_classes(["cfd9_train"], ours, fake=theirs)
    sides.check_classes(["cas9_train"], ours, held_out=ours)
    theirs.class_names = None
    sides.check_classes(["cas9_train"], ours, fake=theirs)


@pytest.mark.parametrize("terminal", [False, True])
def test_each_thing_that_takes_time_has_one_line(terminal, capsys, monkeypatch):
    progress = evaluate.Progress()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    progress("measuring x", 0, 1)
    for done in (256, 300):
        progress("digits: pixels", done, 300)
    progress("measuring x", 1, 1)
    progress("measuring y", 1, 1)
    text = capsys.readouterr().out
    for what in ("measuring x", "digits: pixels", "measuring y"):
        assert text.count(f"{what}\n") == 1
    assert ("300/300" in text) == terminal
    assert "1/1" not in text
