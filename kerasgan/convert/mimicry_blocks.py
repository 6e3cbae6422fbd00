"""What networks of torch-mimicry share, at 32, 48, 64 and 128 px. MIT licence.

Its spectral norms are of two kinds: PyTorch's, which stores `weight_u` and
`weight_v`, and one of its own, which stores `sn_u` and iterates in each pass.
"""

import math

import numpy as np

from kerasgan.convert import checkpoints
from kerasgan.convert.state import (
    assign_convolution,
    assign_norm,
    check_config,
    hwio,
    places_last,
)

LICENCE = "MIT (kwotsin/mimicry)"
IGNORED = (r".*num_batches_tracked", r".*sn_sigma")
# What is None here, the shapes of the arrays tell: defaults differ by size.
GENERATOR = {
    "nz": None,
    "ngf": None,
    "bottom_width": None,
    # Of training, not of the network.
    "loss_type": "hinge",
}
DISCRIMINATOR = {"ndf": None, "loss_type": "hinge"}
# Of discriminators, by the image's side: the first block's channels are
# `ndf` over this; then arguments of ours.
_DISCRIMINATORS = {
    32: (1, {"smallest_px": 8, "last_blocks": 2}),
    48: (16, {"smallest_px": 3, "last_blocks": 1, "doublings": 4}),
    64: (16, {"smallest_px": 2, "last_blocks": 0}),
    128: (16, {"smallest_px": 4, "last_blocks": 1}),
}


def read(tree):
    """`netG_<steps>_steps.pth` or `netD_<steps>_steps.pth`: one of the two."""
    arrays = checkpoints.arrays(checkpoints.part(tree, "model_state_dict"))
    of_generators = {"l1.weight", "l1.weight_orig"} & set(arrays)
    return {"generator" if of_generators else "discriminator": (arrays, {})}


def read_conditional(tree):
    """The same of networks with classes, whose number it tells."""
    tables = "block2.b1.embed.weight", "l_y.weight", "l_y.weight_orig"
    ((role, (arrays, config)),) = read(tree).items()
    table = checkpoints.part(arrays, *tables)
    return {role: (arrays, {**config, "num_classes": len(table)})}


