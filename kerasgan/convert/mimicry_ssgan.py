"""SSGAN of torch-mimicry, at 32, 48, 64 and 128 px. MIT licence."""

from kerasgan.convert import mimicry_blocks, mimicry_sngan
from kerasgan.models import sngan

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read
# The weights of the rotations' loss, which is not of the networks.
_GENERATOR = {**mimicry_blocks.GENERATOR, "ss_loss_scale": 0.2}
_DISCRIMINATOR = {**mimicry_blocks.DISCRIMINATOR, "ss_loss_scale": 1.0}


def generator(state, config, dtype=None):
    """`SSGANGenerator<side>` -> `sngan.Generator`."""
    return mimicry_sngan.make_generator(state, config, _GENERATOR, dtype)


def discriminator(state, config, dtype=None):
    """`SSGANDiscriminator<side>` -> `sngan.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes, _ = mimicry_blocks.discriminator_sizes(state, config, _DISCRIMINATOR)
    network = sngan.Discriminator(
        rotations=True,
        rectified_shortcuts=True,
        stored_vectors=("blocks",),
        dtype=dtype,
        **sizes,
    )
    mimicry_blocks.assign_discriminator(state, network)
    return network
