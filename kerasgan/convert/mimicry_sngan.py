"""SNGAN of torch-mimicry, at 32 px. MIT licence."""

from kerasgan.convert import mimicry_blocks
from kerasgan.convert.state import check_config
from kerasgan.models import sngan

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read


def generator(state, config, dtype=None):
    """`SNGANGenerator32` -> `sngan.Generator`."""
    sizes = check_config(config, mimicry_blocks.GENERATOR)
    network = sngan.Generator(
        latent_size=sizes["nz"],
        width=sizes["ngf"],
        upsampling="bilinear",
        dtype=dtype,
    )
    mimicry_blocks.assign_generator(state, network)
    return network


def discriminator(state, config, dtype=None):
    """`SNGANDiscriminator32` -> `sngan.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes = check_config(config, mimicry_blocks.DISCRIMINATOR)
    network = sngan.Discriminator(
        width=sizes["ndf"],
        rectified_shortcuts=True,
        stored_vectors=("blocks", "heads"),
        dtype=dtype,
    )
    mimicry_blocks.assign_discriminator(state, network)
    return network
