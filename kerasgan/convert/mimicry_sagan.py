"""SAGAN of torch-mimicry, at 32 and 128 px. MIT licence."""

from kerasgan.convert import mimicry_blocks
from kerasgan.convert.state import REQUIRED
from kerasgan.models import sagan

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read_conditional
_GENERATOR = {**mimicry_blocks.GENERATOR, "num_classes": REQUIRED}
_DISCRIMINATOR = {**mimicry_blocks.DISCRIMINATOR, "num_classes": REQUIRED}


def generator(state, config, dtype=None):
    """`SAGANGenerator<side>` -> `sagan.Generator`."""
    sizes, config = mimicry_blocks.generator_sizes(state, config, _GENERATOR)
    side, _, _ = sizes["image_shape"]
    network = sagan.Generator(
        # After the second of three blocks, and the third of five.
        attention_px=side // 2 if side < 128 else side // 4,
        classes=config["num_classes"],
        upsampling="bilinear",
        stored_vectors=True,
        dtype=dtype,
        **sizes,
    )
    mimicry_blocks.assign_generator(state, network, spectral=True)
    _assign_attention(state, network.attend)
    return network


def discriminator(state, config, dtype=None):
    """`SAGANDiscriminator<side>` -> `sagan.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes, config = mimicry_blocks.discriminator_sizes(
        state, config, _DISCRIMINATOR
    )
    side, _, _ = sizes["image_shape"]
    network = sagan.Discriminator(
        attention_px=side // 4,
        classes=config["num_classes"],
        rectified_shortcuts=True,
        stored_vectors=True,
        dtype=dtype,
        **sizes,
    )
    mimicry_blocks.assign_discriminator(state, network)
    _assign_attention(state, network.attend)
    return network


def _assign_attention(state, layer):
    for name in ("theta", "phi", "g", "o"):
        mimicry_blocks.assign_spectral(
            state, f"attn_block.{name}", getattr(layer, name)
        )
    state.assign("attn_block.gamma", layer.gate)
