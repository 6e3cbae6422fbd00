"""Images as files: grids, tables with words, animations.

Everything here takes images [n, h, w, c] in [-1, 1], c being 1, 3 or 4.
"""

import math
import os

import numpy as np

from kerasgan import storage

_TABLE_PX = 56  # Smaller images of a table are enlarged.
_TABLE_GAP_PX = 4
_LINE_PX = 16


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


def table(images, row_names, column_names, title):
    """Images [rows, columns, h, w, c] -> a picture uint8 [H, W, c] with text.

    Args:
        row_names, column_names: What stands before each row and above each
            column; may be empty.
        title: A line above all.
    """
    rows, columns, height, width, _ = np.shape(images)
    cells = np.reshape(images, (rows * columns, *np.shape(images)[2:]))
    picture = grid(cells, columns, smallest_px=_TABLE_PX, gap_px=_TABLE_GAP_PX)
    font = _font()
    left = math.ceil(max(font.getlength(name) for name in row_names))
    left += 2 * _TABLE_GAP_PX
    top = 3 * _LINE_PX
    wide = max(left + picture.shape[1], math.ceil(font.getlength(title)) + 8)
    shape = (top + picture.shape[0], wide, picture.shape[2])
    canvas = np.full(shape, 255, "uint8")
    canvas[top:, left : left + picture.shape[1]] = picture
    across = (picture.shape[1] - _TABLE_GAP_PX) / columns
    down = (picture.shape[0] - _TABLE_GAP_PX) / rows
    texts = [((_TABLE_GAP_PX, _LINE_PX // 2), title, "lm")]
    for column, name in enumerate(column_names):
        texts.append(((left + (column + 0.5) * across, top - 2), name, "mb"))
    for row, name in enumerate(row_names):
        texts.append(((left - 2, top + (row + 0.5) * down), name, "rm"))
    return _written(canvas, texts, font)


def _pillow(picture):
    from PIL import Image

    return Image.fromarray(
        picture[..., 0] if picture.shape[-1] == 1 else picture
    )


def _font():
    from PIL import ImageFont

    return ImageFont.load_default(size=_LINE_PX - 4)


def _written(picture, texts, font):
    """A picture with texts, each (place (x, y), words, anchor), in black."""
    from PIL import ImageDraw

    image = _pillow(picture)
    draw = ImageDraw.Draw(image)
    black = {"L": 0, "RGB": (0, 0, 0), "RGBA": (0, 0, 0, 255)}[image.mode]
    for place, words, anchor in texts:
        draw.text(place, words, fill=black, font=font, anchor=anchor)
    return np.asarray(image).reshape(picture.shape)


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
