"""Images and folders that the data tests write for themselves."""

import io

import numpy as np
from PIL import Image


def noise(height, width, channels=3, seed=0):
    """uint8 [h, w] or [h, w, c], smooth enough to survive JPEG."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


def encoded(pixels, format="PNG", **options):
    """Array -> the bytes of an image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, **options)
    return file.getvalue()


def write(folder, files):
    """Writes {relative path: bytes or array}; returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, np.ndarray):
            content = encoded(content)
        path.write_bytes(content)
    return folder


def images_folder(folder, count=12, size=10, prefix=""):
    """`count` different images, 0.png to 11.png."""
    files = {
        f"{prefix}{i:02}.png": noise(size, size, seed=i) for i in range(count)
    }
    return write(folder, files)


def collect(dataset, batches):
    """The first batches of a stream, laid end to end."""
    return np.concatenate([batch.numpy() for batch in dataset.take(batches)])
