"""`load`: finds the source, decodes each item once, keeps what fits."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import itertools
import math
import numbers
import os
import pathlib
import time

import numpy as np
import psutil
from absl import logging

from kerasgan.data import arrays, decoding, files, records, stores
from kerasgan.data.image_data import ImageData

MIXED_SIZE_PX = 64  # Images of several sizes become this, unless told.

_SLOW_SECONDS = 3.0
_CHUNK = 64  # Items that a thread takes at once.


@dataclasses.dataclass(frozen=True)
class Found:
    """What decoding saw, for the report. Lists are of the readable items."""

    heights: np.ndarray
    widths: np.ndarray
    modes: dict  # Pillow mode -> count
    unreadable: tuple
    item_names: tuple | None
    labels: np.ndarray | None
    class_names: tuple | None

    @property
    def classes(self):
        if self.class_names is not None:
            return len(self.class_names)
        return None if self.labels is None else int(self.labels.max()) + 1


def load(
    source,
    *,
    split="train",
    data_dir=None,
    size=None,
    channels=None,
    crop=True,
    max_unreadable=0.1,
    cache_bytes=None,
):
    """Images from wherever they are -> ImageData.

    Args:
        source: "digits"; the path of a folder, of a .zip or tar archive, or of
            an .npz file; the name of an image dataset of TensorFlow Datasets;
            an array [n, h, w] or [n, h, w, c] of uint8, or of floats in [0, 1]
            or (any value below 0) [-1, 1]; or the pair (images, labels).
            A path that exists comes before a dataset's name.
        split: A split of the dataset, "train[:80%]" and "train+test" included.
            Of a folder or archive: its subfolder of that name where there is
            one; a folder without has only "train", which is all of it.
        data_dir: Where TensorFlow Datasets are, or will be, prepared.
        size: Height and width, one number if equal. None keeps the images'
            own; if they are of several sizes, 64.
        channels: 1, 3, or 4. None: 1 if all images are grey, otherwise 3.
            Below 4, what is transparent shows white.
        crop: Cut the centre to the aspect ratio of `size`, instead of
            stretching.
        max_unreadable: Share of unreadable images above which to give up.
        cache_bytes: Memory for the decoded images; beyond it they are decoded
            whenever they are wanted. None: a quarter of what is free.
    """
    size = _checked_size(size)
    _check_options(channels, max_unreadable, cache_bytes)
    items = _find(source, split, data_dir)
    unreadable = {}
    if items.uniform_shape is not None:
        height, width, found_channels = items.uniform_shape
        size = size or (height, width)
        channels = channels or (1 if found_channels < 3 else 3)
    elif size is None or channels is None:
        default_size, default_channels = _survey(items, unreadable)
        _check_unreadable(items, unreadable, max_unreadable)
        size, channels = size or default_size, channels or default_channels
    if cache_bytes is None:
        cache_bytes = psutil.virtual_memory().available // 4
    shape = (*size, channels)
    pixels = None
    if items.count * math.prod(shape) <= cache_bytes:
        pixels = _as_they_are(items, shape)
        if pixels is None:
            pixels = np.empty((items.count, *shape), "uint8")
    return _decode_all(items, shape, crop, pixels, unreadable, max_unreadable)


def _find(source, split, data_dir):
    if not isinstance(source, (str, os.PathLike)):
        return arrays.from_arrays(source, split)
    if source == "digits":
        return arrays.digits(split)
    path = pathlib.Path(source).expanduser()
    if path.is_dir():
        return files.folder(path, split)
    if path.is_file():
        if path.suffix.lower() == ".npz":
            return arrays.from_npz(path, split)
        return files.archive(path, split)
    return records.dataset(os.fspath(source), split, data_dir)


def _survey(items, unreadable):
    """Reads headers -> the size and the channels that fit all items.

    Items whose header cannot be read are put into `unreadable`.
    """

    def look(index):
        try:
            return items.header(index)
        except decoding.Unreadable as error:
            return str(error)

    sizes, grey = set(), True
    for index, found in _in_threads(look, range(items.count), "looked at"):
        if isinstance(found, str):
            unreadable[index] = found
            continue
        sizes.add(found[:2])
        grey = grey and found[2]
    own = sizes.pop() if len(sizes) == 1 else (MIXED_SIZE_PX, MIXED_SIZE_PX)
    return own, 1 if grey else 3


def _as_they_are(items, shape):
    """An array that needs no preparation, or None."""
    if items.uniform_shape != shape:
        return None
    return getattr(items, "pixels", None)


def _decode_all(items, shape, crop, pixels, unreadable, max_unreadable):
    """Decodes every item once, into `pixels` if there are -> ImageData."""
    size, channels = shape[:2], shape[2]
    if pixels is not None and pixels is _as_they_are(items, shape):
        own = (*size, decoding.MODES[channels], None)
        seen = dict.fromkeys(range(items.count), own)
    else:
        seen = _decode(
            items, size, channels, crop, pixels, unreadable, max_unreadable
        )
    if unreadable:
        logging.warning("%s", _unreadable_text(items, unreadable))
    kept = np.array(sorted(seen), "int64")
    found, digests = _found(items, seen, kept, unreadable)
    if pixels is None:
        store = stores.OnDemand(items, kept, size, channels, crop)
    else:
        store = stores.Memory(_compact(pixels, kept))
    return ImageData(
        store,
        shape,
        name=items.name,
        count=len(kept),
        fingerprint=_fingerprint(found, digests, shape, crop),
        found=found,
    )


def _found(items, seen, kept, unreadable):
    """What decoding saw -> Found, and digests of the content."""
    heights, widths, modes, digests = zip(
        *(seen[index] for index in kept), strict=True
    )
    if hasattr(items, "content_digest"):
        digests = [items.content_digest()]
    names = [items.item_name(index) for index in kept]
    found = Found(
        heights=np.array(heights),
        widths=np.array(widths),
        modes=dict(collections.Counter(modes).most_common()),
        unreadable=tuple(
            (items.item_name(index), unreadable[index])
            for index in sorted(unreadable)
        ),
        item_names=tuple(names) if items.has_names else None,
        labels=None if items.labels is None else items.labels[kept],
        class_names=items.class_names,
    )
    return found, digests


def _decode(items, size, channels, crop, pixels, unreadable, max_unreadable):
    """Index -> (height, width, mode, digest) of every readable item."""

    def work(index):
        try:
            image, digest = items.image(index)
            prepared = decoding.prepare(image, size, channels, crop)
        except decoding.Unreadable as error:
            return str(error)
        if pixels is not None:
            pixels[index] = prepared
        return image.height, image.width, image.mode, digest

    indices = [i for i in range(items.count) if i not in unreadable]
    seen = {}
    for index, found in _in_threads(work, indices, "decoded"):
        if not isinstance(found, str):
            seen[index] = found
            continue
        unreadable[index] = found
        if len(unreadable) > max_unreadable * items.count:
            # The rest would not change the answer.
            _check_unreadable(items, unreadable, max_unreadable)
    _check_unreadable(items, unreadable, max_unreadable)
    return seen


def _in_threads(function, indices, done):
    """Yields (index, function(index)) in order; logs progress if slow."""
    indices = list(indices)
    chunks = [
        indices[start : start + _CHUNK]
        for start in range(0, len(indices), _CHUNK)
    ]
    started = reported = time.monotonic()
    threads = concurrent.futures.ThreadPoolExecutor(stores.THREADS)
    try:
        count = 0
        for chunk, results in zip(
            chunks,
            threads.map(lambda chunk: [*map(function, chunk)], chunks),
            strict=True,
        ):
            yield from zip(chunk, results, strict=True)
            count += len(chunk)
            if time.monotonic() - reported > _SLOW_SECONDS:
                reported = time.monotonic()
                logging.info(
                    "%s %s of %s images in %.0f s",
                    done,
                    f"{count:,}",
                    f"{len(indices):,}",
                    reported - started,
                )
    finally:
        threads.shutdown(cancel_futures=True)


def _compact(pixels, kept):
    """Closes the gaps of unreadable items, in place."""
    if len(kept) == len(pixels):
        return pixels
    for place, index in enumerate(kept):
        pixels[place] = pixels[index]
    return pixels[: len(kept)]


def _fingerprint(found, digests, shape, crop):
    content = hashlib.sha256(b"kerasgan.data 1\n")
    content.update(f"{shape} crop={bool(crop)} lanczos\n".encode())
    content.update(f"{found.class_names}\n".encode(errors="surrogateescape"))
    if found.item_names is not None:
        for name in found.item_names:
            content.update(name.encode(errors="surrogateescape") + b"\0")
    if found.labels is not None:
        content.update(found.labels.tobytes())
    for digest in digests:
        content.update(digest)
    return content.hexdigest()


def _check_unreadable(items, unreadable, max_unreadable):
    if not unreadable:
        return
    if len(unreadable) == items.count:
        raise ValueError(
            "`source` must hold readable images. Received: "
            f"{_unreadable_text(items, unreadable)}"
        )
    if len(unreadable) > max_unreadable * items.count:
        raise ValueError(
            f"At most {max_unreadable:.0%} of the images may be unreadable. "
            f"Received: {_unreadable_text(items, unreadable)}. Remove or "
            "replace them, or raise `max_unreadable`"
        )


def _unreadable_text(items, unreadable):
    first = [
        f"{decoding.printable(items.item_name(index))} ({unreadable[index]})"
        for index in itertools.islice(sorted(unreadable), 3)
    ]
    more = ", ..." if len(unreadable) > len(first) else ""
    return (
        f"{len(unreadable):,} unreadable of {items.count:,} items of "
        f"{items.name!r}: {', '.join(first)}{more}"
    )


def _checked_size(size):
    if size is None:
        return None
    sides = (size, size) if isinstance(size, numbers.Integral) else size
    if (
        isinstance(sides, str)
        or not isinstance(sides, (tuple, list))
        or len(sides) != 2
        or not all(isinstance(side, numbers.Integral) for side in sides)
        or min(sides) < 1
    ):
        raise ValueError(
            "`size` must be a number of pixels of at least 1, or the pair "
            f"(height, width). Received: size={size!r}"
        )
    return tuple(int(side) for side in sides)


def _check_options(channels, max_unreadable, cache_bytes):
    if channels not in (None, 1, 3, 4):
        raise ValueError(
            "`channels` must be 1 (grey), 3 (RGB) or 4 (RGBA), or None for "
            f"what the images have. Received: channels={channels!r}"
        )
    if not 0 <= max_unreadable <= 1:
        raise ValueError(
            "`max_unreadable` must be a share from 0 to 1. "
            f"Received: max_unreadable={max_unreadable!r}"
        )
    if cache_bytes is not None and cache_bytes < 0:
        raise ValueError(
            "`cache_bytes` must be at least 0 (decode when wanted). "
            f"Received: cache_bytes={cache_bytes!r}"
        )
