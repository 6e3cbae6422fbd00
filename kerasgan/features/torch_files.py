"""Reads tensors from PyTorch's files, without PyTorch.

Such files are pickles, and a pickle can name any function to be called. This
reader knows the few that tensors need, all of them its own, and refuses the
rest by name. Both formats: zip archives (since PyTorch 1.6) and the one before.
`kerasgan.convert.checkpoints` reads more kinds of files by it.
"""

import collections
import dataclasses
import io
import math
import pickle
import reprlib
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
    "torch.BFloat16Storage": "<V2",  # NumPy has none: see `Tensor.array`.
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
class Tensor:
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
        if data.dtype.kind == "V":
            data = (data.view("<u2").astype("<u4") << 16).view("<f4")
        inside = count == 0 or last < len(data)
        if min(numbers) < 0 or not inside or count > len(data):
            raise ValueError("A tensor lies outside of its storage.")
        size = data.itemsize
        return np.lib.stride_tricks.as_strided(
            data[self.offset :] if count else data[:0],
            self.shape,
            [stride * size for stride in self.strides],
        ).copy()


MISTAKES = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    AttributeError,
    AssertionError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    UnicodeError,
    ValueError,
)


def read(path):
    """A PyTorch file with a dict of tensors -> {name: NumPy array}.

    Raises:
        ValueError: A damaged file, or one with anything but tensors in it.
    """
    try:
        with open(path, "rb") as file:
            state = load(file, Reader)
        return {
            name: tensor.array()
            for name, tensor in state.items()
            if isinstance(tensor, Tensor)
        }
    except MISTAKES as error:
        raise ValueError(
            f"It is damaged, or no PyTorch file of tensors: {error}"
        ) from error


def load(file, reader):
    """What a PyTorch file holds, as the class `reader` makes it."""
    is_zip = file.read(4) == b"PK\x03\x04"
    file.seek(0)
    return (_read_zip if is_zip else read_legacy)(file, reader)


def _read_zip(file, reader):
    """<root>/data.pkl names its storages, <root>/data/<key>."""
    with zipfile.ZipFile(file) as archive:
        if any(i.compress_type for i in archive.infolist()):
            raise ValueError("PyTorch compresses nothing, this file does.")
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

        return reader(io.BytesIO(archive.read(pickled)), storage).load()


def read_legacy(file, reader):
    """Four pickles, then the storages' keys, then their numbers."""
    storages = {}

    def storage(key, dtype, count):
        return storages.setdefault(key, _Storage(dtype, count))

    magic, protocol, _ = (Reader(file).load() for _ in range(3))
    if magic != MAGIC or protocol != _PROTOCOL:
        raise ValueError("It does not begin as PyTorch's files do.")
    state = reader(file, storage).load()
    for key in Reader(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        found = storages[key]
        if count != found.count:
            raise ValueError(f"Storage {key!r} has another size.")
        data = file.read(count * found.dtype.itemsize)
        found.data = np.frombuffer(data, found.dtype, count)
    return state


class Call:
    """A function that a pickle may call, and not change.

    A pickle may set attributes of whatever it can name.
    """

    __slots__ = ("_function",)

    def __init__(self, function):
        object.__setattr__(self, "_function", function)

    def __call__(self, *args):
        return self._function(*args)

    def __setattr__(self, name, value):
        raise ValueError(f"It sets {name!r} of a function: refused.")

    def __setstate__(self, state):
        raise ValueError("It sets the state of a function: refused.")


class Reader(pickle.Unpickler):
    """An unpickler that can make tensors and containers, and nothing else.

    Args:
        file: Where the pickle is read from.
        storage: A function (key, dtype, count) -> `_Storage`, for references
            to blocks of numbers; None where there can be none.
    """

    def __init__(self, file, storage=None):
        # What Python 2 called text may be bytes: this keeps them.
        super().__init__(file, encoding="latin1")
        self._storage = storage

    def known(self, name):
        """What a global name stands for, or None if it is refused."""
        if name in _STORAGES:
            return np.dtype(_STORAGES[name])
        return _KNOWN.get(name)

    def find_class(self, module, name):
        full = f"{module}.{name}"
        found = self.known(full)
        if found is None:
            raise ValueError(
                f"It asks for {full}, which tensors do not need: refused."
            )
        return found

    def persistent_load(self, identity):
        kind, dtype, key, _, count = identity[:5]
        views = identity[5:]  # The legacy format's; its use ended long ago.
        if kind != "storage" or any(view is not None for view in views):
            raise ValueError(
                f"An unknown kind of reference: {reprlib.repr(kind)}."
            )
        if not isinstance(dtype, np.dtype) or self._storage is None:
            raise ValueError("A storage where none can be.")
        return self._storage(key, dtype, int(count))


def _tensor(storage, offset, shape, strides, *_):
    if not isinstance(storage, _Storage):
        raise ValueError("A tensor without a storage.")
    return Tensor(
        storage,
        int(offset),
        tuple(map(int, shape)),
        tuple(map(int, strides)),
    )


def _parameter(tensor, *_):
    return tensor


def _storage_of(data):
    """PyTorch pickles a storage alone as a file inside the file."""
    found = read_legacy(io.BytesIO(data), Reader)
    if not isinstance(found, _Storage):
        raise ValueError("A storage that is none.")
    return found


_KNOWN = {
    "collections.OrderedDict": collections.OrderedDict,
    "torch._utils._rebuild_tensor_v2": Call(_tensor),
    "torch._utils._rebuild_parameter": Call(_parameter),
    "torch._utils._rebuild_parameter_with_state": Call(_parameter),
}
# Not in `_KNOWN`: what is inside of it holds no other one.
STORAGE_OF = Call(_storage_of)
