"""StyleGAN's official networks, in TensorFlow 1. CC BY-NC 4.0.

Keys are TensorFlow's names of variables, and the generator's those of its two
parts together, with or without `G_mapping/` and `G_synthesis/` before them;
its configuration is that of both as well. From 128 px on (`fused_scale`), an
upsampling convolution is one with its upsampling, a transposed one: its kernel
meets the image flipped.
"""

import numpy as np

from kerasgan.convert.growing_networks import (
    assign,
    assign_level,
    assign_trunk,
    groups,
    read,
    sizes,
)
from kerasgan.convert.state import check_config
from kerasgan.models import stylegan

LICENCE = "CC BY-NC 4.0 (NVlabs/stylegan)"
IGNORED = ()
__all__ = ["discriminator", "generator", "read"]
_BOTH = {
    "resolution": 1024,
    "fmap_base": 8192,
    "fmap_decay": (1.0,),
    "fmap_max": 512,
    "label_size": 0,
    "nonlinearity": ("lrelu",),
    "use_wscale": (True,),
    "fused_scale": ("auto", True, False),
    "blur_filter": ([1, 2, 1],),
    # How the same numbers are computed.
    "dtype": "float32",
    "structure": "auto",
    "is_template_graph": False,
}
_GENERATOR = {
    **_BOTH,
    "latent_size": 512,
    "dlatent_size": 512,
    "dlatent_broadcast": None,
    "mapping_layers": 8,
    "mapping_fmaps": 512,
    "mapping_lrmul": 0.01,
    "mapping_nonlinearity": ("lrelu",),
    "normalize_latents": (True,),
    "num_channels": 3,
    "use_styles": (True,),
    "const_input_layer": (True,),
    "use_noise": (True,),
    "use_pixel_norm": (False,),
    "use_instance_norm": (True,),
    # Of training, and of sampling: not of the network.
    "randomize_noise": True,
    "force_clean_graph": False,
    "truncation_psi": 0.7,
    "truncation_cutoff": 8,
    "dlatent_avg_beta": 0.995,
    "style_mixing_prob": 0.9,
}
_DISCRIMINATOR = {
    **_BOTH,
    "num_channels": 1,
    "resolution": 32,
    "mbstd_group_size": 4,
    "mbstd_num_features": 1,
}


def generator(state, config, dtype=None):
    """`G_mapping` and `G_synthesis` -> `stylegan.Generator`.

    At the state's `lod`; without truncation, whatever the configuration.
    """
    config = check_config(config, _GENERATOR, others="ignored")
    network = stylegan.Generator(
        **sizes(config),
        latent_size=config["latent_size"],
        style_size=config["dlatent_size"],
        mapping_depth=config["mapping_layers"],
        mapping_width=config["mapping_fmaps"],
        mapping_learning_rate_multiplier=config["mapping_lrmul"],
        # Officially None and 1 both mean that the average does not move.
        average_decay=_or(config["dlatent_avg_beta"], 1.0),
        style_mixing=_or(config["style_mixing_prob"], 0.0),
        dtype=dtype,
    )
    layers = 2 * len(network.stages)
    if config["dlatent_broadcast"] not in (None, layers):
        raise ValueError(
            f"`dlatent_broadcast` must be {layers} at this resolution, or "
            f"None. Received: {config['dlatent_broadcast']!r}"
        )
    _assign_mapping(state, network.mapping)
    stem, *stages = network.stages
    prefix = _prefix(state, "G_synthesis/", "4x4/Const/const")
    state.assign(f"{prefix}4x4/Const/const", stem.grid, _places_first)
    _assign_style(state, f"{prefix}4x4/Const", stem.first_style)
    _assign_kernel(state, f"{prefix}4x4/Conv", stem.second)
    _assign_style(state, f"{prefix}4x4/Conv", stem.second_style)
    for stage in stages:
        side = stage.size[0]
        fused = config["fused_scale"]
        fused = side >= 128 if fused == "auto" else fused
        for name, convolution, style, convert in (
            ("Conv0_up", stage.first, stage.first_style, _flipped),
            ("Conv1", stage.second, stage.second_style, np.asarray),
        ):
            name = f"{prefix}{side}x{side}/{name}"
            convert = convert if fused else np.asarray
            _assign_kernel(state, name, convolution, convert)
            _assign_style(state, name, style)
    for number, stage in enumerate(network.stages):
        for place, style in enumerate((stage.first_style, stage.second_style)):
            key = f"{prefix}noise{2 * number + place}"
            state.assign(key, style.noise, lambda noise: noise[0, 0])
    for lod, to_image in enumerate(reversed(network.to_images)):
        assign(state, f"{prefix}ToRGB_lod{lod}", to_image)
    assign_level(state, network, prefix)
    return network


def discriminator(state, config, dtype=None):
    """`D_basic` -> `stylegan.Discriminator`, at the state's `lod`."""
    config = check_config(config, _DISCRIMINATOR, others="ignored")
    compared = groups(config["mbstd_group_size"], config["mbstd_num_features"])
    network = stylegan.Discriminator(**sizes(config), **compared, dtype=dtype)
    assign_trunk(state, config, network.trunk, second="Conv1_down")
    assign_level(state, network)
    return network


def _or(value, default):
    return default if value is None else value


def _prefix(state, prefix, key):
    """The prefix, where the state has it before the key."""
    return prefix if f"{prefix}{key}" in state else ""


def _assign_mapping(state, mapping):
    prefix = _prefix(state, "G_mapping/", "Dense0/weight")
    if mapping.embed is not None:
        _assign_kernel(state, f"{prefix}LabelConcat", mapping.embed)
    for number, layer in enumerate(mapping.dense):
        assign(state, f"{prefix}Dense{number}", layer)
    if "dlatent_avg" in state:
        state.assign("dlatent_avg", mapping.average)


def _assign_style(state, key, layer):
    state.assign(f"{key}/Noise/weight", layer.noise_gain)
    state.assign(f"{key}/bias", layer.bias)
    assign(state, f"{key}/StyleMod", layer.to_style)


def _assign_kernel(state, key, layer, convert=np.asarray):
    state.assign(f"{key}/weight", layer.kernel, convert)


def _flipped(kernel):
    return kernel[::-1, ::-1]


def _places_first(grid):
    """[1, c, h, w] -> [h, w, c]."""
    return grid[0].transpose(1, 2, 0)
