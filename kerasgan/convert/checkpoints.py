"""Reads published checkpoints: pickles, of which nothing is executed.

A pickle can name any function, and NVIDIA's hold Python code that the official
loader runs. Here a name stands for something of ours or is refused: tensors
and arrays become NumPy's, objects of the known libraries `Object`s that do
nothing, and code remains text. Files of PyTorch (zip archives and the format
before), and plain pickles with tensors or NumPy arrays in them.
"""

import collections
import functools
import hashlib
import re
import reprlib

import numpy as np

from kerasgan.features import torch_files

# Objects of these classes are kept as what they hold. Nothing of them is
# imported, so a pattern cannot let anything in.
_OBJECTS = re.compile(
    r"""
    torch\.nn\.modules\.\w+\.\w+
    | torch\.(device|Size)
    | training\.\w+\.\w+                # NVIDIA's and R3GAN's
    | torch_utils\.ops\.\w+\.\w+
    | R3GAN\.\w+\.\w+
    | (dnnlib\.tflib\.network|tfutil|network)\.Network   # TensorFlow 1
    | dnnlib\.(util\.)?EasyDict
    | argparse\.Namespace
    """,
    re.VERBOSE,
)
_PERSISTENT = re.compile(
    r"(torch_utils|dnnlib)\.persistence\._reconstruct_persistent_obj"
)
_DTYPE = re.compile(r"torch\.(b?float\d+|u?int\d+|bool)")
_NUMPY = re.compile(r"numpy\.(?:_?core\.)?(?:multiarray\.)?(\w+)")
_NUMBERS = re.compile(r"[<>=|]?(\?|[bBhHiIlLqQefd]|[biuf][1248])")
_MAGIC = torch_files.MAGIC_BYTES
# Modules of a network, or numbers and containers of its settings, at most: a
# pickle tells of shared ones once, and what they expand to can be endless.
# StyleGAN's have some hundreds.
_PARTS = 100_000
# What a file that is not what it should be makes a reader raise.
MISTAKES = torch_files.MISTAKES


class Object(dict):
    """An object of a class that is not there: its attributes.

    Args:
        *arguments: What its class was called with.
    """

    class_name = "an object"

    def __init__(self, *arguments):
        super().__init__()
        self.arguments = arguments

    def __setstate__(self, state):
        if isinstance(state, tuple) and len(state) == 2:
            parts = [part for part in state if part]
        else:
            parts = [state]
        for part in parts:
            self.update(part)


def read(path):
    """A file -> dicts, lists, numbers, `Object`s, and tensors unread.

    Raises:
        ValueError: It is damaged, or asks for what is not known.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(len(_MAGIC))
            file.seek(0)
            if start.startswith(b"PK") or start == _MAGIC:
                return torch_files.load(file, _Reader)
            return _Reader(file).load()
    except MISTAKES as error:
        raise ValueError(
            f"{str(path)!r} is damaged, or no checkpoint: {error}"
        ) from error


def sha256(path):
    """Of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def arrays(tree):
    """{key: array} of a state dict, a module, or a TensorFlow 1 network.

    Of a module, the keys are those of its `state_dict()`; `module.`, which
    PyTorch puts before them where a network was on several GPUs, is left out.

    Raises:
        ValueError: There is none in it.
    """
    if isinstance(tree, Object) and "variables" in tree:
        found = _variables(tree, iter(range(_PARTS)))
    elif isinstance(tree, Object):
        found = dict(_tensors(tree, iter(range(_PARTS))))
    elif isinstance(tree, dict):
        found = {str(key): _array(value) for key, value in tree.items()}
    else:
        found = {}
    found = {
        key.removeprefix("module."): value
        for key, value in found.items()
        if value is not None
    }
    if not found:
        raise ValueError("It holds no tensors where a network should be.")
    return found


def arguments(tree):
    """What a network of NVIDIA's was constructed with, as a dict."""
    name = "static_kwargs" if "variables" in tree else "_init_kwargs"
    return _plain(tree.get(name) or {}, iter(range(_PARTS)))


def part(tree, *names):
    """The item of the first of these names that a dict has.

    Raises:
        ValueError: It has none of them.
    """
    for name in names:
        if isinstance(tree, dict) and name in tree:
            return tree[name]
    held = sorted(map(str, tree)) if isinstance(tree, dict) else type(tree)
    raise ValueError(
        f"The checkpoint must hold {' or '.join(names)}. Received: {held}"
    )


def _spend(left):
    """Raises once an iterator, what parts are left to read, has no more."""
    if next(left, None) is None:
        raise ValueError(
            f"A network must have {_PARTS} parts at most, its settings too."
        )


