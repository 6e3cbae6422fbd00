"""Official checkpoints as networks of ours: one file per source.

    generator, discriminator = convert.load("r3gan", "network-final.pkl")
    generator, _ = convert.from_state("r3gan", generator=(state, config))

Every file has `generator(state, config, dtype)` and `discriminator(state,
config, dtype)`: they build a network as the official constructor would from
`config`, and give it what a `State` holds. `read(tree)` says where in a
published file these are: {"generator": (arrays, config), ...}, of the averaged
generator where there is one. Nothing is executed that a file holds, and no
official code is needed.
"""

import importlib

from kerasgan.convert import checkpoints
from kerasgan.convert.state import State
from kerasgan.errors import unknown_name

# Files of this folder. Imported when asked for: they import Keras.
SOURCES = (
    "biggan_deep_pytorch",
    "biggan_pytorch",
    "gan_stability",
    "mimicry_cgan_pd",
    "mimicry_sagan",
    "mimicry_sngan",
    "mimicry_ssgan",
    "mimicry_wgan_gp",
    "progan",
    "pytorch_dcgan",
    "r3gan",
    "stylegan",
    "stylegan2_ada_pytorch",
    "stylegan3",
)


def load(source, path, dtype=None):
    """A published checkpoint -> (generator, discriminator).

    Args:
        source: One of `SOURCES`.
        path: Of the file, as its authors published it.
        dtype: Of the networks; None is Keras' policy.

    Returns:
        The networks, ready to call; None for what the file does not hold.

    Raises:
        ValueError: An unknown source; a file that is damaged, of another
            source, or asks for code to be run.
    """
    module = _module(source)
    tree = checkpoints.read(path)
    try:
        return from_state(source, dtype=dtype, **module.read(tree))
    except checkpoints.MISTAKES as error:
        raise ValueError(
            f"{str(path)!r} must be a checkpoint of {source}: {error}"
        ) from error


def licence(source):
    """Under which licence the official code and weights are."""
    return _module(source).LICENCE


def from_state(source, *, generator=None, discriminator=None, dtype=None):
    """Arrays of an official implementation -> (generator, discriminator).

    Args:
        source: One of `SOURCES`.
        generator, discriminator: For each a pair (state, config), or None:
            {official key: NumPy array}, and the official constructor's
            arguments as a dict.
        dtype: Of the networks; None is Keras' policy.

    Returns:
        The networks, ready to call; None for what was not given.

    Raises:
        ValueError: An unknown source; a key that is missing, superfluous or
            of another shape, each named; a configuration that is not known.
    """
    module = _module(source)
    networks = []
    for role, pair in (
        ("generator", generator),
        ("discriminator", discriminator),
    ):
        if pair is None:
            networks.append(None)
            continue
        arrays, config = pair
        state = State(arrays, f"{source}'s {role}", module.IGNORED)
        networks.append(getattr(module, role)(state, config, dtype))
        state.check_finished()
    return tuple(networks)


def _module(source):
    if source not in SOURCES:
        raise unknown_name("source", source, SOURCES)
    return importlib.import_module(f"kerasgan.convert.{source}")
