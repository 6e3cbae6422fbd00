"""Mescheder's residual networks (LMescheder/GAN_stability). MIT licence.

`gan_training.models.resnet`, whose blocks stand at the even places of
`resnet`. Labels are always told; without classes there is one.
"""

import numpy as np

from kerasgan.convert import checkpoints
from kerasgan.convert.state import (
    REQUIRED,
    assign_convolution,
    check_config,
    places_first,
    places_last,
)
from kerasgan.models import mescheder

LICENCE = "MIT (LMescheder/GAN_stability)"
IGNORED = ()
# Each network makes no use of some.
_GENERATOR = {
    "z_dim": REQUIRED,
    "nlabels": REQUIRED,
    "size": REQUIRED,
    "embed_size": 256,
    "nfilter": 64,
    "nfilter_max": 512,
}
_DISCRIMINATOR = {**_GENERATOR, "z_dim": 256, "nfilter_max": 1024}


def read(tree):
    """`model.pt` and the published `*.pt`, the average as `generator_test`."""
    arrays = {
        "generator": checkpoints.arrays(
            checkpoints.part(tree, "generator_test", "generator")
        ),
        "discriminator": checkpoints.arrays(
            checkpoints.part(tree, "discriminator")
        ),
    }
    labels, embed_size = arrays["generator"]["embedding.weight"].shape
    outputs, inputs = arrays["generator"]["fc.weight"].shape
    blocks = {
        key.split(".")[1]
        for key in arrays["generator"]
        if key.startswith("resnet.")
    }
    config = {
        "z_dim": inputs - embed_size,
        "nlabels": labels,
        "size": 4 * 2 ** (len(blocks) - 1),
        "embed_size": embed_size,
        "nfilter": arrays["generator"]["conv_img.weight"].shape[1],
        "nfilter_max": outputs // 16,
    }
    judge = arrays["discriminator"]
    own = {
        **config,
        "nfilter": len(judge["conv_img.weight"]),
        "nfilter_max": judge["fc.weight"].shape[1] // 16,
    }
    return {
        "generator": (arrays["generator"], config),
        "discriminator": (judge, own),
    }


def generator(state, config, dtype=None):
    """`Generator` -> `mescheder.Generator`."""
    config = check_config(config, _GENERATOR, others="ignored")
    network = mescheder.Generator(
        latent_size=config["z_dim"],
        label_width=config["embed_size"],
        dtype=dtype,
        **_sizes(config, len(state.take("conv_img.bias"))),
    )
    state.assign("embedding.weight", network.embed.kernel)
    size = network.grid.target_shape
    convert = places_last(size[:2], size[2])
    state.assign("fc.weight", network.stem.kernel, convert)
    state.assign("fc.bias", network.stem.bias, convert)
    _assign_blocks(state, network.stages)
    assign_convolution(state, "conv_img", network.to_image)
    return network


def discriminator(state, config, dtype=None):
    """`Discriminator` -> `mescheder.Discriminator`."""
    config = check_config(config, _DISCRIMINATOR)
    network = mescheder.Discriminator(
        dtype=dtype,
        **_sizes(config, state.take("conv_img.weight").shape[1]),
    )
    assign_convolution(state, "conv_img", network.from_image)
    _assign_blocks(state, network.stages)
    channels = network.stages[-1].second.filters
    places = network.to_logits.kernel.shape[0] // channels
    side = int(np.sqrt(places))
    state.assign(
        "fc.weight",
        network.to_logits.kernel,
        places_first((side, side), channels),
    )
    state.assign("fc.bias", network.to_logits.bias)
    return network


def _sizes(config, channels):
    return {
        "image_shape": (config["size"], config["size"], channels),
        "width": min(config["nfilter"], config["nfilter_max"]),
        "max_width": config["nfilter_max"],
        "classes": config["nlabels"],
    }


def _assign_blocks(state, blocks):
    for i, block in enumerate(blocks):
        name = f"resnet.{2 * i}"
        assign_convolution(state, f"{name}.conv_0", block.first)
        assign_convolution(state, f"{name}.conv_1", block.second)
        if block.shortcut is not None:
            assign_convolution(state, f"{name}.conv_s", block.shortcut)
