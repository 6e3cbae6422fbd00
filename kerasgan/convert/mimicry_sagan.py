"""SAGAN of torch-mimicry, at 32 px. MIT licence."""

from kerasgan.convert import mimicry_blocks
from kerasgan.convert.state import check_config
from kerasgan.models import sagan

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read_conditional
_CLASSES = {"num_classes": None}
_SHARED = {
    "image_shape": (32, 32, 3),
    "max_width": None,
    "stored_vectors": True,
}


def generator(state, config, dtype=None):
    """`SAGANGenerator32` -> `sagan.Generator`."""
    sizes = check_config(config, {**mimicry_blocks.GENERATOR, **_CLASSES})
    network = sagan.Generator(
        latent_size=sizes["nz"],
        attention_px=16,
        width=sizes["ngf"],
        classes=sizes["num_classes"],
        upsampling="bilinear",
        dtype=dtype,
        **_SHARED,
    )
    mimicry_blocks.assign_generator(state, network, spectral=True)
    _assign_attention(state, network.attend)
    return network


def discriminator(state, config, dtype=None):
    """`SAGANDiscriminator32` -> `sagan.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes = check_config(config, {**mimicry_blocks.DISCRIMINATOR, **_CLASSES})
    network = sagan.Discriminator(
        width=sizes["ndf"],
        attention_px=8,
        smallest_px=8,
        last_blocks=2,
        classes=sizes["num_classes"],
        rectified_shortcuts=True,
        dtype=dtype,
        **_SHARED,
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
