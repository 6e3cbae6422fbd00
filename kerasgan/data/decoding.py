"""One encoded image -> uint8 [h, w, c] of the wanted size and channels.

Resizing is Pillow's Lanczos: antialiased (its support grows with the
reduction), and the filter by which the smaller versions of FFHQ and CelebA-HQ
were made. Nothing is decoded at reduced quality on the way (no JPEG draft
mode, no reducing gap): an image is decoded once and seen many thousand times.
"""

import math

import numpy as np
from PIL import Image, ImageOps

# Pixels: what Pillow itself refuses as a decompression bomb.
LARGEST_PX = 2 * 89_478_485

_ORIENTATION = 0x0112  # EXIF tag
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # By the number of channels.
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


class Unreadable(Exception):
    """This item is no image that can be used; the message says why."""


def header(file):
    """Reads no pixels: open file -> (height, width, is grey)."""
    with _open(file) as image:
        width, height = image.size
        # PNG keeps EXIF behind the pixels; the full decoding corrects it.
        if image.format != "PNG" and _is_on_its_side(image):
            width, height = height, width
        return height, width, _is_grey(image)


def decode(file):
    """Open file -> Pillow image, upright, decoded to the last pixel."""
    image = _open(file)
    try:
        image.load()
        if image.getexif().get(_ORIENTATION, 1) != 1:
            image = ImageOps.exif_transpose(image)
    except Exception as error:
        raise Unreadable(_reason(error)) from error
    return image


def prepare(image, size, channels, crop):
    """Pillow image -> uint8 [h, w, c].

    Args:
        size: `(height, width)`.
        channels: 1, 3, or 4. Below 4, alpha is composited over white.
        crop: Cut the centre to the wanted aspect ratio, or else stretch.
    """
    image = _to_mode(_to_8_bits(image), MODES[channels])
    height, width = size
    if image.size != (width, height):
        box = _centre(image.size, (width, height)) if crop else None
        image = image.resize((width, height), Image.Resampling.LANCZOS, box)
    return np.asarray(image, "uint8").reshape(height, width, channels)


def printable(name):
    """A file name, however it is encoded, as text that can be printed."""
    return name.encode(errors="backslashreplace").decode()


def _open(file):
    try:
        image = Image.open(file)
    except Exception as error:
        raise Unreadable(_reason(error)) from error
    if image.width * image.height > LARGEST_PX:
        raise Unreadable(
            f"{image.width}x{image.height} pixels: larger than any picture "
            "that is meant well (a decompression bomb)"
        )
    return image


def _reason(error):
    text = " ".join(str(error).split())
    if "cannot identify image file" in text:
        return "not an image, or in a format that Pillow does not know"
    return text or type(error).__name__


def _is_on_its_side(image):
    return image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)


def _is_grey(image):
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), "uint8").reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode[0] == "I"


def _to_8_bits(image):
    """Grey images of more bits -> 8 bits; all others unchanged."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype("uint32")
        # 0 to 0 and 65535 to 255, to the nearest. Pillow itself would clip.
        return Image.fromarray(((values + 128) // 257).astype("uint8"))
    if image.mode == "I" and image.format == "PNG":  # Pillow before 11.3
        values = np.asarray(image).astype("uint32")
        return Image.fromarray(((values + 128) // 257).astype("uint8"))
    if image.mode == "I":
        raise Unreadable("32-bit integer pixels: their range is not known")
    if image.mode == "F":
        values = np.asarray(image)
        if not (values.min() >= 0 and values.max() <= 1):
            raise Unreadable("floating point pixels beyond [0, 1]")
        return Image.fromarray(np.rint(values * 255).astype("uint8"))
    return image


def _to_mode(image, mode):
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    if mode != "RGBA" and has_alpha:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image.convert("RGB"), mask=image.getchannel("A"))
        image = white
    return image if image.mode == mode else image.convert(mode)


def _centre(size, wanted):
    """The largest box of the wanted aspect ratio: left, top, right, bottom."""
    scale = min(size[0] / wanted[0], size[1] / wanted[1])
    width, height = wanted[0] * scale, wanted[1] * scale
    # Whole pixels, so that a cut without scaling copies pixels exactly.
    left = math.floor((size[0] - width) / 2)
    top = math.floor((size[1] - height) / 2)
    return left, top, min(left + width, size[0]), min(top + height, size[1])
