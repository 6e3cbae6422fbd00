"""SSGAN of torch-mimicry, at 32 px. MIT licence."""

from kerasgan.convert import mimicry_blocks, mimicry_sngan
from kerasgan.convert.state import check_config
from kerasgan.models import sngan

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read


def generator(state, config, dtype=None):
    """`SSGANGenerator32` -> `sngan.Generator`."""
    return mimicry_sngan.generator(state, _of_networks(config), dtype)


def discriminator(state, config, dtype=None):
    """`SSGANDiscriminator32` -> `sngan.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes = check_config(_of_networks(config), mimicry_blocks.DISCRIMINATOR)
    network = sngan.Discriminator(
        width=sizes["ndf"],
        rotations=True,
        rectified_shortcuts=True,
        stored_vectors=("blocks",),
        dtype=dtype,
    )
    mimicry_blocks.assign_discriminator(state, network)
    return network


def _of_networks(config):
    """Without the weight of the rotations' loss."""
    return {k: v for k, v in config.items() if k != "ss_loss_scale"}
