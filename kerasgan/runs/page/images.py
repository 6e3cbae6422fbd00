"""Pictures inside a page: as they are, or made smaller where they are heavy."""

import base64
import io
import warnings
from typing import NamedTuple

_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_QUALITY = 80


class Picture(NamedTuple):
    """What an `<img>` needs; `shrunk` where the file itself shows more."""

    source: str
    width: int
    height: int
    shrunk: bool


def embed(path, most_bytes, most_px):
    """A file -> Picture, whose data stand in its source.

    A file of more than `most_bytes` gets sides of at most `most_px` and lossy
    compression.

    Raises:
        ValueError: It is no picture.
    """
    from PIL import Image

    try:
        content = path.read_bytes()
        with warnings.catch_warnings():
            # Of large pictures, which grids of large images are.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                kind, shrunk = _TYPES.get(image.format), False
                image.load()
                if kind is None or len(content) > most_bytes:
                    content, image = _smaller(image, most_bytes, most_px)
                    kind, shrunk = "image/webp", True
                width, height = image.size
    except Exception as error:  # Pillow's are of many kinds.
        raise ValueError(f"{path.name} cannot be read ({error})") from error
    data = base64.b64encode(content).decode()
    return Picture(f"data:{kind};base64,{data}", width, height, shrunk)


def _smaller(image, most_bytes, most_px):
    mode = "RGBA" if "A" in image.getbands() else "RGB"
    image = image.convert(mode)
    image.thumbnail((most_px, most_px))
    while True:
        file = io.BytesIO()
        image.save(file, "WEBP", quality=_QUALITY)
        excess = file.tell() / most_bytes
        if excess <= 1 or max(image.size) < 64:
            return file.getvalue(), image
        # Bytes go about with the area.
        scale = min(0.95 / excess**0.5, 0.9)
        image = image.resize([max(1, int(scale * s)) for s in image.size])


def evenly(numbered, count):
    """[(images seen, path)] -> at most so many, even in images seen.

    First and last are among them.
    """
    if len(numbered) <= count:
        return list(numbered)
    first, last = numbered[0][0], numbered[-1][0]
    chosen = {
        min(
            numbered,
            key=lambda one: abs(
                one[0] - (first + (last - first) * place / (count - 1))
            ),
        )
        for place in range(count)
    }
    return sorted(chosen)
