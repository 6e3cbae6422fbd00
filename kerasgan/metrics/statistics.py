"""What a network saw in real images, kept: it need not look twice.

A file says itself what it holds, and is refused where something else is asked
for. Its name is the hash of that description, in which the images stand by
their content: other images, weights or preparation make another file.
"""

import hashlib
import json
import pathlib
import zipfile
import zlib

import numpy as np
from absl import logging

from kerasgan import storage


class Statistics:
    """A folder of arrays under their description.

    Args:
        folder: It is made when something is kept.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def path(self, description):
        """Where arrays of this description (a dict of plain data) would be."""
        digest = hashlib.sha256(_canonical(description).encode()).hexdigest()
        return self.folder / f"{digest[:32]}.npz"

    def load(self, description):
        """{name: array} of what was kept, or None."""
        path = self.path(description)
        try:
            return read(path, description) if path.exists() else None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            logging.warning("Leaving out damaged %s: %s", path, error)
            return None

    def save(self, description, **arrays):
        """Keeps arrays; the file is whole or not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with storage.replacing(self.path(description)) as part:
            np.savez(part, description=_canonical(description), **arrays)


def read(path, description):
    """The arrays of a file, if they are what is described.

    Raises:
        ValueError: They are of something else; it names what differs.
    """
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    found = json.loads(str(arrays.pop("description", "{}")))
    wanted = json.loads(_canonical(description))
    differing = [
        f"{name}: {found.get(name)!r} in the file, {wanted.get(name)!r} wanted"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    ]
    if differing:
        raise ValueError(
            "Statistics must be of the same images, features and preparation. "
            f"Received: {str(path)!r}, with\n  "
            + "\n  ".join(differing)
            + "\nDelete the file, and it is made anew."
        )
    return arrays


def _canonical(description):
    return json.dumps(description, sort_keys=True)
