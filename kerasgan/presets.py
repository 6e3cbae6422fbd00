"""Named networks: the one table, put together from the families' files.

generator, discriminator = presets.get("dcgan_mnist_28px")
"""

import importlib

from kerasgan.errors import unknown_name

# Modules of `kerasgan.models`. Imported when asked for: they import Keras.
FAMILIES = (
    "biggan",
    "biggan_deep",
    "dcgan",
    "densenet",
    "fastgan",
    "gan",
    "mescheder",
    "progan",
    "r3gan",
    "resnet",
    "sagan",
    "sngan",
    "stylegan",
    "stylegan2",
    "stylegan3",
)


def names():
    """The names of all presets, a family's `tiny` one first."""
    return [name for family in FAMILIES for name in _presets_of(family)]


def get(name):
    """A preset's name -> a new generator, a new discriminator.

    Raises:
        ValueError: There is no such preset; the message lists those there are.
    """
    for family in FAMILIES:
        presets = _presets_of(family)
        if name in presets:
            module = _module(family)
            arguments = presets[name]
            return (
                module.Generator(**arguments["generator"]),
                module.Discriminator(**arguments["discriminator"]),
            )
    raise unknown_name("name", name, names())


def _presets_of(family):
    return _module(family).PRESETS


def _module(family):
    return importlib.import_module(f"kerasgan.models.{family}")
