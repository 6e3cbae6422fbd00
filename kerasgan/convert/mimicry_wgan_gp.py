"""WGAN-GP's residual networks of torch-mimicry. MIT licence.

At 32, 48, 64 and 128 px. Discriminators of 48 and of 64 px have the same
arrays: they are taken for 64 px, unless the configuration has
`"image_size": 48`, which is no official argument.
"""

import numpy as np

from kerasgan.convert import mimicry_blocks
from kerasgan.convert.state import (
    assign_convolution,
    assign_norm,
    places_last,
)
from kerasgan.models import resnet

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read
_GENERATOR = {**mimicry_blocks.GENERATOR, "loss_type": "wasserstein"}
_DISCRIMINATOR = {
    "ndf": None,
    # Of training, not of the network.
    "loss_type": "wasserstein",
    "gp_scale": 10.0,
    "image_size": (None, 48, 64),
}


def generator(state, config, dtype=None):
    """`WGANGPGenerator<side>` -> `resnet.Generator`."""
    sizes, _ = mimicry_blocks.generator_sizes(state, config, _GENERATOR)
    network = resnet.Generator(upsampling="bilinear", dtype=dtype, **sizes)
    dense, to_grid = network.stem.layers
    *grid, channels = to_grid.target_shape
    rows = places_last(grid, channels)
    state.assign("l1.weight", dense.kernel, rows)
    state.assign("l1.bias", dense.bias, rows)
    for i, block in enumerate(network.stages):
        name = f"block{i + 2}"
        assign_norm(state, f"{name}.b1", block.first_norm)
        assign_norm(state, f"{name}.b2", block.second_norm)
        assign_convolution(state, f"{name}.c1", block.first)
        assign_convolution(state, f"{name}.c2", block.second)
        assign_convolution(state, f"{name}.c_sc", block.shortcut)
    number = len(network.stages) + 2
    assign_norm(state, f"b{number}", network.normalize)
    assign_convolution(state, f"c{number}", network.to_image)
    return network


def discriminator(state, config, dtype=None):
    """`WGANGPDiscriminator<side>` -> `resnet.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes, config = mimicry_blocks.discriminator_sizes(
        state,
        config,
        _DISCRIMINATOR,
        five_blocks=config.get("image_size") or 64,
    )
    if sizes["width"] != sizes["max_width"]:
        # Ours counts from the image on, which no block of theirs keeps.
        sizes["width"] /= 2
        sizes["doublings"] = 5
    network = resnet.Discriminator(
        rectified_shortcuts=True, dtype=dtype, **sizes
    )
    for i, block in enumerate(network.stages):
        name = f"block{i + 1}"
        assign_convolution(state, f"{name}.c1", block.first)
        assign_convolution(state, f"{name}.c2", block.second)
        if block.shortcut is not None:
            assign_convolution(state, f"{name}.c_sc", block.shortcut)
    name = mimicry_blocks.last_layer(state)
    state.assign(f"{name}.weight", network.to_logits.kernel, np.transpose)
    state.assign(f"{name}.bias", network.to_logits.bias)
    return network