def _tensors(module, left, prefix="", above=()):
    """(key, array) of a module, in the order of its `state_dict()`."""
    _spend(left)
    if any(module is other for other in above):
        raise ValueError("A module is a part of itself.")
    for kind in ("_parameters", "_buffers"):
        for name, value in (module.get(kind) or {}).items():
            if value is not None and _array(value) is not None:
                yield f"{prefix}{name}", _array(value)
    for name, inner in (module.get("_modules") or {}).items():
        if isinstance(inner, Object):
            path = f"{prefix}{name}."
            yield from _tensors(inner, left, path, (*above, module))


def _variables(network, left, above=()):
    """{name: array} of a TensorFlow 1 network and those that it is made of."""
    _spend(left)
    if any(network is other for other in above):
        raise ValueError("A network is a part of itself.")
    found = {
        # A variable without axes is pickled as a number.
        name: np.asarray(value) if isinstance(value, float) else _array(value)
        for name, value in network["variables"]
    }
    for inner in (network.get("components") or {}).values():
        found |= _variables(inner, left, (*above, network))
    return found


def _array(value):
    """A tensor or an array of NumPy's -> the array; None of anything else."""
    if isinstance(value, torch_files.Tensor):
        return value.array()
    return value.array() if isinstance(value, _Array) else None


def _plain(value, left):
    """Numbers, text and containers of them; arrays' numbers too."""
    _spend(left)
    if isinstance(value, dict):
        return {str(key): _plain(item, left) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, left) for item in value]
    found = _array(value)
    return value if found is None else found.tolist()


class _Reader(torch_files.Reader):
    """Knows, beside tensors, NumPy's arrays and objects that do nothing."""

    def known(self, name):
        if name in _KNOWN:
            return _KNOWN[name]
        if _PERSISTENT.fullmatch(name):
            return torch_files.Call(_persistent)
        if _OBJECTS.fullmatch(name):
            return _class(name)
        if _DTYPE.fullmatch(name):
            return name
        match = _NUMPY.fullmatch(name)
        if match and match[1] in _OF_NUMPY:
            return _OF_NUMPY[match[1]]
        return super().known(name)


@functools.cache
def _class(name):
    """A kind of `Object` whose `class_name` is what the pickle calls it."""
    return type("Object", (Object,), {"class_name": name, "__slots__": ()})


def _persistent(meta):
    """NVIDIA's objects bring the source of their class, which stays text."""
    if not isinstance(meta["class_name"], str):
        raise ValueError("A class whose name is no text.")
    made = Object()
    made.class_name = meta["class_name"]
    made.update(meta["state"])
    return made


class _DType:
    """A NumPy dtype of numbers, in little-endian order or as it is told."""

    def __init__(self, code, *_):
        if not isinstance(code, str) or not _NUMBERS.fullmatch(code):
            raise ValueError(
                f"Arrays must hold numbers. Received: {reprlib.repr(code)}"
            )
        self.dtype = np.dtype(code)

    def __setstate__(self, state):
        order = state[1]
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """A NumPy array, once its state is set."""

    def __setstate__(self, state):
        _, shape, dtype, by_columns, data = state
        if isinstance(data, str):  # Bytes, to Python 2.
            data = data.encode("latin1")
        self._array = np.frombuffer(data, dtype.dtype).reshape(
            tuple(map(int, shape)), order="F" if by_columns else "C"
        )

    def array(self):
        return self._array.copy()


def _scalar(dtype, data):
    if isinstance(data, str):
        data = data.encode("latin1")
    (value,) = np.frombuffer(data, dtype.dtype)
    return value.item()


def _encode(text, encoding="latin1"):
    """How Python 3 writes bytes where Python 2 should be able to read them."""
    if encoding != "latin1":
        raise ValueError(f"An unknown encoding: {reprlib.repr(encoding)}.")
    return text.encode("latin1")


_OF_NUMPY = {
    "_reconstruct": torch_files.Call(lambda *_: _Array()),
    "ndarray": "numpy.ndarray",  # Only ever an argument of `_reconstruct`.
    "dtype": torch_files.Call(_DType),
    "scalar": torch_files.Call(_scalar),
}
_KNOWN = {
    "torch.storage._load_from_bytes": torch_files.STORAGE_OF,
    "_codecs.encode": torch_files.Call(_encode),
    "builtins.set": torch_files.Call(lambda items=(): set(items)),
    "__builtin__.set": torch_files.Call(lambda items=(): set(items)),
    "collections.OrderedDict": collections.OrderedDict,
}
