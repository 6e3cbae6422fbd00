"""Images that are files: of a folder, or members of a zip or tar archive."""

import bz2
import contextlib
import dataclasses
import gzip
import hashlib
import io
import lzma
import mmap
import os
import pathlib
import shutil
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

from kerasgan.data import decoding
from kerasgan.errors import UnknownSplit

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff",
)  # fmt: skip
SPLITS = ("train", "val", "valid", "validation", "test")

_LARGEST_FILE_BYTES = 2**30
_USUAL_FILE_BYTES = 2**18
_ARCHIVE_SUFFIXES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_COMPRESSIONS = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ": lzma}


@dataclasses.dataclass
class FileSource:
    """Encoded images with names.

    Attributes:
        name: Of the whole, short.
        item_names: Paths inside the source, parts joined by "/", sorted.
        open: Item's index -> binary file.
        labels: int32 [n] or None.
    """

    name: str
    item_names: tuple
    open: Callable
    labels: np.ndarray | None = None
    class_names: tuple | None = None
    has_names = True
    uniform_shape = None

    @property
    def count(self):
        return len(self.item_names)

    def item_name(self, index):
        return self.item_names[index]

    def header(self, index):
        """The item -> (height, width, is grey)."""
        with _readable(), self.open(index) as file:
            return decoding.header(file)

    def image(self, index):
        """The item -> (Pillow image, digest of its bytes)."""
        with _readable(), self.open(index) as file:
            content = _content(file)
        if not content:
            raise decoding.Unreadable("empty file")
        digest = hashlib.blake2b(content, digest_size=16).digest()
        return decoding.decode(io.BytesIO(content)), digest


def _content(file):
    """All bytes of a file, up to the most that is read."""
    # In two: a buffer of the whole limit takes longer than a small image.
    content = file.read(_USUAL_FILE_BYTES)
    if len(content) < _USUAL_FILE_BYTES:
        return content
    return content + file.read(_LARGEST_FILE_BYTES - _USUAL_FILE_BYTES)


@contextlib.contextmanager
def _readable():
    """Errors of the disk or the archive make an item unreadable."""
    try:
        yield
    except (OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise decoding.Unreadable(str(error)) from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise decoding.Unreadable(f"damaged archive: {error}") from error


def folder(path, split="train"):
    """All images below a folder; symbolic links are followed."""
    names = []
    visited = set()
    for parent, folders, file_names in os.walk(path, followlinks=True):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in visited:  # A loop of links.
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        relative = pathlib.Path(parent).relative_to(path)
        names += [(relative / name).as_posix() for name in file_names]
    name = path.resolve().name
    return _file_source(
        path, name, {n: n for n in names}, split, lambda n: open(path / n, "rb")
    )


def archive(path, split="train"):
    """The images of a .zip or .tar archive, also .tar.gz, .tar.xz and such.

    Nothing is unpacked to the path of a member. A compressed tar, which cannot
    be read in the middle, is expanded into a temporary file without a name.
    """
    name = path.name
    while pathlib.Path(name).suffix.lower() in _ARCHIVE_SUFFIXES:
        name = pathlib.Path(name).stem
    try:
        if zipfile.is_zipfile(path):
            members, read = _zip_members(path)
        elif tarfile.is_tarfile(path):
            members, read = _tar_members(path)
        else:
            raise ValueError(
                "`source` must be a folder, a .zip or .tar archive, or an "
                f".npz file. Received: source={str(path)!r}"
            )
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ValueError(
            "`source` must be an undamaged archive; this one cannot be read "
            f"({error}). Received: source={str(path)!r}"
        ) from error
    return _file_source(path, name, members, split, read)


def _zip_members(path):
    opened = zipfile.ZipFile(path)
    members = {
        _safe(member.filename): member
        for member in opened.infolist()
        if not member.is_dir()
    }
    return members, opened.open


def _tar_members(path):
    with open(path, "rb") as file, _expanded(file) as plain:
        # Outlives the file, and is read by many threads at once.
        content = mmap.mmap(plain.fileno(), 0, access=mmap.ACCESS_READ)
        plain.seek(0)
        with tarfile.open(fileobj=plain, mode="r:") as opened:
            members = {
                _safe(member.name): (member.offset_data, member.size)
                for member in opened
                if member.isreg() and not member.issparse()
            }

    def read(place):
        start, size = place
        return io.BytesIO(content[start : start + size])

    return members, read


def _expanded(file):
    """The file itself, or its content without compression."""
    magic = file.read(6)
    file.seek(0)
    for start, module in _COMPRESSIONS.items():
        if magic.startswith(start):
            expanded = tempfile.TemporaryFile()
            with module.open(file) as content:
                shutil.copyfileobj(content, expanded, 2**20)
            expanded.flush()
            return expanded
    return file


def _safe(name):
    """A member's path without what would lead out of the archive."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def _file_source(path, name, members, split, read):
    """Keeps the images of the split, sorted, with classes if all have one."""
    paths = {
        tuple(member.split("/")): handle
        for member, handle in members.items()
        if _is_image_name(member)
    }
    if not paths:
        raise ValueError(
            f"`source` must hold images ({', '.join(SUFFIXES)}). Received: "
            f"source={str(path)!r} with {len(members):,} other files"
        )
    root = _root(path, paths, split)
    paths = {
        parts[len(root) :]: handle
        for parts, handle in paths.items()
        if parts[: len(root)] == root
    }
    order = sorted(paths, key=_sorting)
    labels, class_names = _classes(order)
    handles = [paths[parts] for parts in order]
    return FileSource(
        name=name,
        item_names=tuple("/".join(parts) for parts in order),
        open=lambda index: read(handles[index]),
        labels=labels,
        class_names=class_names,
    )


def _is_image_name(name):
    if not name.lower().endswith(SUFFIXES):
        return False
    # Hidden files, and what macOS puts into archives.
    parts = name.split("/")
    return not any(part[0] == "." or part == "__MACOSX" for part in parts)


def _sorting(parts):
    # File systems differ in how they compose accents.
    return [unicodedata.normalize("NFC", part) for part in parts], parts


def _root(path, paths, split):
    """The folder in which the images are: down single folders, and a split."""
    root, split_found = (), False
    while True:
        below = [
            parts[len(root) :] for parts in paths if parts[: len(root)] == root
        ]
        tops = {parts[0] for parts in below}
        if any(len(parts) == 1 for parts in below):
            break
        splits = {_split_name(top): top for top in tops if top in SPLITS}
        if not split_found and (len(splits) == len(tops) or len(splits) > 1):
            if _split_name(split) not in splits:
                raise UnknownSplit(
                    f"`split` must be one of {', '.join(sorted(tops))}, the "
                    f"folders of {str(path)!r}. Received: split={split!r}"
                )
            root, split_found = (*root, splits[_split_name(split)]), True
        elif len(tops) == 1:
            root = (*root, *tops)
        else:
            break
    if not split_found and split != "train":
        raise UnknownSplit(
            f"`split` must be 'train', the only split of {str(path)!r}: it has "
            f"no folder named as a split. Received: split={split!r}"
        )
    return root


def _split_name(name):
    return "validation" if name.startswith("val") else name


def _classes(order):
    """Sorted paths -> labels and class names; None, None if not in classes."""
    names = list(dict.fromkeys(parts[0] for parts in order))
    if any(len(parts) != 2 for parts in order) or len(names) < 2:
        return None, None
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[parts[0]] for parts in order], "int32")
    return labels, tuple(names)
