"""Images as files: grids, strips between latents, animations.

Everything here takes images [n, h, w, c] in [-1, 1], c being 1, 3 or 4.
"""

import math
import os

import numpy as np

from kerasgan import storage


def to_uint8(images):
    """Images in [-1, 1] -> uint8, -1 to 0 and 1 to 255; what is out is cut."""
    images = np.asarray(images, "float32")
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "Images must have the shape [n, h, w, c] with 1, 3 or 4 channels. "
            f"Received: shape={images.shape}"
        )
    return np.clip(np.round((images + 1.0) * 127.5), 0, 255).astype("uint8")


def grid(images, columns=None, smallest_px=32, gap_px=2):
    """Images -> one picture uint8 [H, W, c], row by row.

    Args:
        columns: Per row; None makes it about as wide as high.
        smallest_px: Smaller images are enlarged by whole pixels, so that one
            can see them.
        gap_px: White space between images.
    """
    images = to_uint8(images)
    count, height, width, channels = images.shape
    scale = max(1, math.ceil(smallest_px / max(height, width)))
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = height * scale + gap_px, width * scale + gap_px
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    shape = (rows * height + gap_px, columns * width + gap_px, channels)
    picture = np.full(shape, 255, "uint8")
    for index, image in enumerate(images):
        top = index // columns * height + gap_px
        left = index % columns * width + gap_px
        picture[top : top + height - gap_px, left : left + width - gap_px] = (
            image
        )
    return picture


def save(path, picture):
    """Writes a picture uint8 [H, W, c]; the file is whole or not there."""
    image, kind = _pillow(picture), _format(path)
    if kind == "JPEG":  # It knows no transparency.
        image = image.convert("RGB") if image.mode == "RGBA" else image
    with storage.replacing(path) as part:
        image.save(part, format=kind)


def save_animation(path, pictures, seconds=4.0):
    """Writes pictures as an animated GIF, WebP or PNG that repeats."""
    first, *others = [_pillow(picture) for picture in pictures]
    kind = _format(path)
    with storage.replacing(path) as part:
        first.save(
            part,
            format=kind,
            save_all=True,
            append_images=others,
            duration=round(1000 * seconds / len(pictures)),
            loop=0,
        )


def interpolate(start, end, steps):
    """Two latents [d] -> [steps, d] on the arc between them, ends included.

    Spherical, since normal latents lie near a sphere (White 2016,
    https://arxiv.org/abs/1609.04468); straight where they are parallel.
    """
    shares = np.linspace(0.0, 1.0, steps, dtype="float32")[:, None]
    cosine = np.dot(start, end) / (
        np.linalg.norm(start) * np.linalg.norm(end) + 1e-12
    )
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if np.sin(angle) < 1e-6:
        return (1.0 - shares) * start + shares * end
    return (
        np.sin((1.0 - shares) * angle) * start + np.sin(shares * angle) * end
    ) / np.sin(angle)


def _pillow(picture):
    from PIL import Image

    return Image.fromarray(
        picture[..., 0] if picture.shape[-1] == 1 else picture
    )


def _format(path):
    """Pillow's name for a file's ending."""
    from PIL import Image

    ending = os.path.splitext(path)[1].lower()
    formats = Image.registered_extensions()
    if ending not in formats:
        raise ValueError(
            "A picture's file must end in one of .png, .jpg, .gif, .webp. "
            f"Received: {path!r}"
        )
    return formats[ending]