def generator_sizes(state, config, known):
    """Arguments of ours that an official generator's arrays tell.

    Returns:
        Those, and the checked configuration.
    """
    config = check_config(config, known)
    outputs, latent_size = _weight(state, "l1").shape
    first = _weight(state, "block2.c1").shape[1]
    blocks = _count_blocks(state, 2)
    grid = math.isqrt(outputs // first)
    if not 4 <= grid < 8:
        raise ValueError(
            f"`bottom_width` must be 4 to 7. Received: bottom_width={grid}"
        )
    _check_told(
        state, config, {"nz": latent_size, "ngf": first, "bottom_width": grid}
    )
    last = _weight(state, f"c{blocks + 2}").shape[1]
    if last != first:
        _check_multiple("ngf", first, last)
    side = grid * 2**blocks
    sizes = {
        "image_shape": (side, side, 3),
        "latent_size": latent_size,
        "width": last,
        "max_width": first,
    }
    return sizes, config


def discriminator_sizes(state, config, known, five_blocks=None):
    """Arguments of ours that an official discriminator's arrays tell.

    Args:
        five_blocks: The side of images where there are five blocks; None:
            their last layer's name tells.

    Returns:
        Those, and the checked configuration.
    """
    config = check_config(config, known)
    blocks = _count_blocks(state, 1)
    five_blocks = five_blocks or (48 if _has(state, "l5") else 64)
    side = {4: 32, 5: five_blocks, 6: 128}.get(blocks)
    if side is None:
        raise ValueError(
            "Discriminators must be of 32, 48, 64 or 128 px, which have 4 to "
            f"6 blocks. Received: {blocks} blocks of {state.name}"
        )
    channels = _weight(state, last_layer(state)).shape[1]
    _check_told(state, config, {"ndf": channels})
    part, arguments = _DISCRIMINATORS[side]
    first = len(_weight(state, "block1.c1"))
    _check_multiple("ndf", channels, first, part)
    sizes = {
        "image_shape": (side, side, 3),
        "width": first,
        "max_width": channels,
        **arguments,
    }
    return sizes, config


def last_layer(state):
    """The name of a discriminator's last layer, `l5` to `l7`."""
    blocks = _count_blocks(state, 1)
    names = f"l{blocks + 1}", f"l{blocks}"
    return names[0] if _has(state, names[0]) else names[1]


def _has(state, key):
    return f"{key}.weight" in state or f"{key}.weight_orig" in state


def _weight(state, key):
    name = "weight_orig" if f"{key}.weight_orig" in state else "weight"
    return state.take(f"{key}.{name}")


def _count_blocks(state, first):
    """How many blocks there are, the first one's number given."""
    number = first
    while _has(state, f"block{number}.c1"):
        number += 1
    return number - first


def _check_told(state, config, found):
    for name, value in found.items():
        if config[name] not in (None, value):
            raise ValueError(
                f"`{name}` must be {value}, as the arrays of {state.name} "
                f"have it. Received: {name}={config[name]!r}"
            )


def _check_multiple(name, most, least, ratio=None):
    """Raises unless channels are doubled from `least` to `most`."""
    times = ratio or 2 ** round(math.log2(most / least))
    if most != times * least:
        raise ValueError(
            f"`{name}` must be a multiple of {times} at this size. "
            f"Received: {name}={most}, and {least} at the image's end"
        )


def assign_generator(state, network, spectral=False):
    """`l1`, `block2` and so on, then `b5` and `c5`, numbered like blocks."""
    rows = places_last(*_grid(network))
    if spectral:
        assign = assign_spectral
        assign_spectral(state, "l1", network.stem, kernel=rows, outputs=rows)
    else:
        assign = assign_convolution
        state.assign("l1.weight", network.stem.kernel, rows)
        state.assign("l1.bias", network.stem.bias, rows)
    for i, block in enumerate(network.stages):
        name = f"block{i + 2}"
        _assign_block_norm(state, f"{name}.b1", block.first_norm)
        _assign_block_norm(state, f"{name}.b2", block.second_norm)
        assign(state, f"{name}.c1", block.first)
        assign(state, f"{name}.c2", block.second)
        assign(state, f"{name}.c_sc", block.shortcut)
    number = len(network.stages) + 2
    assign_norm(state, f"b{number}", network.normalize)
    assign(state, f"c{number}", network.to_image)


def assign_discriminator(state, network):
    """`block1` and so on, the last layer; `l_y` is of labels or rotations."""
    for i, block in enumerate(network.stages):
        name = f"block{i + 1}"
        assign_spectral(state, f"{name}.c1", block.first)
        assign_spectral(state, f"{name}.c2", block.second)
        if block.shortcut is not None:
            assign_spectral(state, f"{name}.c_sc", block.shortcut)
    judge = network.judge
    name = last_layer(state)
    assign_spectral(state, name, judge.to_logits, kernel=np.transpose)
    if judge.project is not None:
        assign_spectral(state, "l_y", judge.project, kernel=np.asarray)
    if judge.to_rotations is not None:
        assign_spectral(state, "l_y", judge.to_rotations, kernel=np.transpose)


def assign_spectral(state, key, layer, kernel=hwio, outputs=np.asarray):
    """A layer's kernel, vectors, and bias where it has one.

    Args:
        kernel: Converts the kernel: `np.transpose` of dense layers.
        outputs: Converts what is one number per output.
    """
    if layer.stored_vectors:
        names = "weight_orig", "weight_u"
        state.assign(f"{key}.weight_v", layer.v, _inputs_of(layer))
    else:
        names = "weight", "sn_u"
    state.assign(f"{key}.{names[0]}", layer.kernel, kernel)
    state.assign(f"{key}.{names[1]}", layer.u, lambda x: outputs(x.reshape(-1)))
    if getattr(layer, "use_bias", False):
        state.assign(f"{key}.bias", layer.bias, outputs)


def _assign_block_norm(state, key, layer):
    if layer.classes is None:
        assign_norm(state, key, layer)
        return
    # A row of the table is gains, then biases.
    state.assign(
        f"{key}.embed.weight",
        (layer.gain, layer.bias),
        lambda x: np.split(x, 2, axis=1),
    )
    state.assign(f"{key}.bn.running_mean", layer.moving_mean)
    state.assign(f"{key}.bn.running_var", layer.moving_variance)


def _grid(network):
    *size, channels = network.to_grid.target_shape
    return size, channels


def _inputs_of(layer):
    """Converts v: [c * h * w] of a convolution to [h * w * c]."""
    *size, channels, _ = layer.kernel.shape
    return places_last(size, channels) if size else np.asarray
