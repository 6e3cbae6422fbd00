"""Runs in their workdir: train, watch, stop, resume, extend, sample."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from kerasgan import pictures, recipes
from kerasgan.cli.main import main
from kerasgan.runs import project as project_run
from kerasgan.runs import tables
from kerasgan.runs.project import project
from kerasgan.runs.sample import load_model, sample
from kerasgan.runs.train import train
from kerasgan.runs.workdir import Workdir
from kerasgan.storage import read_jsonl

SMALL = {
    "width": "8",
    "latent_size": "8",
    "batch_size": "32",
    "total_images": "640",
    "sample_every": "320",
    "log_every": "160",
}


def small(name="dcgan", **texts):
    return recipes.get(name).override({**SMALL, **texts})


def arrays(workdir):
    """The newest checkpoint's arrays."""
    newest = max(Workdir(workdir).checkpoints.glob("*.npz"))
    with np.load(newest) as archive:
        return {n: archive[n] for n in archive.files if n != "notes"}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that nothing disturbed."""
    workdir = tmp_path_factory.mktemp("finished") / "run"
    assert train(small(), workdir) == 0
    return workdir


def test_a_run_leaves_what_it_says(finished):
    workdir = Workdir(finished)
    records = [json.loads(x) for x in workdir.metrics.read_text().splitlines()]
    assert [r["images"] for r in records] == [160, 320, 480, 640]
    assert all(np.isfinite(list(r.values())).all() for r in records)
    assert all(r["images_per_second"] > 0 for r in records)
    names = sorted(path.name for path in workdir.samples.iterdir())
    counts = [0, 320, 640]
    assert names == [f"images_{n:012d}.png" for n in counts] + ["real.png"]
    assert len(list(workdir.checkpoints.iterdir())) <= 2
    assert json.loads(workdir.recipe.read_text())["width"] == 8
    with Image.open(workdir.plot) as plot:
        assert np.asarray(plot).std() > 1
    assert not list(finished.rglob("part-*"))


def test_grids_change_and_the_real_one_is_real(finished):
    from sklearn.datasets import load_digits

    samples = Workdir(finished).samples
    first, last = (
        np.asarray(Image.open(samples / f"images_{n:012d}.png"))
        for n in (0, 640)
    )
    assert first.shape == last.shape and (first != last).mean() > 0.1
    corner = np.asarray(Image.open(samples / "real.png"))[2:34:4, 2:34:4]
    wanted = load_digits().images[0] / 16 * 255
    np.testing.assert_allclose(corner, wanted, atol=1)


def test_saved_model_is_the_checkpoint(finished):
    import kerasgan

    saved = kerasgan.load(Workdir(finished).model)
    assert int(saved.images_seen) == 640
    np.testing.assert_array_equal(
        saved.generate(5), load_model(finished).generate(5)
    )


def test_a_finished_run_says_so_and_can_be_extended(finished, tmp_path, capsys):
    workdir = shutil.copytree(finished, tmp_path / "run")
    before = arrays(workdir)
    assert train(small(), workdir) == 0
    assert "finished" in capsys.readouterr().out
    assert_same(before, arrays(workdir))
    assert train(small(total_images="960"), workdir) == 0
    assert "resuming at 640 images" in capsys.readouterr().out
    straight = tmp_path / "straight"
    assert train(small(total_images="960"), straight) == 0
    assert_same(arrays(straight), arrays(workdir))


@pytest.mark.parametrize(
    "delays", [(0.3,), pytest.param((0.0, 0.5), marks=pytest.mark.slow)]
)
def test_killed_runs_end_like_undisturbed_ones(delays, tmp_path):
    texts = {
        "total_images": "4800",
        "checkpoint_seconds": "0.1",
        "dropout": "0.3",
        "flip": "true",
        "translate": "0.1",
    }
    flags = [f"--set={k}={v}" for k, v in (SMALL | texts).items()]
    straight, killed = tmp_path / "straight", tmp_path / "killed"

    def start(workdir):
        command = [sys.executable, "-m", "kerasgan.cli.main", "train"]
        return subprocess.Popen(
            [*command, *flags, f"--workdir={workdir}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    assert train(small(**texts), straight) == 0
    checkpoints = Workdir(killed).checkpoints
    for delay in delays:
        seen = set(checkpoints.glob("*.npz"))
        process = start(killed)
        deadline = time.monotonic() + 120
        while set(checkpoints.glob("*.npz")) <= seen:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(delay)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    process = start(killed)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert "resuming at" in output
    assert_same(arrays(straight), arrays(killed))
    images = [
        json.loads(line)["images"]
        for line in Workdir(killed).metrics.read_text().splitlines()
    ]
    assert images == sorted(set(images))


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)],
)
def test_a_signal_ends_the_step_and_is_resumed(tmp_path, capsys, number):
    from kerasgan import callbacks

    class Send(callbacks.EveryImages):
        def fire(self, images_seen):
            os.kill(os.getpid(), number)

    workdir = tmp_path / "run"
    before = signal.getsignal(signal.SIGINT)  # Background jobs ignore it.
    send = Send(320)
    original = callbacks.StopOnSignal.on_train_begin

    def begin(self, logs=None):
        original(self, logs)
        send.set_model(self.model)
        send.on_train_begin()

    end = callbacks.StopOnSignal.on_train_batch_end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks.StopOnSignal, "on_train_begin", begin)
        patch.setattr(
            callbacks.StopOnSignal,
            "on_train_batch_end",
            lambda self, batch, logs=None: (
                send.on_train_batch_end(batch, logs),
                end(self, batch, logs),
            ),
        )
        assert train(small(), workdir) == 128 + number
    output = capsys.readouterr().out
    assert f"kerasgan train --workdir={workdir}" in output
    assert "at 320 images" in output
    assert signal.getsignal(signal.SIGINT) is before
    assert not Workdir(workdir).model.exists()
    # The printed command needs nothing but the workdir.
    assert main(["train", f"--workdir={workdir}"]) == 0
    assert "resuming at 320 images" in capsys.readouterr().out
    assert Workdir(workdir).model.exists()


def test_a_torn_checkpoint_gives_way_to_the_one_before(finished, tmp_path):
    workdir = shutil.copytree(finished, tmp_path / "run")
    good = max(Workdir(workdir).checkpoints.glob("*.npz"))
    torn = good.with_name("images_000000000999.npz")
    torn.write_bytes(good.read_bytes()[:-2000])
    assert int(load_model(workdir).images_seen) == 640
    # One flipped byte among the numbers is found too.
    with zipfile.ZipFile(good) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
    data = bytearray(good.read_bytes())
    data[largest.header_offset + largest.file_size // 2] ^= 1
    torn.write_bytes(data)
    for other in Workdir(workdir).checkpoints.glob("*.npz"):
        if other not in (torn, good):
            other.unlink()
    assert int(load_model(workdir).images_seen) == 640
    good.unlink()
    with pytest.raises(ValueError, match="None of the checkpoints"):
        load_model(workdir)


def test_a_workdir_of_another_recipe_is_refused(finished):
    before = arrays(finished)
    with pytest.raises(ValueError, match=r"width: 8 before, 16 now"):
        train(small(width="16"), finished)
    with pytest.raises(ValueError, match=r"recipe: 'dcgan' before"):
        train(small("lsgan"), finished)
    assert_same(before, arrays(finished))


def test_a_workdir_in_use_is_locked(finished):
    with Workdir(finished).lock():
        with pytest.raises(ValueError, match="in use"):
            train(small(total_images="960"), finished)


def test_nan_stops_the_run_and_names_quantity_and_step(tmp_path, capsys):
    workdir = tmp_path / "run"
    assert train(small(total_images="320"), workdir) == 0
    good = arrays(workdir)
    # Broken from outside, since no sane setting diverges in a few steps.
    from kerasgan.losses import NonSaturating

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            NonSaturating,
            "generator",
            lambda self, *, real, fake: fake * float("nan"),
        )
        with pytest.raises(FloatingPointError) as caught:
            train(small(), workdir)
    assert "generator_loss" in str(caught.value)
    assert "in step 11, at 352 images" in str(caught.value)
    assert_same(good, arrays(workdir))


# Ten seconds each; all but these train with the slow tests.
QUICK = ("acgan",)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
        for name in recipes.NAMES
    ],
)
def test_every_recipe_trains_on_digits(name, tmp_path):
    recipe = recipes.get(name)
    texts = {"width": "8", "latent_size": "8"}
    texts["batch_size"] = str(16 * recipe.discriminator_steps)
    texts["total_images"] = str(48 * recipe.discriminator_steps)
    workdir = tmp_path / "run"
    assert train(recipe.override(texts), workdir) == 0
    model = load_model(workdir)
    samples = model.generate(20)
    assert samples.shape == (20, 8, 8, 1)
    assert np.isfinite(samples).all()
    bounded = getattr(model.generator, "bounded", True)
    assert np.abs(samples).max() <= 1 or not bounded
    # The recipe's own words are what was built.
    assert (model.classes is not None) == recipe.conditional


@pytest.mark.parametrize(
    "texts, message",
    [
        ({"augmenter": "adda"}, "Did you mean 'ada'"),
        ({"augmenter_policy": "bg"}, "`augmenter_policy` must be None"),
        (
            {"augmenter": "diffaugment", "augmenter_target": "0.5"},
            "`augmenter_target` must be None",
        ),
        (
            {
                "augmenter": "ada",
                "augmenter_probability": "0.5",
                "augmenter_images": "100",
            },
            "`augmenter_images` must be None",
        ),
        ({"rate_decay_images": "100"}, "nothing is learned at a rate of 0"),
    ],
)
def test_fields_that_nothing_reads_are_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        small(**texts)


def test_augmentation_is_shown_and_logged(tmp_path):
    recipe = small(
        augmenter="ada",
        augmenter_policy="bg",
        augmenter_target="-1",
        augmenter_images="1000",
        total_images="320",
        log_every="64",
    )
    workdir = Workdir(tmp_path / "run")
    assert train(recipe, workdir.path) == 0
    lines = read_jsonl(workdir.metrics, having="discriminator_augmentation")
    seen = [line["discriminator_augmentation"] for line in lines]
    # It moves after the fifth step and the ninth; the last line is a mean over
    # the ninth and the tenth.
    np.testing.assert_allclose(seen[-1], 0.192, atol=1e-6)
    assert seen[0] == 0
    picture = np.asarray(Image.open(workdir.augmented))
    assert picture.shape == (6 * 34 + 2, 9 * 34 + 2)
    cells = [
        [picture[2 + 34 * i :][:32, 2 + 34 * j :][:, :32] for j in range(9)]
        for i in range(6)
    ]
    for first, *others in cells:
        changed = [np.abs(first.astype(int) - other).max() for other in others]
        assert max(changed) > 50


def test_samples_in_every_form(finished, tmp_path):
    sample(finished, tmp_path / "grid.png", count=9, seed=7)
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    assert grid.shape == (3 * 34 + 2, 3 * 34 + 2)
    sample(finished, tmp_path / "x.npz", count=9, seed=7)
    with np.load(tmp_path / "x.npz") as archive:
        assert archive.files == ["images"]
        images = archive["images"]
    assert images.shape == (9, 8, 8, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(grid[2:34:4, 2:34:4], images[0, ..., 0])
    sample(finished, tmp_path / "files", count=3, seed=7)
    files = sorted((tmp_path / "files").iterdir())
    assert [f.name for f in files] == [f"{i:06d}.png" for i in range(3)]
    np.testing.assert_array_equal(Image.open(files[1]), images[1, ..., 0])
    sample(finished, tmp_path / "loop.gif", count=12, interpolate=6)
    with Image.open(tmp_path / "loop.gif") as animation:
        assert animation.n_frames > 6  # Equal frames may be merged.
    sample(finished, tmp_path / "strips.png", count=10, interpolate=5)
    strips = np.asarray(Image.open(tmp_path / "strips.png"))
    assert strips.shape == (2 * 34 + 2, 5 * 34 + 2)
    # A strip ends where the next begins.
    np.testing.assert_array_equal(
        strips[2:34, 4 * 34 + 2 : 5 * 34], strips[36:68, 2:34]
    )


def test_labels_choose_the_class(tmp_path):
    workdir = tmp_path / "run"
    assert train(small("cgan"), workdir) == 0
    sample(workdir, tmp_path / "x.npz", count=5, labels=[3, 4])
    with np.load(tmp_path / "x.npz") as archive:
        np.testing.assert_array_equal(archive["labels"], [3, 4, 3, 4, 3])
        images = archive["images"]
    model = load_model(workdir)
    wanted = model.generate(5, labels=[3, 4, 3, 4, 3])
    np.testing.assert_allclose(images, (wanted + 1) * 127.5, atol=0.51)
    with pytest.raises(ValueError, match="from 0 to 9"):
        sample(workdir, tmp_path / "y.png", labels=[10])


def test_directions_as_a_picture_and_as_arrays(finished, tmp_path):
    tables.strips(finished, tmp_path / "x.npz", 2, seed=3)
    with np.load(tmp_path / "x.npz") as archive:
        images, amounts = archive["images"], archive["amounts"]
        direction = archive["directions"][1]
    model = load_model(finished)
    assert images.shape == (2, 9, 8, 8, 1) and images.dtype == np.uint8
    wanted = model.decode(model.latents(1, 3) + amounts[1, 8] * direction)
    np.testing.assert_allclose(images[1, 8], (wanted[0] + 1) * 127.5, atol=0.51)
    # Latents are normal: four deviations of them are four, or nearly.
    np.testing.assert_allclose(amounts[:, 8], 4.0, rtol=0.1)
    tables.strips(finished, tmp_path / "x.png", 2, seed=3)
    picture = np.asarray(Image.open(tmp_path / "x.png"))
    assert picture.shape[0] == 48 + 2 * 60 + 4
    assert np.any((picture == images[1, 8, 0, 0]).sum(axis=0) >= 7)


@pytest.mark.slow
def test_mixtures_stand_between_their_sources(tmp_path):
    workdir = tmp_path / "run"
    assert train(small("stylegan2", total_images="32"), workdir) == 0
    tables.mixtures(workdir, tmp_path / "x.npz", 2, from_layer=1)
    with np.load(tmp_path / "x.npz") as archive:
        images = archive["images"]
    assert images.shape == (3, 3, 8, 8, 1)
    assert np.all(images[0, 0] == 255)
    model = load_model(workdir)
    wanted = pictures.to_uint8(model.generate(4))
    np.testing.assert_array_equal(images[1:, 0], wanted[:2])
    np.testing.assert_array_equal(images[0, 1:], wanted[2:])


def test_projects_files_and_folders(finished, tmp_path):
    model, folder = load_model(finished), tmp_path / "in"
    folder.mkdir()
    targets = pictures.to_uint8(model.generate(2, seed=5))
    for index, target in enumerate(targets):
        # Three times as large, and in colour: prepared as the run's data.
        large = target.repeat(3, axis=0).repeat(3, axis=1).repeat(3, axis=2)
        Image.fromarray(large).save(folder / f"{index}.png")
    for image, count in ((folder, 2), (folder / "1.png", 1)):
        output = tmp_path / "out"
        found = project(finished, image, output, steps=40)
        assert found.distances[-1].max() < found.distances[0].max()
        with np.load(output / "latents.npz") as archive:
            assert list(archive["names"]) == ["0.png", "1.png"][-count:]
            wanted = pictures.to_uint8(model.decode(archive["latents"]))
            np.testing.assert_array_equal(archive["images"], wanted)
        for name in ("projection.png", "projected.png"):
            assert Image.open(output / name).size[0] > 32 * count
    (folder / "2.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="`image` must be readable"):
        project(finished, folder / "2.png", output)
    with pytest.raises(FileNotFoundError, match="image, or a folder"):
        project(finished, folder / "3.png", output)


@pytest.mark.parametrize(
    ("shape", "seen"),
    [((8, 10, 1), (32, 40, 3)), ((600, 300, 4), (300, 150, 3))],
)
def test_lpips_sees_images_of_a_size_that_it_knows(shape, seen, monkeypatch):
    class Stub:
        def distance(self, *, real, fake):
            assert real.shape == fake.shape == (2, *seen)
            return np.abs(real - fake).mean(axis=(1, 2, 3))

    monkeypatch.setattr("kerasgan.features.lpips.LPIPS", Stub)
    images = np.full((2, *shape), 0.5, "float32")
    found = project_run._lpips()(real=images, fake=-images)
    np.testing.assert_allclose(found, 1.0)


def test_wrong_requests_fail_before_any_work(finished, tmp_path):
    with pytest.raises(ValueError, match="takes none"):
        sample(finished, tmp_path / "x.png", labels=[1])
    with pytest.raises(ValueError, match="must end in"):
        sample(finished, tmp_path / "x.doc")
    with pytest.raises(ValueError, match="recipe.json"):
        sample(tmp_path / "nowhere", tmp_path / "x.png")
    with pytest.raises(ValueError, match="labelled data"):
        images = np.zeros((4, 8, 8, 1), "uint8")
        np.savez(tmp_path / "plain.npz", images=images)
        train(small("cgan", data=str(tmp_path / "plain.npz")), tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_data_that_run_out_leave_no_trace():
    """Keras only learns that data have ended by asking for more."""
    import tensorflow as tf

    model = small().build((8, 8, 1), None)
    images = tf.random.stateless_uniform((64, 8, 8, 1), (0, 1), -1.0, 1.0)
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(32)
    unknown = dataset.filter(lambda batch: True)
    assert unknown.cardinality() == tf.data.UNKNOWN_CARDINALITY
    model.fit(unknown, epochs=2, verbose=0)
    assert int(model.images_seen) == 128
    steps = [int(o.iterations) for o in model.optimizer.optimizers]
    assert steps == [4, 4]
