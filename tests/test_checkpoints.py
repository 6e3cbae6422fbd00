"""Checkpoints and counts, where a training takes an unusual course."""

import numpy as np
import pytest
import test_runs

import kerasgan
from kerasgan.callbacks import EveryImages, images_seen
from kerasgan.runs.train import train
from kerasgan.runs.workdir import Workdir
from kerasgan.training import checkpoints


@pytest.fixture(scope="module")
def model():
    return test_runs.small().build((8, 8, 1), None)


def names(folder):
    return sorted(int(path.stem[-12:]) for path in folder.iterdir())


def save_at(model, folder, images):
    model.images_seen.assign(images)
    return checkpoints.save(model, folder)


def test_the_newest_two_are_kept_and_an_abandoned_future_is_not(
    model, tmp_path
):
    for images in (100, 200, 300):
        save_at(model, tmp_path, images)
    assert names(tmp_path) == [200, 300]
    torn = tmp_path / "images_000000009999.npz"
    torn.write_bytes(b"torn")
    assert checkpoints.restore(model, tmp_path) is not None
    assert int(model.images_seen) == 300
    save_at(model, tmp_path, 400)
    assert names(tmp_path) == [300, 400]


def test_what_is_not_finite_is_not_kept(model, tmp_path):
    save_at(model, tmp_path, 100)
    weight = model.generator.trainable_weights[0]
    before = weight.numpy()
    weight.assign(before * np.nan)
    with pytest.raises(FloatingPointError, match="is not finite"):
        save_at(model, tmp_path, 200)
    assert names(tmp_path) == [100]
    weight.assign(before)


def test_integers_of_another_backend_are_read(model, tmp_path):
    path = save_at(model, tmp_path, 100)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays = {
        name: array.astype("int32") if array.dtype == "int64" else array
        for name, array in arrays.items()
    }
    np.savez(path, **arrays)
    model.images_seen.assign(0)
    checkpoints.restore(model, tmp_path)
    assert int(model.images_seen) == 100


def test_another_model_is_refused_whole(model, tmp_path):
    save_at(model, tmp_path, 100)
    other = test_runs.small(width="16").build((8, 8, 1), None)
    before = other.get_weights()
    with pytest.raises(ValueError, match="must be of this model"):
        checkpoints.restore(other, tmp_path)
    for one, two in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_images_are_counted_with_partial_batches():
    class Record(EveryImages):
        fired = ()

        def fire(self, images_seen):
            self.fired += (images_seen,)

    gan = test_runs.small().build((8, 8, 1), None)
    record = Record(50)
    images = np.zeros((81, 8, 8, 1), "float32")
    gan.fit(images, batch_size=64, epochs=4, verbose=0, callbacks=[record])
    assert images_seen(gan) == 324
    # 64, 81, 145, 162, ...: each step that passes a multiple of 50.
    assert record.fired == (64, 145, 162, 226, 307)


@pytest.mark.slow
def test_an_extended_run_has_no_stale_model(tmp_path, monkeypatch):
    workdir = tmp_path / "run"
    assert train(test_runs.small(total_images="64"), workdir) == 0
    with monkeypatch.context() as patch:
        patch.setattr("kerasgan.runs.train._finish", lambda *_: None)
        train(test_runs.small(total_images="128"), workdir)
    assert not Workdir(workdir).model.exists()
    assert train(test_runs.small(total_images="128"), workdir) == 0
    saved = kerasgan.load(Workdir(workdir).model)
    assert int(saved.images_seen) == 128
