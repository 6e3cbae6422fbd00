"""cGAN with projection discriminator of torch-mimicry. MIT licence.

At 32 and 128 px.
"""

from kerasgan.convert import mimicry_blocks
from kerasgan.convert.state import REQUIRED
from kerasgan.models import sngan

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read_conditional
_GENERATOR = {**mimicry_blocks.GENERATOR, "num_classes": REQUIRED}
_DISCRIMINATOR = {**mimicry_blocks.DISCRIMINATOR, "num_classes": REQUIRED}


def generator(state, config, dtype=None):
    """`CGANPDGenerator<side>` -> `sngan.Generator`."""
    sizes, config = mimicry_blocks.generator_sizes(state, config, _GENERATOR)
    network = sngan.Generator(
        classes=config["num_classes"],
        upsampling="bilinear",
        dtype=dtype,
        **sizes,
    )
    mimicry_blocks.assign_generator(state, network)
    return network


def discriminator(state, config, dtype=None):
    """`CGANPDDiscriminator<side>` -> `sngan.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes, config = mimicry_blocks.discriminator_sizes(
        state, config, _DISCRIMINATOR
    )
    network = sngan.Discriminator(
        classes=config["num_classes"],
        rectified_shortcuts=True,
        stored_vectors=("blocks",),
        dtype=dtype,
        **sizes,
    )
    mimicry_blocks.assign_discriminator(state, network)
    return network
