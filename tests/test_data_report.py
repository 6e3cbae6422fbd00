"""The report finds what is wrong with a set of images."""

import json

import numpy as np
from data_files import images_folder, noise, write

import kerasgan.data
from kerasgan.data import report as reports


def faces(count, size=16):
    """Images alike: a soft blob, more or less bright, and noise."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] - size / 2
    blob = np.exp(-(y**2 + x**2) / size)
    bright = random.normal(160, 10, (count, 1, 1))
    pixels = bright * blob + random.normal(40, 4, (count, size, size))
    return np.clip(pixels, 0, 255).astype("uint8")


def test_duplicates_constants_and_outliers_are_found():
    pixels = faces(200)
    pixels[7] = pixels[150] = pixels[3]
    pixels[20] = 90
    pixels[40] = 255 - pixels[40]
    report = kerasgan.data.load(pixels).report()
    assert report.duplicates == (("3", "7", "150"),)
    assert report.near_constant == ("20",)
    assert {name for name, _ in report.outliers[:2]} == {"20", "40"}
    assert report.examined == 200
    text = str(report)
    assert "2 copies of others: 3 = 7 = 150" in text
    assert "near constant  1: 20" in text


def test_nothing_is_found_where_nothing_is_wrong():
    report = kerasgan.data.load(faces(200)).report()
    assert report.duplicates == report.near_constant == report.outliers == ()
    assert str(report).count("none") == 4


def test_files_are_named(tmp_path):
    images_folder(tmp_path, count=22)
    write(
        tmp_path,
        {
            "copy.png": noise(10, 10, seed=4),
            "red.png": np.full((10, 10, 3), [255, 0, 0], "uint8"),
            "text.png": b"text",
        },
    )
    data = kerasgan.data.load(tmp_path)
    report = data.report()
    assert report.duplicates == (("04.png", "copy.png"),)
    assert report.near_constant == ("red.png",)
    assert [name for name, _ in report.unreadable] == ["text.png"]
    assert report.modes == {"RGB": 24}
    assert report.sizes["median"] == (10, 10)
    for name in "04.png = copy.png", "red.png", "text.png (not an image":
        assert name in str(report)
    assert json.loads(report.to_json()) == report.to_dict()


def test_classes_are_counted():
    labels = np.repeat([0, 2], [15, 10])
    report = kerasgan.data.load((faces(25), labels)).report()
    assert report.class_counts == {"0": 15, "1": 0, "2": 10}
    assert "3, of 0 to 15 images" in str(report)


def test_large_sets_are_sampled(monkeypatch):
    monkeypatch.setattr(reports, "ALL_UP_TO", 100)
    monkeypatch.setattr(reports, "SAMPLE", 40)
    report = kerasgan.data.load(faces(120)).report()
    assert report.examined == 40
    assert "a sample of 40 images" in str(report)
    assert kerasgan.data.load(faces(100)).report().examined == 100


def test_thumbnails_are_means():
    ramp = np.arange(40.0)
    means = reports._averaging(40) @ ramp  # 16 parts of 2.5 pixels.
    np.testing.assert_allclose(means[:2], [0.8, 3.2], rtol=1e-6)
    np.testing.assert_allclose(means.mean(), ramp.mean(), rtol=1e-6)
