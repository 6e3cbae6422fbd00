"""SNGAN of torch-mimicry, at 32, 48, 64 and 128 px. MIT licence."""

from kerasgan.convert import mimicry_blocks
from kerasgan.models import sngan

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read


def generator(state, config, dtype=None):
    """`SNGANGenerator<side>` -> `sngan.Generator`."""
    return make_generator(state, config, mimicry_blocks.GENERATOR, dtype)


def make_generator(state, config, known, dtype):
    """The same for each source that has this generator.

    Args:
        known: The official arguments, as `check_config` takes them.
    """
    sizes, _ = mimicry_blocks.generator_sizes(state, config, known)
    network = sngan.Generator(upsampling="bilinear", dtype=dtype, **sizes)
    mimicry_blocks.assign_generator(state, network)
    return network


def discriminator(state, config, dtype=None):
    """`SNGANDiscriminator<side>` -> `sngan.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes, _ = mimicry_blocks.discriminator_sizes(
        state, config, mimicry_blocks.DISCRIMINATOR
    )
    network = sngan.Discriminator(
        rectified_shortcuts=True,
        stored_vectors=("blocks", "heads"),
        dtype=dtype,
        **sizes,
    )
    mimicry_blocks.assign_discriminator(state, network)
    return network
