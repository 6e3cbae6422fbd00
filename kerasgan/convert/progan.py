"""Progressive GAN's official networks, in TensorFlow 1. CC BY-NC 4.0.

Keys are TensorFlow's names of variables without the network's own. An
upsampling convolution that is one with its upsampling (`fused_scale`, the
official default) is a transposed one: its kernel meets the image flipped.
"""

from kerasgan.convert.growing_networks import (
    assign,
    assign_level,
    assign_trunk,
    groups,
    read,
    sizes,
)
from kerasgan.convert.state import check_config
from kerasgan.models import progan

LICENCE = "CC BY-NC 4.0 (tkarras/progressive_growing_of_gans)"
IGNORED = ()
__all__ = ["discriminator", "generator", "read"]
_BOTH = {
    "num_channels": 1,
    "resolution": 32,
    "label_size": 0,
    "fmap_base": 8192,
    "fmap_decay": (1.0,),
    "fmap_max": 512,
    "use_wscale": (True,),
    "fused_scale": (True, False),
    # How the same numbers are computed.
    "dtype": "float32",
    "structure": None,
    "is_template_graph": False,
}
_GENERATOR = {
    **_BOTH,
    "latent_size": None,
    "use_leakyrelu": (True,),
    "normalize_latents": True,
    "use_pixelnorm": True,
    "pixelnorm_epsilon": 1e-8,
}
_DISCRIMINATOR = {**_BOTH, "mbstd_group_size": 4}


def generator(state, config, dtype=None):
    """`G_paper` -> `progan.Generator`, at the state's `lod`."""
    config = check_config(config, _GENERATOR, others="ignored")
    shared = sizes(config)
    latent_size = config["latent_size"]
    if latent_size is None:
        latent_size = min(int(config["fmap_base"]), shared["max_width"])
    network = progan.Generator(
        **shared,
        latent_size=latent_size,
        normalize_latents=config["normalize_latents"],
        normalize_features=config["use_pixelnorm"],
        norm_epsilon=config["pixelnorm_epsilon"],
        dtype=dtype,
    )
    fused = config["fused_scale"]
    stem, *stages = network.stages
    state.assign("4x4/Dense/weight", stem.dense.kernel, _columns_place_first)
    state.assign("4x4/Dense/bias", stem.bias)
    assign(state, "4x4/Conv", stem.convolution)
    for stage in stages:
        name = f"{stage.size[0]}x{stage.size[0]}"
        if fused:
            assign(state, f"{name}/Conv0_up", stage.first, _flipped)
        else:
            assign(state, f"{name}/Conv0", stage.first)
        assign(state, f"{name}/Conv1", stage.second)
    for lod, to_image in enumerate(reversed(network.to_images)):
        assign(state, f"ToRGB_lod{lod}", to_image)
    assign_level(state, network)
    return network


def discriminator(state, config, dtype=None):
    """`D_paper` -> `progan.Discriminator`, at the state's `lod`."""
    config = check_config(config, _DISCRIMINATOR, others="ignored")
    fused = config["fused_scale"]
    network = progan.Discriminator(
        **sizes(config),
        **groups(config["mbstd_group_size"]),
        pools_rectified=not fused,
        dtype=dtype,
    )
    second = "Conv1_down" if fused else "Conv1"
    assign_trunk(state, config, network.trunk, second)
    assign_level(state, network)
    return network


def _flipped(kernel):
    """[h, w, out, in], as a transposed convolution has it -> [h, w, in, out]."""
    return kernel[::-1, ::-1].transpose(0, 1, 3, 2)


def _columns_place_first(kernel):
    """[n, c * 16] for a grid channel by channel -> [n, 16 * c], ours."""
    grid = kernel.reshape(len(kernel), -1, 16)
    return grid.transpose(0, 2, 1).reshape(len(kernel), -1)
