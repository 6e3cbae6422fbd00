"""BigGAN of BigGAN-PyTorch, `BigGAN.py`. MIT licence.

Official discriminators of 32 px take their blocks' sizes for 16 px each, and
so have attention after all of them or after none.
"""

from kerasgan.convert.biggan_blocks import (
    DISCRIMINATOR,
    GENERATOR,
    IGNORED,
    LICENCE,
    assign_attention,
    assign_block,
    assign_judge,
    assign_output,
    assign_spectral,
    attention_sizes,
    blocks_in,
    check_resolution,
    join_sizes,
    of_count,
)
from kerasgan.convert.biggan_blocks import read as read_network
from kerasgan.convert.state import check_config, places_last
from kerasgan.models import biggan

__all__ = ["IGNORED", "LICENCE", "discriminator", "generator", "read"]
# Channels over `G_ch`, of the smallest grid and after each block.
_GENERATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
# Channels over `D_ch` after each block, and how many blocks halve the size.
_DISCRIMINATOR_WIDTHS = {
    32: ((4, 4, 4, 4), 2),
    64: ((1, 2, 4, 8, 16), 4),
    128: ((1, 2, 4, 8, 16, 16), 5),
    256: ((1, 2, 4, 8, 8, 16, 16), 6),
}


# The published scripts set it; files do not say.
_SPECTRAL_EPSILON = 1e-6


def read(tree):
    """`G_ema.pth`, `G.pth` or `D.pth`: state dicts without settings."""
    role, arrays, attentive = read_network(tree)
    blocks = blocks_in(arrays)
    if role == "discriminator":
        widths = {r: row for r, (row, _) in _DISCRIMINATOR_WIDTHS.items()}
        resolution = of_count(widths, blocks)
        _, halvings = _DISCRIMINATOR_WIDTHS[resolution]
        sides = _sides(resolution, blocks, halvings)
        channels = len(arrays["blocks.0.0.conv2.weight"])
        return {
            role: (
                arrays,
                {
                    "resolution": resolution,
                    "D_ch": channels // widths[resolution][0],
                    "D_attn": join_sizes(sides[i] for i in attentive),
                    "D_wide": len(arrays["blocks.0.0.conv1.weight"])
                    == channels,
                    "n_classes": len(arrays["embed.weight"]),
                    "SN_eps": _SPECTRAL_EPSILON,
                },
            )
        }
    resolution = of_count(_GENERATOR_WIDTHS, blocks + 1)
    outputs, latents = arrays["linear.weight"].shape
    config = {
        "resolution": resolution,
        "G_ch": outputs // 16 // _GENERATOR_WIDTHS[resolution][0],
        "G_attn": join_sizes(8 * 2**i for i in attentive),
        "G_shared": "shared.weight" in arrays,
        "SN_eps": _SPECTRAL_EPSILON,
    }
    condition = arrays["blocks.0.0.bn1.gain.weight"].shape
    if config["G_shared"]:
        config["n_classes"], shared = arrays["shared.weight"].shape
        config["shared_dim"] = shared
        config["hier"] = condition[1] > shared
    else:  # A row of the table of gains for each class.
        config |= {"n_classes": condition[0], "hier": False}
    parts = blocks + 1 if config["hier"] else 1
    return {role: (arrays, {**config, "dim_z": latents * parts})}


def generator(state, config, dtype=None):
    """`BigGAN.Generator` -> `biggan.Generator`; it takes labels as they are.

    Of `dim_z` latents it takes as many as its parts share equally.
    """
    known = {**GENERATOR, "hier": False}
    sizes = check_config(config, known, others="ignored")
    resolution = check_resolution(sizes, _GENERATOR_WIDTHS)
    widths = _GENERATOR_WIDTHS[resolution]
    parts = len(widths) if sizes["hier"] else 1
    chosen = attention_sizes(sizes["G_attn"])
    network = biggan.Generator(
        (resolution, resolution, 3),
        latent_size=sizes["dim_z"] // parts * parts,
        stage_widths=[sizes["G_ch"] * width for width in widths],
        classes=sizes["n_classes"],
        shared_size=(sizes["shared_dim"] or sizes["dim_z"])
        if sizes["G_shared"]
        else None,
        hierarchical=sizes["hier"],
        attention=[i for i in range(len(widths) - 1) if 8 * 2**i in chosen],
        spectral_epsilon=sizes["SN_eps"],
        norm_epsilon=sizes["BN_eps"],
        dtype=dtype,
    )
    *grid, channels = network.to_grid.target_shape
    rows = places_last(grid, channels)
    if network.share is not None:
        state.assign("shared.weight", network.share.kernel)
    assign_spectral(state, "linear", network.stem, kernel=rows, outputs=rows)
    for i, block in enumerate(network.stages):
        assign_block(state, f"blocks.{i}.0", block)
        if i in network.attentive:
            assign_attention(state, f"blocks.{i}.1", network.attend[str(i)])
    assign_output(state, network)
    return network


def discriminator(state, config, dtype=None):
    """`BigGAN.Discriminator` -> `biggan.Discriminator`."""
    known = {**DISCRIMINATOR, "D_wide": True}
    sizes = check_config(config, known, others="ignored")
    resolution = check_resolution(sizes, _DISCRIMINATOR_WIDTHS)
    widths, halvings = _DISCRIMINATOR_WIDTHS[resolution]
    sides = _sides(resolution, len(widths), halvings)
    chosen = attention_sizes(sizes["D_attn"])
    network = biggan.Discriminator(
        (resolution, resolution, 3),
        stage_widths=[sizes["D_ch"] * width for width in widths],
        halvings=halvings,
        classes=sizes["n_classes"],
        attention=[i for i, side in enumerate(sides) if side in chosen],
        wide=sizes["D_wide"],
        spectral_epsilon=sizes["SN_eps"],
        dtype=dtype,
    )
    for i, block in enumerate(network.stages):
        assign_block(state, f"blocks.{i}.0", block)
        if i in network.attentive:
            assign_attention(state, f"blocks.{i}.1", network.attend[str(i)])
    assign_judge(state, network.judge)
    return network


def _sides(resolution, blocks, halvings):
    """What the official code takes for the sizes after a discriminator's."""
    if resolution == 32:
        return [16] * blocks
    return [resolution // 2 ** min(i + 1, halvings) for i in range(blocks)]
