"""Reads tensors from PyTorch's files, without PyTorch.

Such files are pickles, and a pickle can name any function to be called. This
reader knows the few that tensors need, all of them its own, and refuses the
rest. Both formats: zip archives (since PyTorch 1.6) and the one before.
"""

import collections
import dataclasses
import io
import math
import pickle
import struct
import zipfile

import numpy as np

# The legacy format begins with this number, pickled.
MAGIC = 0x1950A86A20F9469CFC6C
MAGIC_BYTES = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_PROTOCOL = 1001

_STORAGES = {
    "torch.BoolStorage": "?",
    "torch.ByteStorage": "<u1",
    "torch.CharStorage": "<i1",
    "torch.ShortStorage": "<i2",
    "torch.IntStorage": "<i4",
    "torch.LongStorage": "<i8",
    "torch.HalfStorage": "<f2",
    "torch.FloatStorage": "<f4",
    "torch.DoubleStorage": "<f8",
}


@dataclasses.dataclass
class _Storage:
    """One block of numbers; several tensors may lie in it."""

    dtype: np.dtype
    count: int
    data: np.ndarray | None = None


@dataclasses.dataclass
class _Tensor:
    """Where a tensor lies; its numbers may not have been read yet."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple

    def array(self):
        """A copy [shape], or a ValueError where it leaves its storage."""
        numbers = (self.offset, *self.shape, *self.strides)
        count = math.prod(self.shape)
        last = self.offset + sum(
            (length - 1) * stride
            for length, stride in zip(self.shape, self.strides, strict=True)
        )
        data = self.storage.data
        inside = count == 0 or last < len(data)
        if min(numbers) < 0 or not inside or count > len(data):
            raise ValueError("A tensor lies outside of its storage.")
        size = data.itemsize
        return np.lib.stride_tricks.as_strided(
            data[self.offset :] if count else data[:0],
            self.shape,
            [stride * size for stride in self.strides],
        ).copy()


def read(path):
    """A PyTorch file with a dict of tensors -> {name: NumPy array}.

    Raises:
        ValueError: A damaged file, or one with anything but tensors in it.
    """
    mistakes = (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        struct.error,
        AttributeError,
        AssertionError,
        EOFError,
        IndexError,
        KeyError,
        MemoryError,
        OverflowError,
        RuntimeError,
        TypeError,
        UnicodeDecodeError,
        ValueError,
    )
    try:
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                state = _read_zip(path)
            else:
                file.seek(0)
                state = _read_legacy(file)
        return {
            name: tensor.array()
            for name, tensor in state.items()
            if isinstance(tensor, _Tensor)
        }
    except mistakes as error:
        raise ValueError(
            f"It is damaged, or no PyTorch file of tensors: {error}"
        ) from error


def _read_zip(path):
    """<root>/data.pkl names its storages, <root>/data/<key>."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        (pickled,) = (n for n in names if n.endswith("/data.pkl"))
        root = pickled.removesuffix("data.pkl")
        order = f"{root}byteorder"
        if order in names and archive.read(order).strip() != b"little":
            raise ValueError("Only little-endian files can be read.")
        storages = {}

        def storage(key, dtype, count):
            if key not in storages:
                member = archive.getinfo(f"{root}data/{key}")
                if member.file_size != count * dtype.itemsize:
                    raise ValueError(f"Storage {key!r} has another size.")
                data = np.frombuffer(archive.read(member), dtype)
                storages[key] = _Storage(dtype, count, data)
            return storages[key]

        return _Reader(io.BytesIO(archive.read(pickled)), storage).load()


def _read_legacy(file):
    """Four pickles, then the storages' keys, then their numbers."""
    storages = {}

    def storage(key, dtype, count):
        return storages.setdefault(key, _Storage(dtype, count))

    magic, protocol, _ = (_Reader(file, None).load() for _ in range(3))
    if magic != MAGIC or protocol != _PROTOCOL:
        raise ValueError("It does not begin as PyTorch's files do.")
    state = _Reader(file, storage).load()
    for key in _Reader(file, None).load():
        (count,) = struct.unpack("<q", file.read(8))
        found = storages[key]
        if count != found.count:
            raise ValueError(f"Storage {key!r} has another size.")
        data = file.read(count * found.dtype.itemsize)
        found.data = np.frombuffer(data, found.dtype, count)
    return state


class _Reader(pickle.Unpickler):
    """An unpickler that can make tensors and containers, and nothing else."""

    def __init__(self, file, storage):
        super().__init__(file, encoding="utf-8")
        self._storage = storage

    def find_class(self, module, name):
        full = f"{module}.{name}"
        if full in _STORAGES:
            return np.dtype(_STORAGES[full])
        if full not in _KNOWN:
            raise ValueError(
                f"It asks for {full}, which tensors do not need: refused."
            )
        return _KNOWN[full]

    def persistent_load(self, identity):
        kind, dtype, key, _, count = identity[:5]
        views = identity[5:]  # The legacy format's; its use ended long ago.
        if kind != "storage" or any(view is not None for view in views):
            raise ValueError(f"An unknown kind of reference: {kind!r}.")
        if not isinstance(dtype, np.dtype) or self._storage is None:
            raise ValueError("A storage where none can be.")
        return self._storage(key, dtype, int(count))


def _tensor(storage, offset, shape, strides, *_):
    if not isinstance(storage, _Storage):
        raise ValueError("A tensor without a storage.")
    return _Tensor(
        storage,
        int(offset),
        tuple(map(int, shape)),
        tuple(map(int, strides)),
    )


def _parameter(tensor, *_):
    return tensor


_KNOWN = {
    "collections.OrderedDict": collections.OrderedDict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
}
