"""WGAN-GP's residual networks of torch-mimicry, at 32 px. MIT licence."""

import numpy as np

from kerasgan.convert import mimicry_blocks
from kerasgan.convert.state import (
    assign_convolution,
    assign_norm,
    check_config,
    places_last,
)
from kerasgan.models import resnet

LICENCE = mimicry_blocks.LICENCE
IGNORED = mimicry_blocks.IGNORED
read = mimicry_blocks.read
_GENERATOR = {"nz": 128, "ngf": 256, "bottom_width": (4,)}
_DISCRIMINATOR = {"ndf": 128}


def generator(state, config, dtype=None):
    """`WGANGPGenerator32` -> `resnet.Generator`."""
    sizes = check_config(config, _GENERATOR)
    width = sizes["ngf"]
    network = resnet.Generator(
        latent_size=sizes["nz"],
        width=width,
        upsampling="bilinear",
        dtype=dtype,
    )
    dense = network.stem.layers[0]
    state.assign("l1.weight", dense.kernel, places_last((4, 4), width))
    state.assign("l1.bias", dense.bias, places_last((4, 4), width))
    for i, block in enumerate(network.stages):
        name = f"block{i + 2}"
        assign_norm(state, f"{name}.b1", block.first_norm)
        assign_norm(state, f"{name}.b2", block.second_norm)
        assign_convolution(state, f"{name}.c1", block.first)
        assign_convolution(state, f"{name}.c2", block.second)
        assign_convolution(state, f"{name}.c_sc", block.shortcut)
    assign_norm(state, "b5", network.normalize)
    assign_convolution(state, "c5", network.to_image)
    return network


def discriminator(state, config, dtype=None):
    """`WGANGPDiscriminator32` -> `resnet.Discriminator`.

    The official blocks rectify in place, and so what their shortcuts see.
    """
    sizes = check_config(config, _DISCRIMINATOR)
    network = resnet.Discriminator(
        width=sizes["ndf"], rectified_shortcuts=True, dtype=dtype
    )
    for i, block in enumerate(network.stages):
        name = f"block{i + 1}"
        assign_convolution(state, f"{name}.c1", block.first)
        assign_convolution(state, f"{name}.c2", block.second)
        if block.shortcut is not None:
            assign_convolution(state, f"{name}.c_sc", block.shortcut)
    state.assign("l5.weight", network.to_logits.kernel, np.transpose)
    state.assign("l5.bias", network.to_logits.bias)
    return network
