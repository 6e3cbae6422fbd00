"""Named experiments: one file each, found by name, listed without Keras."""

import importlib

from kerasgan.errors import unknown_name

NAMES = (
    "dcgan",
    "gan",
    "lsgan",
    "wgan",
    "wgan_gp",
    "cgan",
    "acgan",
    "infogan",
    "reacgan",
    "sngan",
    "ssgan",
    "sagan",
    "biggan",
    "biggan_deep",
    "mescheder",
    "fastgan",
    "r3gan",
    "progan",
    "stylegan",
    "stylegan2",
    "stylegan3",
    "densenet",
)


def get(name):
    """The `Recipe` of that name, with its published or measured settings."""
    return module(name).Recipe()


def module(name):
    """The file of a recipe; its docstring holds commands and results."""
    if name not in NAMES:
        raise unknown_name("recipe", name, NAMES)
    return importlib.import_module(f"kerasgan.recipes.{name}")
