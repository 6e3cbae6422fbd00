"""Checkpoints: everything that training needs to go on as if never stopped.

One `.npz` file holds the weights of all networks and averages, the counters
and the optimizers' state. A file appears whole or not at all; the newest two
are kept, and one that cannot be read gives way to the one before.
"""

import json
import os
import pathlib
import re
import zipfile
import zlib

import numpy as np
from absl import logging
from keras import ops

from kerasgan import devices, storage

_NAME = re.compile(r"images_(\d{12})\.npz")
_KEPT = 2
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,  # Of a zip: encrypted, or of an unknown version.
    zipfile.BadZipFile,
    zlib.error,
)


def save(model, folder, kept=_KEPT, **notes):
    """Writes a checkpoint of a compiled `AdversarialModel` -> its path.

    Args:
        model: On JAX and inside `fit`, call `model.jax_state_sync()` before.
        folder: It is made where it is not there.
        kept: How many of the newest remain.
        notes: Plain data to keep with it; `restore` gives it back.

    Raises:
        FloatingPointError: A weight is not finite; nothing is written, since
            such a checkpoint could never be trained on.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    variables = _variables(model)
    arrays = {
        # By way of a tensor: NumPy warns of TensorFlow's variables.
        f"{index:05d}": ops.convert_to_numpy(ops.copy(variable.value))
        for index, variable in enumerate(variables)
    }
    _check_finite(variables, arrays)
    notes["paths"] = [variable.path for variable in variables]
    seen = devices.integer(model.images_seen)
    path = folder / f"images_{seen:012d}.npz"
    with storage.replacing(path) as part, part.open("wb") as file:
        np.savez(file, notes=np.array(json.dumps(notes)), **arrays)
        file.flush()
        os.fsync(file.fileno())
    # What counts more images than this is torn, or of a future given up.
    others = _newest_first(folder)
    place = others.index(path)
    unwanted = [*others[:place], *others[place + kept :]]
    for old in [*unwanted, *folder.glob(f"{storage.PART}*")]:
        old.unlink()
    return path


def restore(model, folder):
    """Puts the newest readable checkpoint into the model -> its notes.

    Returns:
        None where the folder holds no checkpoint.

    Raises:
        ValueError: No checkpoint can be read, or it is of another model.
    """
    paths = _newest_first(pathlib.Path(folder))
    for path in paths:
        try:
            notes, arrays = _read(path)
        except _UNREADABLE as error:
            logging.warning("Skipping torn checkpoint %s: %s", path, error)
            continue
        _assign(_variables(model), arrays, notes.pop("paths"), path)
        return notes
    if paths:
        raise ValueError(
            "None of the checkpoints can be read. Received: "
            f"{[str(path) for path in paths]}. Delete them to start anew."
        )
    return None


def read_notes(folder):
    """The notes of the newest readable checkpoint, or None."""
    for path in _newest_first(pathlib.Path(folder)):
        try:
            return _read(path)[0]
        except _UNREADABLE as error:
            logging.warning("Skipping torn checkpoint %s: %s", path, error)
    return None


def _read(path):
    with np.load(path, allow_pickle=False) as archive:
        notes = json.loads(str(archive["notes"]))
        # Reading compares each array with its checksum.
        arrays = [archive[f"{i:05d}"] for i in range(len(notes["paths"]))]
    return notes, arrays


def _assign(variables, arrays, paths, path):
    """Assigns all or nothing."""
    # Kinds, not types: an integer of one backend is longer than the other's.
    ours = [(tuple(v.shape), _is_float(v.dtype)) for v in variables]
    theirs = [(array.shape, _is_float(array.dtype.name)) for array in arrays]
    if ours != theirs:
        pairs = zip(paths, ours, theirs, strict=False)
        first = next((p for p in pairs if p[1] != p[2]), None)
        where = f"; {first[0]} is {first[2][0]} there" if first else ""
        raise ValueError(
            "A checkpoint must be of this model. Received: "
            f"{path}, with {len(theirs)} arrays for {len(ours)} variables"
            f"{where}. Choose another folder, or the model that wrote it."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _check_finite(variables, arrays):
    for variable, array in zip(variables, arrays.values(), strict=True):
        if _is_float(array.dtype.name) and not np.isfinite(array).all():
            raise FloatingPointError(
                f"`{variable.path}` is not finite. Training stops; the last "
                "checkpoint is from before. Lower the learning rates, or add a "
                "regularizer (R1, GradientPenalty)."
            )


def _is_float(dtype):
    return "float" in dtype


def _variables(model):
    return [*model.variables, *model.optimizer.variables]


def _newest_first(folder):
    if not folder.is_dir():
        return []
    names = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(names, reverse=True)
