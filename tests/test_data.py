"""Sources and preparation: every image ends up as the pixels it should."""

import io
import shutil
import struct
import tarfile
import unicodedata
import zipfile
import zlib

import numpy as np
import pytest
from data_files import encoded, images_folder, noise, write
from PIL import Image

import kerasgan.data
from kerasgan.data import decoding


def pixels_of(folder, **arguments):
    data = kerasgan.data.load(folder, **arguments)
    return data.pixels(range(data.count))


def test_digits():
    data = kerasgan.data.load("digits")
    assert (data.count, data.image_shape) == (1797, (8, 8, 1))
    assert (data.name, data.classes) == ("digits", 10)
    assert data.class_names == tuple("0123456789")
    pixels = data.pixels(range(1797))
    # 17 levels, and the rarest of them are there.
    assert len(np.unique(pixels)) == 17
    assert (pixels.min(), pixels.max()) == (0, 255)
    images = data.images(range(1797))
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (-1, 1)
    labels = data.labels(range(10))
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, np.arange(10))
    assert kerasgan.data.load("digits", size=28).image_shape == (28, 28, 1)


def test_flat_folder_has_no_labels(tmp_path):
    folder = images_folder(tmp_path / "photos", count=3)
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"")
    data = kerasgan.data.load(folder)
    assert (data.count, data.classes, data.name) == (3, None, "photos")
    assert data.item_names == ("00.png", "01.png", "02.png")
    assert data.image_shape == (10, 10, 3)
    assert data.unreadable == ()
    for index in range(3):
        expected = noise(10, 10, seed=index)
        np.testing.assert_array_equal(data.pixels([index])[0], expected)


def test_large_files_are_read_to_their_end(tmp_path):
    large = noise(400, 300)
    folder = write(tmp_path / "folder", {"large.bmp": large})
    assert (folder / "large.bmp").stat().st_size > 350_000
    with zipfile.ZipFile(tmp_path / "large.zip", "w") as archive:
        archive.write(folder / "large.bmp", "large.bmp")
    for source in (folder, tmp_path / "large.zip"):
        np.testing.assert_array_equal(pixels_of(source)[0], large)


def test_nested_folder_is_sorted_by_name(tmp_path):
    names = ["b/2/x.png", "a.png", "b/1/y.PNG", "b/z.png"]
    write(tmp_path, {name: noise(4, 4) for name in names})
    data = kerasgan.data.load(tmp_path)
    assert data.item_names == ("a.png", "b/1/y.PNG", "b/2/x.png", "b/z.png")
    assert data.classes is None


@pytest.mark.parametrize("above", ["", "train/", "download/all/"])
def test_one_folder_per_class(tmp_path, above):
    for folder in "dog", "cat":
        images_folder(tmp_path, count=2, prefix=f"{above}{folder}/")
    data = kerasgan.data.load(tmp_path)
    assert data.class_names == ("cat", "dog")
    np.testing.assert_array_equal(data.labels(range(4)), [0, 0, 1, 1])


def test_a_loose_image_means_no_classes(tmp_path):
    for folder in "dog/", "cat/", "":
        images_folder(tmp_path, count=1, prefix=folder)
    assert kerasgan.data.load(tmp_path).classes is None
    for folder in "2019/may/", "2020/june/":
        images_folder(tmp_path / "years", count=1, prefix=folder)
    assert kerasgan.data.load(tmp_path / "years").classes is None
    images_folder(tmp_path / "one", count=3, prefix="only/")
    assert kerasgan.data.load(tmp_path / "one").classes is None


def test_splits_of_a_folder(tmp_path):
    images_folder(tmp_path, count=2, prefix="train/")
    images_folder(tmp_path, count=3, prefix="val/")
    assert kerasgan.data.load(tmp_path).count == 2
    assert kerasgan.data.load(tmp_path, split="validation").count == 3
    with pytest.raises(ValueError, match="one of train, val, .*split='test'"):
        kerasgan.data.load(tmp_path, split="test")
    with pytest.raises(ValueError, match="must be 'train'.*split='test'"):
        kerasgan.data.load(tmp_path / "train", split="test")


