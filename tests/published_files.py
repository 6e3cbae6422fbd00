"""Files as PyTorch and NVIDIA's code write them, written without either."""

import collections
import contextlib
import io
import pickle
import struct
import types
import zipfile

import numpy as np

from kerasgan.features import torch_files


def named(name, kind=type):
    """A class or function that a pickle calls by this dotted name."""
    module, _, name = name.rpartition(".")
    made = type(name, (), {})
    if kind is types.FunctionType:
        made = types.FunctionType((lambda *a: None).__code__, {}, name)
    made.__module__, made.__qualname__ = module, name
    return made


_TENSOR = named("torch._utils._rebuild_tensor_v2", types.FunctionType)
_TYPES = {"<f4": named("torch.FloatStorage"), "<i8": named("torch.LongStorage")}


class Pickler(pickle._Pickler):
    """Pickles arrays as PyTorch does tensors, without PyTorch."""

    def __init__(self, file, legacy):
        super().__init__(file, 2)
        self.storages, self.legacy = [], legacy

    def save_global(self, obj, name=None):
        where = f"c{obj.__module__}\n{name or obj.__qualname__}\n"
        self.write(where.encode())
        self.memoize(obj)

    dispatch = pickle._Pickler.dispatch | {types.FunctionType: save_global}

    def persistent_id(self, obj):
        if not isinstance(obj, types.SimpleNamespace):
            return None
        array = obj.array
        self.storages.append(array)
        key = str(len(self.storages) - 1)
        reference = ("storage", _TYPES[array.dtype.str], key, "cpu", array.size)
        return reference + ((None,) if self.legacy else ())

    def reducer_override(self, obj):
        if not isinstance(obj, np.ndarray):
            return NotImplemented
        # Laid out by columns, so that strides matter.
        storage = types.SimpleNamespace(array=obj.ravel(order="F"))
        strides = tuple(
            stride // obj.itemsize for stride in obj.copy("F").strides
        )
        hooks = collections.OrderedDict()
        return _TENSOR, (storage, 0, obj.shape, strides, False, hooks)


def write_zip(path, state):
    data = io.BytesIO()
    pickler = Pickler(data, legacy=False)
    pickler.dump(state)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data.getvalue())
        archive.writestr("archive/byteorder", "little")
        for key, array in enumerate(pickler.storages):
            archive.writestr(f"archive/data/{key}", array.tobytes())


def write_legacy(path, state):
    """`path` may be an open file."""
    with contextlib.ExitStack() as stack:
        file = path
        if not isinstance(path, io.IOBase):
            file = stack.enter_context(open(path, "wb"))
        for header in (torch_files.MAGIC, 1001, {"little_endian": True}):
            pickle.dump(header, file, protocol=2)
        pickler = Pickler(file, legacy=True)
        pickler.dump(state)
        keys = [str(key) for key in range(len(pickler.storages))]
        pickle.dump(keys, file, protocol=2)
        for array in pickler.storages:
            file.write(struct.pack("<q", array.size) + array.tobytes())


class NestedPickler(Pickler):
    """As a plain `pickle.dump` of tensors: storages are files of their own."""

    def __init__(self, file):
        super().__init__(file, legacy=True)

    def persistent_id(self, obj):
        return None

    def reducer_override(self, obj):
        if isinstance(obj, types.SimpleNamespace):
            data = io.BytesIO()
            write_legacy(data, obj)
            return _LOAD, (data.getvalue(),)
        return super().reducer_override(obj)


_LOAD = named("torch.storage._load_from_bytes", types.FunctionType)


def write_pickle(path, tree):
    """What `pickle.dump` makes of objects with tensors in them."""
    with open(path, "wb") as file:
        NestedPickler(file).dump(tree)


def module(name, arrays, inner=None, **attributes):
    """An object of the class `name`, as PyTorch's modules are pickled.

    Args:
        arrays: {key of its state dict: array}.
        inner: The name of the classes of the modules in it.
    """
    made = named(name)()
    parts, own = {}, {}
    for key, array in arrays.items():
        first, dot, rest = key.partition(".")
        (parts.setdefault(first, {}) if dot else own)[rest or first] = array
    vars(made).update(
        training=False,
        _parameters=collections.OrderedDict(own),
        _buffers=collections.OrderedDict(),
        _modules=collections.OrderedDict(
            (first, module(inner or name, part, inner))
            for first, part in parts.items()
        ),
        **attributes,
    )
    return made


def persistent(class_name, source, module, **attributes):
    """A module as NVIDIA pickles it: with the source of its class."""

    class Persistent:
        def __reduce__(self):
            state = {
                **vars(module),
                **attributes,
                "_modules": {
                    name: persistent(class_name, source, inner)
                    for name, inner in module._modules.items()
                },
            }
            meta = {
                "type": "class",
                "version": 6,
                "module_src": source,
                "class_name": class_name,
                "state": state,
            }
            return _RECONSTRUCT, (meta,)

    return Persistent()


_RECONSTRUCT = named(
    "torch_utils.persistence._reconstruct_persistent_obj", types.FunctionType
)


class _ArrayPickler(pickle._Pickler):
    """As Python's, of classes that are not there."""

    save_global = Pickler.save_global
    dispatch = pickle._Pickler.dispatch | {types.FunctionType: save_global}


def write_arrays(path, tree, protocol=2):
    """What `pickle.dump` makes of objects with NumPy arrays in them."""
    with open(path, "wb") as file:
        _ArrayPickler(file, protocol).dump(tree)


def tensorflow_network(variables, components=None, **static_kwargs):
    """A `dnnlib.tflib.Network`, as StyleGAN's TensorFlow code pickles it."""
    made = named("dnnlib.tflib.network.Network")()
    vars(made).update(
        version=4,
        name="G",
        static_kwargs=static_kwargs,
        components=components or {},
        build_module_src="raise SystemExit",
        build_func_name="G_style",
        variables=list(variables.items()),
    )
    return made
