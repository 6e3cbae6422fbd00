"""Images that are arrays already: the bundled digits, NumPy arrays, .npz."""

import hashlib
import pathlib
import zipfile

import numpy as np
from PIL import Image

from kerasgan.data import decoding
from kerasgan.errors import UnknownSplit

_CHANNELS = (1, 2, 3, 4)  # Two are grey and alpha.
_SPLITS = {"val": "validation", "valid": "validation"}


class ArraySource:
    """Images uint8 [n, h, w, c], labels int32 [n] or None."""

    has_names = False

    def __init__(self, name, pixels, labels=None, class_names=None):
        self.name = name
        self.pixels = pixels
        self.labels = labels
        self.class_names = class_names
        self.count = len(pixels)
        self.uniform_shape = pixels.shape[1:]

    def item_name(self, index):
        return str(index)

    def image(self, index):
        """The item -> (Pillow image, None: see `content_digest`)."""
        pixels = self.pixels[index]
        channels = pixels.shape[-1]
        if channels == 1:
            pixels = pixels[..., 0]
        height, width = pixels.shape[:2]
        image = Image.frombytes(
            decoding.MODES[channels], (width, height), pixels.tobytes()
        )
        return image, None

    def content_digest(self):
        """SHA-256 of all pixels."""
        content = hashlib.sha256(str(self.pixels.shape).encode())
        for start in range(0, self.count, 4096):
            part = np.ascontiguousarray(self.pixels[start : start + 4096])
            content.update(part)
        return content.digest()


def digits(split="train"):
    """The 1,797 handwritten digits, 8x8 grey, that scikit-learn brings."""
    from sklearn.datasets import load_digits

    _check_only_train(split, "digits")
    bunch = load_digits()
    # 17 levels, 0..16 -> 0..255.
    pixels = np.rint(bunch.images * (255 / 16)).astype("uint8")[..., None]
    names = tuple(str(digit) for digit in range(10))
    return ArraySource("digits", pixels, bunch.target.astype("int32"), names)


def from_arrays(source, split="train"):
    """An array of images, or the pair (images, labels)."""
    _check_only_train(split, "an array")
    images, labels = source if isinstance(source, tuple) else (source, None)
    return _array_source("arrays", images, labels)


def from_npz(path, split="train"):
    """The arrays of an .npz file, found by the names that are usual."""
    pairs = _usual_keys(_SPLITS.get(split, split))
    try:
        if not zipfile.is_zipfile(path):  # NumPy would speak of pickles.
            raise ValueError("it is no archive")
        with np.load(path, allow_pickle=False) as arrays:
            keys = arrays.files
            pair = next((pair for pair in pairs if pair[0] in keys), ())
            found = [arrays[key] for key in pair if key in keys]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            "`source` must be an .npz file of arrays; this one cannot be "
            f"read ({error}). Received: source={str(path)!r}. Write it with "
            "`np.savez(path, images=..., labels=...)`"
        ) from error
    if not found:
        raise UnknownSplit(
            "`source` must hold one of the arrays "
            f"{', '.join(images for images, _ in pairs)} for `split`={split!r}."
            f" Received: source={str(path)!r} with {', '.join(keys) or 'none'}"
        )
    return _array_source(pathlib.Path(path).stem, *found)


def _usual_keys(split):
    """Names of images and of their labels, in order of preference."""
    pairs = [
        (f"x_{split}", f"y_{split}"),
        (f"{split}_images", f"{split}_labels"),
    ]
    if split == "validation":
        pairs += [("x_val", "y_val"), ("val_images", "val_labels")]
    if split == "train":
        pairs += [("images", "labels"), ("x", "y"), ("arr_0", "arr_1")]
    return pairs


def _check_only_train(split, what):
    if split != "train":
        raise UnknownSplit(
            f"`split` must be 'train', the only split of {what}. "
            f"Received: split={split!r}"
        )


def _array_source(name, images, labels=None):
    pixels = _checked_pixels(np.asarray(images))
    if labels is not None:
        labels = _checked_labels(np.asarray(labels), len(pixels))
    return ArraySource(name, pixels, labels)


def _checked_pixels(images):
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in _CHANNELS:
        raise ValueError(
            "Images must be an array [n, h, w] or [n, h, w, c] with 1 to 4 "
            f"channels, the last axis. Received: shape={images.shape}. Pass "
            "several arrays as the pair (images, labels), and bring channels "
            "to the end with `np.moveaxis(images, 1, -1)`"
        )
    if 0 in images.shape:
        raise ValueError(
            f"Images must not be empty. Received: shape={images.shape}"
        )
    if images.dtype == np.bool_:
        return images.astype("uint8") * np.uint8(255)
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            "Images must be uint8, bool, or floating point in [0, 1] or "
            f"[-1, 1]. Received: dtype={images.dtype}. If the values are 0 "
            "to 255, pass `images.astype('uint8')`"
        )
    return _quantised(images)


def _quantised(images):
    """Floating point -> uint8. Any value below 0 says [-1, 1], else [0, 1]."""
    low, high = images.min(), images.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int(np.sum(~np.isfinite(images).all(axis=(1, 2, 3))))
        raise ValueError(
            "Images must be finite. Received: NaN or infinity in "
            f"{bad:,} of {len(images):,} images"
        )
    if low < -1 or high > 1:
        raise ValueError(
            "Floating point images must lie in [0, 1] or [-1, 1]. Received: "
            f"values from {low:g} to {high:g}. Divide them, or pass "
            "`images.astype('uint8')` if they are 0 to 255"
        )
    scale, offset = (127.5, 127.5) if low < 0 else (255.0, 0.0)
    pixels = np.empty(images.shape, "uint8")
    for start in range(0, len(images), 4096):  # To spare memory.
        part = images[start : start + 4096].astype("float32")
        pixels[start : start + 4096] = np.rint(part * scale + offset)
    return pixels


def _checked_labels(labels, count):
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (count,):
        raise ValueError(
            "Labels must have the shape [n], one integer for each image. "
            f"Received: shape={labels.shape} for {count:,} images. Of one-hot "
            "labels take `labels.argmax(axis=1)`"
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        lowest = labels.min() if labels.dtype.kind in "iuf" else "no number"
        raise ValueError(
            "Labels must be integers from 0. Received: "
            f"dtype={labels.dtype}, lowest={lowest}. Number any others with "
            "`np.unique(labels, return_inverse=True)[1]`"
        )
    return labels.astype("int32")