def test_unicode_names(tmp_path):
    names = ["été.png", "日本語/写真.png", "emoji 😀.png"]
    write(tmp_path, {name: noise(4, 4) for name in names})
    data = kerasgan.data.load(tmp_path)
    normal = {unicodedata.normalize("NFC", name) for name in data.item_names}
    assert normal == set(names)
    assert str(data.report())


def test_archives_equal_the_folder(tmp_path):
    folder = tmp_path / "pets"
    for name in "dog", "cat":
        images_folder(folder, count=3, prefix=f"{name}/")
    write(folder, {"dog/broken.png": b"not an image"})
    expected = kerasgan.data.load(folder, max_unreadable=0.2)
    formats = {"zip": "zip", "tar": "tar", "gztar": "tar.gz", "xztar": "tar.xz"}
    for format, suffix in formats.items():
        path = tmp_path / f"a_{format}" / f"pets.{suffix}"
        path.parent.mkdir()
        shutil.make_archive(str(path)[: -len(suffix) - 1], format, folder)
        for cache_bytes in None, 0:
            data = kerasgan.data.load(
                path, max_unreadable=0.2, cache_bytes=cache_bytes
            )
            assert data.name == "pets"
            assert data.fingerprint == expected.fingerprint
            assert data.unreadable == expected.unreadable
            assert data.item_names == expected.item_names
            np.testing.assert_array_equal(
                data.images(range(6)), expected.images(range(6))
            )
            np.testing.assert_array_equal(
                data.labels(range(6)), expected.labels(range(6))
            )
        assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_paths_inside_an_archive_are_not_trusted(tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("../../up.png", encoded(noise(4, 4)))
        opened.writestr("/root.png", encoded(noise(4, 4, seed=1)))
        opened.writestr("__MACOSX/._up.png", b"")
    data = kerasgan.data.load(path)
    assert data.item_names == ("root.png", "up.png")
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as opened:
        link = tarfile.TarInfo("password.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
        content = encoded(noise(4, 4))
        member = tarfile.TarInfo("../a.png")
        member.size = len(content)
        opened.addfile(member, io.BytesIO(content))
    assert kerasgan.data.load(path).item_names == ("a.png",)


def _bomb():
    """A PNG that says 60,000 x 60,000 pixels, and has none."""
    size = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    checked = struct.pack(">I", 13) + size + struct.pack(">I", zlib.crc32(size))
    return b"\x89PNG\r\n\x1a\n" + checked + struct.pack(">I", 9) + b"IDAT"


@pytest.mark.parametrize("prepared", [{}, {"size": 10, "channels": 3}])
def test_unreadable_files_are_skipped_and_named(tmp_path, prepared):
    images_folder(tmp_path, count=36)
    jpeg = encoded(noise(64, 64), "JPEG")
    write(
        tmp_path,
        {
            "03_cut.jpg": jpeg[: len(jpeg) // 2],
            "04_text.png": b"I am a text",
            "05_empty.gif": b"",
            "06_bomb.png": _bomb(),
        },
    )
    data = kerasgan.data.load(tmp_path, **prepared)
    assert data.count == 36
    reasons = dict(data.unreadable)
    assert list(reasons) == [
        "03_cut.jpg", "04_text.png", "05_empty.gif", "06_bomb.png"
    ]  # fmt: skip
    assert "truncated" in reasons["03_cut.jpg"]
    assert "not an image" in reasons["04_text.png"]
    assert "bomb" in reasons["06_bomb.png"]
    # What follows a gap keeps its own pixels.
    for cache_bytes in None, 0:
        data = kerasgan.data.load(
            tmp_path, size=10, channels=3, cache_bytes=cache_bytes
        )
        place = data.item_names.index("35.png")
        np.testing.assert_array_equal(
            data.pixels([place])[0], noise(10, 10, seed=35)
        )


def test_too_many_unreadable_files_are_an_error(tmp_path):
    images_folder(tmp_path, count=7)
    write(tmp_path, {f"x{i}.png": b"text" for i in range(3)})
    for prepared in {}, {"size": 8, "channels": 1}:
        with pytest.raises(ValueError, match=r"10% of .* x0.png \(not an im"):
            kerasgan.data.load(tmp_path, **prepared)
    assert kerasgan.data.load(tmp_path, max_unreadable=0.3).count == 7
    for name in range(7):
        (tmp_path / f"0{name}.png").unlink()
    with pytest.raises(ValueError, match="must hold readable images"):
        kerasgan.data.load(tmp_path, max_unreadable=1.0)


def test_mixed_sizes_become_64px(tmp_path):
    write(tmp_path, {"a.png": noise(100, 80), "b.png": noise(30, 90)})
    data = kerasgan.data.load(tmp_path)
    assert data.image_shape == (64, 64, 3)
    sizes = data.report().sizes
    assert (sizes["min"], sizes["max"]) == ((30, 80), (100, 90))


def test_one_size_is_kept_with_grey_as_one_channel(tmp_path):
    write(tmp_path, {"a.png": noise(5, 1, 1), "b.png": noise(5, 1, 1, seed=1)})
    data = kerasgan.data.load(tmp_path)
    assert data.image_shape == (5, 1, 1)
    np.testing.assert_array_equal(data.pixels([0])[0, ..., 0], noise(5, 1, 1))
    write(tmp_path, {"c.png": noise(5, 1)})
    assert kerasgan.data.load(tmp_path).image_shape == (5, 1, 3)


def test_one_pixel(tmp_path):
    write(tmp_path, {"a.png": np.array([[[10, 20, 30]]], "uint8")})
    np.testing.assert_array_equal(pixels_of(tmp_path), [[[[10, 20, 30]]]])
    big = pixels_of(tmp_path, size=(2, 3))
    np.testing.assert_array_equal(big, np.full((1, 2, 3, 3), [10, 20, 30]))


def test_alpha_shows_white(tmp_path):
    pixels = np.zeros((2, 2, 4), "uint8")
    pixels[0, 0] = 100, 0, 200, 255
    pixels[0, 1] = 100, 0, 200, 51
    pixels[1, 0] = 100, 0, 200, 0
    write(tmp_path, {"a.png": pixels})
    # A fifth of the colour and four fifths of 255.
    expected = [[[100, 0, 200], [224, 204, 244]], [[255] * 3, [255] * 3]]
    np.testing.assert_array_equal(pixels_of(tmp_path)[0], expected)
    np.testing.assert_array_equal(pixels_of(tmp_path, channels=4)[0], pixels)
    array = kerasgan.data.load(pixels[None])
    np.testing.assert_array_equal(array.pixels([0])[0], expected)


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png", transparency=1)
    expected = [[[255, 0, 0], [255, 255, 255]]]
    np.testing.assert_array_equal(pixels_of(tmp_path)[0], expected)
    image.save(tmp_path / "a.png")
    expected = [[[255, 0, 0], [0, 0, 255]]]
    np.testing.assert_array_equal(pixels_of(tmp_path)[0], expected)


def test_16_bits_are_scaled(tmp_path):
    pixels = np.array([[0, 128, 129, 257 * 77, 65535]], "uint16")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        pixels_of(tmp_path)[0, ..., 0], [[0, 0, 1, 77, 255]]
    )


def test_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned a quarter to the right.
    pixels = np.zeros((16, 32), "uint8")
    pixels[:, :16] = 255
    upright = encoded(pixels, "JPEG", exif=exif, quality=100)
    write(tmp_path, {"a.jpg": upright})
    (image,) = pixels_of(tmp_path)
    assert image.shape == (32, 16, 1)
    assert image[:16].min() > 250 and image[16:].max() < 5


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (50, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (pixels_of(tmp_path, channels=1) == 50).all()


def test_crop_takes_the_centre_or_stretches(tmp_path):
    pixels = np.zeros((10, 30), "uint8")
    pixels[:, 10:20] = noise(10, 10, 1)
    write(tmp_path, {"a.png": pixels})
    cut = pixels_of(tmp_path, size=10)[0, ..., 0]
    np.testing.assert_array_equal(cut, noise(10, 10, 1))
    stretched = pixels_of(tmp_path, size=10, crop=False)[0, ..., 0]
    expected = Image.fromarray(pixels).resize((10, 10), Image.LANCZOS)
    np.testing.assert_array_equal(stretched, np.asarray(expected))


def test_resizing_is_antialiased(tmp_path):
    stripes = np.tile(np.array([0, 255], "uint8"), (64, 32))
    write(tmp_path, {"a.png": stripes})
    small = pixels_of(tmp_path, size=8)[0, 2:6, 2:6, 0]
    np.testing.assert_allclose(small, 127.5, atol=1)


def test_arrays_and_npz(tmp_path):
    pixels = np.stack([noise(6, 5, 1, seed=i) for i in range(4)])
    labels = np.array([[2], [0], [1], [2]])
    data = kerasgan.data.load((pixels, labels))
    assert (data.image_shape, data.classes) == ((6, 5, 1), 3)
    assert data.class_names is None
    np.testing.assert_array_equal(data.labels([0, 3]), [2, 2])
    np.testing.assert_array_equal(data.pixels(range(4))[..., 0], pixels)
    expected = data.images(range(4))
    for keys in ("images", "labels"), ("x_train", "y_train"), ("x", "y"):
        path = tmp_path / f"{keys[0]}.npz"
        np.savez(path, **dict(zip(keys, (pixels, labels), strict=True)))
        loaded = kerasgan.data.load(path)
        assert (loaded.name, loaded.fingerprint) == (keys[0], data.fingerprint)
        np.testing.assert_array_equal(loaded.images(range(4)), expected)
    np.savez(tmp_path / "plain.npz", pixels)
    assert kerasgan.data.load(str(tmp_path / "plain.npz")).classes is None


def test_ranges_of_floats():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16)
    expected = kerasgan.data.load(levels).images([0])
    for floats in levels / 255.0, levels / 127.5 - 1, np.float32(levels) / 255:
        data = kerasgan.data.load(floats)
        np.testing.assert_array_equal(data.images([0]), expected)
    black_and_white = kerasgan.data.load(levels > 127).pixels([0])
    assert set(black_and_white.ravel()) == {0, 255}


def test_resized_array_equals_the_file(tmp_path):
    write(tmp_path, {"a.png": noise(9, 12)})
    array = kerasgan.data.load(noise(9, 12)[None], size=5)
    np.testing.assert_array_equal(
        array.pixels([0]), pixels_of(tmp_path, size=5)
    )
    demanded = kerasgan.data.load(noise(9, 12)[None], size=5, cache_bytes=0)
    assert not demanded.in_memory
    np.testing.assert_array_equal(demanded.pixels([0]), array.pixels([0]))


def test_fingerprint_tells_what_matters(tmp_path):
    images_folder(tmp_path / "a", count=3)
    images_folder(tmp_path / "b", count=3)
    images_folder(tmp_path / "c", count=3)
    write(tmp_path / "c", {"02.png": noise(10, 10, seed=99)})
    images_folder(tmp_path / "d", count=2)
    write(tmp_path / "d", {"03.png": noise(10, 10, seed=2)})
    load = kerasgan.data.load
    first = load(tmp_path / "a").fingerprint
    assert len(first) == 64
    assert load(tmp_path / "b").fingerprint == first
    others = [
        load(tmp_path / "c"),
        load(tmp_path / "d"),
        load(tmp_path / "a", size=8),
        load(tmp_path / "a", channels=1),
        load(tmp_path / "a", crop=False),
    ]
    assert len({first, *(data.fingerprint for data in others)}) == 6
    pixels = np.stack([noise(4, 4, 1, seed=i) for i in range(3)])
    arrays = [load(pixels), load(pixels[::-1]), load((pixels, [0, 1, 2]))]
    assert len({data.fingerprint for data in arrays}) == 3


@pytest.mark.parametrize(
    "source, arguments, words",
    [
        ("/no/such/place", {}, "a path that exists.*'/no/such/place'"),
        ("fashion_mnits", {}, "nearest names: fashion_mnist"),
        ("digit", {}, "nearest names: digits"),
        ("digits", {"split": "test"}, "`split` must be 'train'.*'test'"),
        ("digits", {"size": 0}, r"`size` must be .* Received: size=0"),
        ("digits", {"size": "64"}, "Received: size='64'"),
        ("digits", {"channels": 2}, "`channels` .* Received: channels=2"),
        ("digits", {"max_unreadable": 10}, "Received: max_unreadable=10"),
        ("digits", {"cache_bytes": -1}, "Received: cache_bytes=-1"),
        (np.zeros((3, 4)), {}, r"shape=\(3, 4\)"),
        (np.zeros((3, 7, 8, 8)), {}, r"np.moveaxis"),
        (np.zeros((0, 8, 8)), {}, "must not be empty"),
        (np.zeros((3, 8, 8), int), {}, r"astype\('uint8'\)"),
        (np.full((3, 8, 8), np.nan), {}, "NaN or infinity in 3 of 3"),
        (np.full((3, 8, 8), 7.0), {}, "values from 7 to 7"),
        ((np.zeros((3, 8, 8)), np.eye(3)), {}, "argmax"),
        ((np.zeros((3, 8, 8)), [0, 1]), {}, r"shape=\(2,\) for 3 images"),
        ((np.zeros((3, 8, 8)), [0, -1, 2]), {}, "lowest=-1"),
        ((np.zeros((3, 8, 8)), list("abc")), {}, "np.unique"),
    ],
)
def test_mistakes_are_explained(source, arguments, words):
    with pytest.raises(ValueError, match=words):
        kerasgan.data.load(source, **arguments)


def test_mistakes_in_files_are_explained(tmp_path):
    load = kerasgan.data.load
    with pytest.raises(ValueError, match=r"must hold images \(.png, "):
        load(write(tmp_path / "texts", {"a.txt": b"", "b.txt": b""}))
    with pytest.raises(ValueError, match="a .zip or .tar archive"):
        load(write(tmp_path, {"a.txt": b"text"}) / "a.txt")
    with pytest.raises(ValueError, match="it is no archive.*np.savez"):
        load(write(tmp_path, {"a.npz": b"text"}) / "a.npz")
    np.savez(tmp_path / "b.npz", pictures=np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match="one of the arrays .* with pictures"):
        load(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", images=np.array([{}, []], object))
    with pytest.raises(ValueError, match="cannot be read .*pickle"):
        load(tmp_path / "c.npz")
    shutil.make_archive(str(tmp_path / "d"), "gztar", tmp_path / "texts")
    cut = (tmp_path / "d.tar.gz").read_bytes()[:-20]
    (tmp_path / "d.tar.gz").write_bytes(cut)
    with pytest.raises(ValueError, match="undamaged archive"):
        load(tmp_path / "d.tar.gz")


def test_a_file_that_breaks_later_is_named(tmp_path):
    folder = images_folder(tmp_path, count=2)
    data = kerasgan.data.load(folder, cache_bytes=0)
    (folder / "01.png").write_bytes(b"")
    with pytest.raises(ValueError, match="'01.png' was readable .* empty"):
        data.images([0, 1])


def test_reasons_are_never_empty():
    with pytest.raises(decoding.Unreadable, match="."):
        decoding.decode(io.BytesIO(b"GIF89a"))
