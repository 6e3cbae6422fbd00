"""StyleGAN2 of NVlabs/stylegan2-ada-pytorch: NVIDIA Source Code License.

Its discriminators are those of NVlabs/stylegan3 too.
"""

import numpy as np

from kerasgan.convert import checkpoints
from kerasgan.convert.state import check_config, hwio, places_first
from kerasgan.layers.filters import TAPS, normalized
from kerasgan.models import stylegan2

LICENCE = (
    "NVIDIA Source Code License for StyleGAN2 with ADA: research and "
    "evaluation only (NVlabs/stylegan2-ada-pytorch)"
)
# What they pass on is computed in float32 here, whatever it was trained in.
IGNORED = ()
_ARCHITECTURES = {"orig": "original", "skip": "skip", "resnet": "residual"}
_PRECISION = {"num_fp16_res": 0, "fp16_channels_last": (False, True)}
_CONVOLUTIONS = {
    "channel_base": 32768,
    "channel_max": 512,
    "conv_clamp": None,
    "resample_filter": ([1, 3, 3, 1],),
    "activation": ("lrelu",),
    **_PRECISION,
}
_GENERATOR = {
    "z_dim": 512,
    "c_dim": 0,
    "w_dim": 512,
    "img_resolution": 1024,
    "img_channels": 3,
    "mapping_kwargs": {},
    "synthesis_kwargs": {},
}
_SYNTHESIS = {
    "architecture": ("skip", "orig", "resnet"),
    "use_noise": True,
    **_CONVOLUTIONS,
}
_MAPPING = {
    "num_layers": 8,
    "embed_features": None,
    "layer_features": None,
    "activation": ("lrelu",),
    "lr_multiplier": 0.01,
    "w_avg_beta": 0.995,
}
# Of labels there is no average.
_DISCRIMINATOR_MAPPING = {
    name: value for name, value in _MAPPING.items() if name != "w_avg_beta"
}
DISCRIMINATOR = {
    "c_dim": 0,
    "img_resolution": 1024,
    "img_channels": 3,
    "architecture": ("resnet", "orig", "skip"),
    "cmap_dim": None,
    "block_kwargs": {},
    "mapping_kwargs": {},
    "epilogue_kwargs": {},
    **_CONVOLUTIONS,
}
_BLOCK = {
    "freeze_layers": 0,
    **{k: _CONVOLUTIONS[k] for k in ("resample_filter", "activation")},
    "fp16_channels_last": _PRECISION["fp16_channels_last"],
}
_EPILOGUE = {
    "mbstd_group_size": 4,
    "mbstd_num_channels": 1,
    "activation": ("lrelu",),
}


def read(tree):
    """`network-snapshot-*.pkl`: networks, and what they were made with."""
    networks = {
        "generator": checkpoints.part(tree, "G_ema"),
        "discriminator": checkpoints.part(tree, "D"),
    }
    return {
        role: (checkpoints.arrays(network), checkpoints.arguments(network))
        for role, network in networks.items()
    }


def generator(state, config, dtype=None):
    """`training.networks.Generator` -> `stylegan2.Generator`."""
    sizes = check_config(config, _GENERATOR)
    synthesis = check_config(sizes["synthesis_kwargs"], _SYNTHESIS)
    mapping = check_config(sizes["mapping_kwargs"], _MAPPING)
    network = stylegan2.Generator(
        image_shape(sizes),
        latent_size=sizes["z_dim"],
        style_size=sizes["w_dim"],
        width=_width(synthesis, sizes),
        max_width=synthesis["channel_max"],
        classes=sizes["c_dim"] or None,
        architecture=_ARCHITECTURES[synthesis["architecture"]],
        mapping_depth=mapping["num_layers"],
        mapping_width=mapping["layer_features"],
        mapping_learning_rate_multiplier=mapping["lr_multiplier"],
        label_size=mapping["embed_features"],
        noise=synthesis["use_noise"],
        average_decay=mapping["w_avg_beta"],
        clamp=synthesis["conv_clamp"],
        dtype=dtype,
    )
    assign_mapping(state, "mapping", network.mapping)
    for stage in network.stages:
        name = f"synthesis.b{stage.size[0]}"
        _check_filter(state, name)
        if stage is network.stages[0]:
            state.assign(f"{name}.const", network.constant, _channels_last)
        for layer in stage.convolutions:
            place = "conv0" if layer.name == "first" else "conv1"
            _assign_styled(state, f"{name}.{place}", layer)
        if stage.shortcut is not None:
            _assign_convolution(state, f"{name}.skip", stage.shortcut)
        if stage.to_image is not None:
            _assign_modulated(state, f"{name}.torgb", stage.to_image)
    return network


