"""R3GAN (brownvc/R3GAN). The repository has no licence; weights are its own.

Official stages are `MainLayers.<stage>`; each has `Layers`, a transition first
in the generator and last in the discriminator, the others residual blocks.
"""

import re

import numpy as np

from kerasgan.convert import checkpoints
from kerasgan.convert.state import (
    REQUIRED,
    assign_convolution,
    check_config,
    check_constant,
    hwio,
)
from kerasgan.layers import filters
from kerasgan.models import r3gan

LICENCE = "none stated (brownvc/R3GAN)"
IGNORED = ()
_ARGUMENTS = {
    "WidthPerStage": REQUIRED,
    "CardinalityPerStage": REQUIRED,
    "BlocksPerStage": REQUIRED,
    "ExpansionFactor": REQUIRED,
    "ConditionDimension": None,
    "ConditionEmbeddingDimension": 0,
    "KernelSize": 3,
    "ResamplingFilter": [1, 2, 1],
}
_GENERATOR = {"NoiseDimension": REQUIRED, **_ARGUMENTS}


def read(tree):
    """`network-snapshot-*.pkl`: what it holds are modules without settings."""
    networks = {
        "generator": checkpoints.part(tree, "G_ema"),
        "discriminator": checkpoints.part(tree, "D"),
    }
    for role, network in networks.items():
        arrays = {
            key.removeprefix("Model."): array
            for key, array in checkpoints.arrays(network).items()
        }
        networks[role] = arrays, _config_of(arrays)
    return networks


def _config_of(arrays):
    """The constructor's arguments, from the shapes of what it made."""
    stages = {}
    for key, array in arrays.items():
        match = re.fullmatch(
            r"MainLayers\.(\d+)\..*LinearLayer2\.Layer\.weight", key
        )
        if match:
            third = arrays[key.replace("Layer2", "Layer3")]
            stages.setdefault(int(match[1]), []).append((array, len(third)))
    firsts = [stages[i][0] for i in range(len(stages))]
    config = {
        "WidthPerStage": [width for _, width in firsts],
        "CardinalityPerStage": [len(a) // a.shape[1] for a, _ in firsts],
        "BlocksPerStage": [len(stages[i]) for i in range(len(stages))],
        "ExpansionFactor": len(firsts[0][0]) // firsts[0][1],
        "KernelSize": firsts[0][0].shape[-1],
    }
    labels = 0
    if "EmbeddingLayer.weight" in arrays:
        labels, classes = arrays["EmbeddingLayer.weight"].shape
        config["ConditionDimension"] = classes
        config["ConditionEmbeddingDimension"] = labels
    if "AggregationLayer.Layer.weight" in arrays:
        stem = arrays["MainLayers.0.Layers.0.LinearLayer.weight"]
        config["NoiseDimension"] = stem.shape[1] - labels
    return config


def generator(state, config, dtype=None):
    """`R3GAN.Networks.Generator` -> `r3gan.Generator`."""
    config = check_config(config, _GENERATOR)
    channels = len(state.take("AggregationLayer.Layer.weight"))
    network = r3gan.Generator(
        latent_size=config["NoiseDimension"],
        dtype=dtype,
        **_arguments(config, channels),
    )
    key = "MainLayers.0.Layers"
    state.assign(f"{key}.0.Basis", network.stem.basis.grid, _places)
    _assign_linear(state, f"{key}.0.LinearLayer", network.stem.linear)
    _assign_blocks(state, key, network.stem.blocks, first=1)
    for i, stage in enumerate(network.stages, 1):
        key = f"MainLayers.{i}.Layers"
        _assign_transition(state, f"{key}.0", stage)
        _assign_blocks(state, key, stage.blocks, first=1)
    assign_convolution(state, "AggregationLayer.Layer", network.to_image)
    if network.embed is not None:
        _assign_linear(state, "EmbeddingLayer", network.embed)
    return network


def discriminator(state, config, dtype=None):
    """`R3GAN.Networks.Discriminator` -> `r3gan.Discriminator`."""
    config = check_config(config, _ARGUMENTS)
    channels = state.take("ExtractionLayer.Layer.weight").shape[1]
    arguments = _arguments(config, channels)
    for name in ("width", "group_size", "blocks"):
        arguments[name] = arguments[name][::-1]  # Theirs begin at the image.
    network = r3gan.Discriminator(dtype=dtype, **arguments)
    assign_convolution(state, "ExtractionLayer.Layer", network.from_image)
    *halving, last = network.stages
    for i, stage in enumerate(halving):
        key = f"MainLayers.{i}.Layers"
        _assign_blocks(state, key, stage.blocks, first=0)
        _assign_transition(state, f"{key}.{len(stage.blocks)}", stage)
    key = f"MainLayers.{len(halving)}.Layers"
    _assign_blocks(state, key, last.blocks, first=0)
    key = f"{key}.{len(last.blocks)}"
    state.assign(
        f"{key}.Basis.weight",
        network.basis.grid,
        lambda array: _places(array[:, 0]),
    )
    _assign_linear(state, f"{key}.LinearLayer", network.to_logits)
    if network.embed is not None:
        _assign_linear(state, "EmbeddingLayer", network.embed)
    return network


def _arguments(config, channels):
    """Ours, for what has one value per stage in their order."""
    widths = tuple(config["WidthPerStage"])
    side = 4 * 2 ** (len(widths) - 1)
    expansion = config["ExpansionFactor"]
    return {
        "image_shape": (side, side, channels),
        "width": widths,
        "group_size": tuple(
            width * expansion // groups
            for width, groups in zip(
                widths, config["CardinalityPerStage"], strict=True
            )
        ),
        "blocks": tuple(config["BlocksPerStage"]),
        "expansion": expansion,
        "kernel_size": config["KernelSize"],
        # Each of theirs is followed by a mean of two.
        "taps": tuple(np.convolve(config["ResamplingFilter"], [1, 1]).tolist()),
        "classes": config["ConditionDimension"] or None,
        "label_width": config["ConditionEmbeddingDimension"],
    }


def _assign_transition(state, key, stage):
    """The filter, which must be ours, and what changes the width, if any."""
    taps = filters.normalized(stage.taps)
    check_constant(state, f"{key}.Resampler.Kernel", np.outer(taps, taps))
    if stage.widen is not None:
        assign_convolution(state, f"{key}.LinearLayer.Layer", stage.widen)


def _assign_blocks(state, key, blocks, first):
    for i, block in enumerate(blocks, first):
        name = f"{key}.{i}"
        for number, layer in enumerate((block.first, block.second), 1):
            state.assign(
                f"{name}.LinearLayer{number}.Layer.weight", layer.kernel, hwio
            )
            state.assign(f"{name}.NonLinearity{number}.Bias", layer.bias)
        assign_convolution(state, f"{name}.LinearLayer3.Layer", block.third)


def _assign_linear(state, key, layer):
    state.assign(f"{key}.weight", layer.kernel, np.transpose)


def _places(array):
    """[c, h, w] -> [h, w, c]."""
    return array.transpose(1, 2, 0)
