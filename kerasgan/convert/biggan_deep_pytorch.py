"""BigGAN-deep of BigGAN-PyTorch, `BigGANdeep.py`. MIT licence."""

from kerasgan.convert.biggan_blocks import (
    DISCRIMINATOR,
    GENERATOR,
    IGNORED,
    LICENCE,
    assign_attention,
    assign_conditional_norm,
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
from kerasgan.models import biggan_deep

__all__ = ["IGNORED", "LICENCE", "discriminator", "generator", "read"]
# Channels over `G_ch`, of the smallest grid and after each stage.
_GENERATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
# Channels over `D_ch`, of the image's size and after each stage, and how many
# stages halve the size.
_DISCRIMINATOR_WIDTHS = {
    32: ((4, 4, 4, 4), 2),
    64: ((1, 2, 4, 8, 16), 4),
    128: ((1, 2, 4, 8, 16, 16), 5),
    256: ((1, 2, 4, 8, 8, 16, 16), 6),
}


# Published networks' and scripts'; files do not say.
_DEPTH = 2
_SPECTRAL_EPSILON = 1e-6


def read(tree):
    """`G_ema.pth`, `G.pth` or `D.pth`: state dicts without settings."""
    role, arrays, attentive = read_network(tree)
    blocks = blocks_in(arrays)
    if role == "discriminator":
        widths = {r: row for r, (row, _) in _DISCRIMINATOR_WIDTHS.items()}
        resolution = of_count(widths, blocks + 1)
        sides = _sides(resolution, blocks)
        config = {
            "D_ch": len(arrays["input_conv.weight"]) // widths[resolution][0],
            "D_attn": join_sizes(sides[i] for i in attentive),
            "n_classes": len(arrays["embed.weight"]),
        }
    else:
        # Keys count blocks, of which a stage has several.
        resolution = of_count(_GENERATOR_WIDTHS, blocks // _DEPTH + 1)
        classes, shared = arrays["shared.weight"].shape
        outputs, inputs = arrays["linear.weight"].shape
        config = {
            "G_ch": outputs // 16 // _GENERATOR_WIDTHS[resolution][0],
            "G_attn": join_sizes(8 * 2 ** (i // _DEPTH) for i in attentive),
            "n_classes": classes,
            "shared_dim": shared,
            "dim_z": inputs - shared,
            "hier": True,
        }
    config |= {"resolution": resolution, "SN_eps": _SPECTRAL_EPSILON}
    return {role: (arrays, config)}


def generator(state, config, dtype=None):
    """`BigGANdeep.Generator` -> `biggan_deep.Generator`."""
    known = {**GENERATOR, "G_depth": 2, "hier": (True,), "G_shared": (True,)}
    sizes = check_config(config, known, others="ignored")
    resolution = check_resolution(sizes, _GENERATOR_WIDTHS)
    widths = _GENERATOR_WIDTHS[resolution]
    chosen = attention_sizes(sizes["G_attn"])
    network = biggan_deep.Generator(
        (resolution, resolution, 3),
        latent_size=sizes["dim_z"],
        stage_widths=[sizes["G_ch"] * width for width in widths],
        depth=sizes["G_depth"],
        classes=sizes["n_classes"],
        shared_size=sizes["shared_dim"] or sizes["dim_z"],
        attention=[i for i in range(len(widths) - 1) if 8 * 2**i in chosen],
        spectral_epsilon=sizes["SN_eps"],
        norm_epsilon=sizes["BN_eps"],
        dtype=dtype,
    )
    *grid, channels = network.to_grid.target_shape
    rows = places_last(grid, channels)
    state.assign("shared.weight", network.share.kernel)
    assign_spectral(state, "linear", network.stem, kernel=rows, outputs=rows)
    for i, stage in enumerate(network.stages):
        for j, block in enumerate(stage):
            key = f"blocks.{i * len(stage) + j}"
            _assign_convolutions(state, f"{key}.0", block)
            for k, norm in enumerate(block.norms):
                assign_conditional_norm(state, f"{key}.0.bn{k + 1}", norm)
        if i in network.attentive:
            assign_attention(state, f"{key}.1", network.attend[str(i)])
    assign_output(state, network)
    return network


def discriminator(state, config, dtype=None):
    """`BigGANdeep.Discriminator` -> `biggan_deep.Discriminator`.

    Official ones of 32 px take their stages' sizes for 16 px each.
    """
    known = {**DISCRIMINATOR, "D_depth": 2}  # `D_wide` changes nothing.
    sizes = check_config(config, known, others="ignored")
    resolution = check_resolution(sizes, _DISCRIMINATOR_WIDTHS)
    widths, halvings = _DISCRIMINATOR_WIDTHS[resolution]
    sides = _sides(resolution, len(widths) - 1)
    chosen = attention_sizes(sizes["D_attn"])
    network = biggan_deep.Discriminator(
        (resolution, resolution, 3),
        stage_widths=[sizes["D_ch"] * width for width in widths],
        halvings=halvings,
        depth=sizes["D_depth"],
        classes=sizes["n_classes"],
        attention=[i for i, side in enumerate(sides) if side in chosen],
        spectral_epsilon=sizes["SN_eps"],
        dtype=dtype,
    )
    assign_spectral(state, "input_conv", network.from_image)
    for i, stage in enumerate(network.stages):
        for j, block in enumerate(stage):
            _assign_convolutions(state, f"blocks.{i}.{j}", block)
            if getattr(block, "shortcut", None) is not None:
                key = f"blocks.{i}.{j}.conv_sc"
                assign_spectral(state, key, block.shortcut)
        if i in network.attentive:
            key = f"blocks.{i}.{len(stage)}"
            assign_attention(state, key, network.attend[str(i)])
    assign_judge(state, network.judge)
    return network


def _sides(resolution, stages):
    """What the official code takes for the sizes after a discriminator's."""
    if resolution == 32:
        return [16] * stages
    return [resolution // 2 ** (i + 1) for i in range(stages)]


def _assign_convolutions(state, key, block):
    for k, convolution in enumerate(block.convolutions):
        assign_spectral(state, f"{key}.conv{k + 1}", convolution)
