"""Where the weights of feature networks are found, and how they are read.

In this order: the argument, an environment variable, the cache folder
(`~/.keras/kerasgan`), a download into it. What is downloaded is used only once
its SHA-256 is the published one.
"""

import dataclasses
import hashlib
import os

import filelock
import keras

from kerasgan.features import graphdef, torch_files

_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the weights of one network come from.

    Args:
        what: "the Inception network of ...", for messages.
        variable: The environment variable that may name a file.
        url: Where the file is downloaded from.
        sha256: That file's.
        others: Names of other files that may lie in the cache folder.
    """

    what: str
    variable: str
    url: str
    sha256: str
    others: tuple = ()

    @property
    def file(self):
        return self.url.rpartition("/")[2]


def cache_folder():
    """The folder inside Keras' own that downloads go to."""
    home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    return os.path.join(os.path.expanduser(home), "kerasgan")


def locate(source, weights=None):
    """The path of a network's weights; downloads them if need be.

    Args:
        weights: A path, which is then the answer.

    Raises:
        FileNotFoundError: There is no such file, or none can be fetched.
        ValueError: The file in the cache folder is not the published one.
    """
    given = {
        "weights": weights,
        source.variable: os.environ.get(source.variable),
    }
    for origin, path in given.items():
        if path:
            path = os.path.expanduser(os.fspath(path))
            if not os.path.isfile(path):
                raise FileNotFoundError(
                    f"`{origin}` must be a file. Received: {origin}={path!r}"
                )
            return path
    for name in source.others:
        path = os.path.join(cache_folder(), name)
        if os.path.isfile(path):
            return path
    return _cached(source)


def is_published(source, path):
    """Whether a file is the published one, by its SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == source.sha256


def _cached(source):
    """The published file in the cache folder, put there by one process."""
    folder = cache_folder()
    path = os.path.join(folder, source.file)
    try:
        os.makedirs(folder, exist_ok=True)
        with filelock.FileLock(f"{path}.lock"):
            if not os.path.isfile(path):
                _download(source, path)
                return path
    except OSError as error:
        raise FileNotFoundError(_ways_out(source, error)) from error
    _check_hash(source, path)
    return path


def _download(source, path):
    """Fetches to another name first: a file of this name is whole."""
    home, folder = os.path.split(os.path.dirname(path))
    try:
        part = keras.utils.get_file(
            fname=f"{source.file}.part",
            origin=source.url,
            force_download=True,
            cache_dir=home,
            cache_subdir=folder,
        )
    except Exception as error:  # Keras raises Exception itself.
        raise FileNotFoundError(str(error)) from error
    _check_hash(source, part)
    os.replace(part, path)


def _check_hash(source, path):
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != source.sha256:
        raise ValueError(
            f"The SHA-256 of {source.file} must be {source.sha256}. Received: "
            f"{found} of {path!r}. Remove that file and fetch it again from "
            f"{source.url}."
        )


def _ways_out(source, error):
    return (
        f"The weights of {source.what} were not found and could not be "
        f"downloaded ({error}). Give their file as `weights`, or name it in "
        f"the environment variable {source.variable}, or put it at "
        f"{os.path.join(cache_folder(), source.file)!r}: it is {source.url}, "
        f"SHA-256 {source.sha256}."
    )


def load(model, path, from_torch, from_graph=None):
    """Sets a model's weights from a file, whose kind its content tells.

    Args:
        from_torch: Arrays of a PyTorch file -> {path of our weight: array}.
        from_graph: The same, of a TensorFlow graph's constants; None where
            there is no such graph.

    Raises:
        ValueError: The file is damaged, or holds another network.
    """
    with open(path, "rb") as file:
        start = file.read(len(torch_files.MAGIC_BYTES))
    try:
        if start.startswith(_HDF5):
            model.load_weights(path)
        elif start.startswith(b"PK") or start == torch_files.MAGIC_BYTES:
            assign(model, from_torch(torch_files.read(path)))
        elif from_graph:
            assign(model, from_graph(_graph(path, start)))
        else:
            raise ValueError("Neither a PyTorch file nor a .weights.h5.")
    except KeyError as error:
        raise ValueError(
            f"{path!r} holds another network: it has no {error}."
        ) from error
    except (ValueError, OSError) as error:
        raise ValueError(
            f"The weights in {path!r} could not be read: {error}"
        ) from error


def _graph(path, start):
    if start.startswith(b"\x1f\x8b"):
        return graphdef.constants_of_tar(path)
    with open(path, "rb") as file:
        return graphdef.constants(file.read())


def assign(model, arrays):
    """Sets every weight of a model from {path of the weight: array}.

    Raises:
        ValueError: A weight is missing, or has another shape. Then none has
            been set.
    """
    for weight in model.weights:
        if weight.path not in arrays:
            raise ValueError(f"It has no {weight.path}.")
        shape = arrays[weight.path].shape
        if tuple(shape) != tuple(weight.shape):
            raise ValueError(
                f"{weight.path} must have the shape {tuple(weight.shape)}. "
                f"Received: {tuple(shape)}"
            )
    for weight in model.weights:
        weight.assign(arrays[weight.path])