def discriminator(state, config, dtype=None):
    """`training.networks.Discriminator` -> `stylegan2.Discriminator`."""
    return style_discriminator(
        stylegan2.Discriminator, state, config, DISCRIMINATOR, dtype
    )


def style_discriminator(network_class, state, config, known, dtype):
    """The same for each family that has this discriminator.

    Args:
        known: The official arguments, as `check_config` takes them.
    """
    sizes = check_config(config, known)
    check_config(sizes["block_kwargs"], _BLOCK)
    mapping = check_config(sizes["mapping_kwargs"], _DISCRIMINATOR_MAPPING)
    epilogue = check_config(sizes["epilogue_kwargs"], _EPILOGUE)
    network = network_class(
        image_shape(sizes),
        width=_width(sizes, sizes),
        max_width=sizes["channel_max"],
        classes=sizes["c_dim"] or None,
        architecture=_ARCHITECTURES[sizes["architecture"]],
        mapping_depth=mapping["num_layers"],
        mapping_width=mapping["layer_features"],
        mapping_learning_rate_multiplier=mapping["lr_multiplier"],
        embedding_size=mapping["embed_features"],
        label_size=sizes["cmap_dim"],
        group_size=epilogue["mbstd_group_size"],
        deviation_channels=epilogue["mbstd_num_channels"],
        clamp=sizes["conv_clamp"],
        dtype=dtype,
    )
    size = sizes["img_resolution"]
    for stage in network.stages:
        name = f"b{size}"
        _check_filter(state, name)
        if stage.from_image is not None:
            _assign_convolution(
                state, f"{name}.fromrgb", stage.from_image.convolution
            )
        _assign_convolution(state, f"{name}.conv0", stage.first.convolution)
        _assign_convolution(state, f"{name}.conv1", stage.last.convolution)
        if stage.shortcut is not None:
            _assign_convolution(state, f"{name}.skip", stage.shortcut)
        size //= 2
    if network.from_image is not None:
        _assign_convolution(state, "b4.fromrgb", network.from_image.convolution)
    _assign_convolution(state, "b4.conv", network.last.convolution)
    channels = network.dense.units
    _assign_dense(state, "b4.fc", network.dense, places_first((4, 4), channels))
    _assign_dense(state, "b4.out", network.to_logits)
    if network.mapping is not None:
        assign_mapping(state, "mapping", network.mapping)
    return network


def assign_mapping(state, name, mapping):
    """A `MappingNetwork`, with its average where it keeps one."""
    if mapping.embed is not None:
        _assign_dense(state, f"{name}.embed", mapping.embed)
    for i, layer in enumerate(mapping.dense):
        _assign_dense(state, f"{name}.fc{i}", layer)
    if mapping.average is not None:
        state.assign(f"{name}.w_avg", mapping.average)


def image_shape(sizes):
    """Official sizes -> (height, width, channels)."""
    size = sizes["img_resolution"]
    if size < 8 or size & (size - 1):
        raise ValueError(
            "`img_resolution` must be a power of two, 8 or more. "
            f"Received: img_resolution={size}"
        )
    return (size, size, sizes["img_channels"])


def _width(widths, sizes):
    """Channels at the image's size, perhaps a fraction of one."""
    width = widths["channel_base"] / sizes["img_resolution"]
    return int(width) if width == int(width) else width


def _assign_styled(state, name, layer):
    _check_filter(state, name)
    _assign_modulated(state, name, layer)
    if layer.noise is not None:
        state.assign(f"{name}.noise_const", layer.noise)
        state.assign(f"{name}.noise_strength", layer.noise_strength)


def _assign_modulated(state, name, layer):
    state.assign(f"{name}.weight", layer.kernel, hwio)
    state.assign(f"{name}.bias", layer.bias)
    _assign_dense(state, f"{name}.affine", layer.to_scales)


def _assign_convolution(state, name, layer):
    _check_filter(state, name)
    state.assign(f"{name}.weight", layer.kernel, hwio)
    if layer.use_bias:
        state.assign(f"{name}.bias", layer.bias)


def _assign_dense(state, name, layer, convert=np.transpose):
    state.assign(f"{name}.weight", layer.kernel, convert)
    state.assign(f"{name}.bias", layer.bias)


def _check_filter(state, name):
    taps = normalized(TAPS)
    state.check(f"{name}.resample_filter", np.outer(taps, taps))


def _channels_last(array):
    return array.transpose(1, 2, 0)
