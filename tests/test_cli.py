"""The command line: what it answers, how fast, and what it refuses."""

import signal
import subprocess
import sys
import time

import pytest

from kerasgan.cli.main import COMMANDS, main


def test_help_lists_commands_and_flags(capsys):
    for words in ([], ["--help"], ["-h"]):
        assert main(words) == 0
        output = capsys.readouterr().out
        assert all(command in output for command in COMMANDS)
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        output = capsys.readouterr().out
        assert output.startswith(f"kerasgan {command}") and "--" in output
    assert main(["train", "--help"]) == 0
    output = capsys.readouterr().out
    for flag in ("recipe", "data", "size", "total_images", "set", "dry_run"):
        assert f"--{flag}" in output


@pytest.mark.parametrize("words", ["--help", "list", "train --help"])
def test_answers_without_importing_anything_heavy(words):
    code = (
        "import sys; from kerasgan.cli.main import main; "
        f"assert main({words.split()!r}) == 0; "
        "heavy = {'keras', 'tensorflow', 'jax', 'numpy', 'matplotlib'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # Half a second on an idle machine; the bound allows for a busy one.
    assert time.monotonic() - started < 2.5


def test_list_shows_recipes_and_filters(capsys):
    from kerasgan import recipes

    assert main(["list"]) == 0
    output = capsys.readouterr().out
    for name in recipes.NAMES:
        assert f"{name}: " in output
    assert "https://arxiv.org/abs/1511.06434" in output
    assert main(["list", "--task=conditional"]) == 0
    output = capsys.readouterr().out
    assert "cgan: " in output and "\ndcgan: " not in output
    assert main(["list", "--task=cooking"]) == 2
    assert "image generation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "Did you mean 'train'?"),
        (["train", "--recipe=dcgn"], "Did you mean 'dcgan'?"),
        (["train", "--sice=64"], "size"),
        (["train", "--size=big"], "`size` must be a size such as 64"),
        (["train", "--size=0"], "`size` must be positive"),
        (["train", "--batch_size=0"], "`batch_size` must be positive"),
        (["train", "--mixed_precision=half"], "bfloat16, float16, off"),
        (["train", "--jit_compile=yes"], "`jit_compile` must be one of"),
        (
            ["train", "--recipe=wgan", "--gradient_accumulation_steps=3"],
            "times `gradient_accumulation_steps`. Received: batch_size=320",
        ),
        (["train", "--batch_size=many"], "`batch_size` must be a whole number"),
        (["train", "--set=widht=3"], "Did you mean 'width'?"),
        (["train", "--set=width"], "field=value"),
        (["train", "--set=beta_1=1.5"], "`beta_1` must be in [0, 1)"),
        (["train", "--set=zoom=-1"], "`zoom` must be in [0, 1)"),
        (["train", "--set=rotate_degrees=200"], "`rotate_degrees` must be"),
        (["train", "--set=generator_learning_rate=nan"], "must be positive"),
        (["train", "--seed=-1"], "`seed` must be in"),
        (["train", "--set=flip=maybe"], "`flip` must be true or false"),
        (["train", "--set=loss=hing"], "Did you mean 'hinge'?"),
        (["train", "--data=/no/such/folder"], "/no/such/folder"),
        (["train", "extra"], "takes flags only"),
        (["train", "--strategy=mirored"], "strategy"),
        (["train", "--strategy=multiworker"], "TF_CONFIG must be like"),
        (["train", "--strategy=tpu"], "TPU_NAME='local'"),
        (["train", "--metrics=cfd10k_trian"], "cfd10k_trian"),
        (["train", "--dry_run", "--metrics=cfd10k_trian"], "cfd10k_trian"),
        (
            ["train", "--metrics=memorisation1k", "--set=best_by=cfd1k_train"],
            "`best_by` must be one of memorisation1k",
        ),
        (
            [
                "train",
                "--dry_run",
                "--metrics=memorisation1k",
                "--set=best_by=memorisation1k",
            ],
            "whose first is neither",
        ),
        (["sample"], "`--workdir` must name"),
        (["sample", "--workdir=.", "--labels=a"], "whole numbers"),
        (["sample", "--workdir=.", "--count=-1"], "`count` must be positive"),
        (["sample", "--workdir=.", "--mix=0"], "`mix` must be positive"),
        (["sample", "--workdir=.", "--mix=2", "--output=x.gif"], ".png, .jpg"),
        (["sample", "--workdir=.", "--mix=2", "--directions=3"], "mix, dir"),
        (["sample", "--workdir=.", "--mix_from=2"], "must come with `--mix`"),
        (["project", "--workdir=."], "`--image` must be given"),
        (
            ["project", "--workdir=.", "--image=x", "--distance=lpip"],
            "Did you mean 'lpips'?",
        ),
    ],
)
def test_mistakes_are_told_before_any_work(
    words, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("TPU_NAME", raising=False)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("kerasgan: error: ")
    assert message in error
    assert not list(tmp_path.iterdir())


def test_dry_run_shows_everything_and_writes_nothing(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--recipe=acgan", "--dry_run", "--size=12x8"]) == 0
    output = capsys.readouterr().out
    assert "size = (12, 8)" in output or "size = [12, 8]" in output
    assert "image_shape = [12, 8, 1]" in output
    assert "1,797" in output or "1797" in output
    assert "parameters" in output and "MB" in output
    assert "runs/acgan-digits" in output
    assert not list(tmp_path.iterdir())


def test_an_optional_package_that_is_missing_is_no_traceback(
    capsys, monkeypatch
):
    from kerasgan.cli import list as command

    def fail(error):
        def run(values):
            raise error

        monkeypatch.setattr(command, "run", run)

    fail(ImportError("DINOv2 must have KerasHub."))
    assert main(["list"]) == 2
    error = capsys.readouterr().err
    assert error == "kerasgan: error: DINOv2 must have KerasHub.\n"
    fail(ModuleNotFoundError("No module named 'broken'", name="broken"))
    with pytest.raises(ModuleNotFoundError):
        main(["list"])


def test_an_interrupt_before_training_is_neither_lost_nor_a_traceback(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "kerasgan.cli.main", "train"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(1.0)  # In the middle of the imports.
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in output and "Traceback" not in output
    assert not list(tmp_path.iterdir())


def test_fields_that_are_new_change_nothing():
    """A run goes on whose recipe had not all of today's fields."""
    from kerasgan import recipes
    from kerasgan.recipes.recipe import differences

    new = recipes.get("acgan").to_dict()
    old = {k: v for k, v in new.items() if k not in ("augmenter", "width")}
    del old["fake_classification"]
    assert differences({**old, "width": 3}, new) == [
        "width: 3 before, 64 now",
    ]
