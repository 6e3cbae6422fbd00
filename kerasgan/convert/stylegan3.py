"""StyleGAN3 of NVlabs/stylegan3: NVIDIA Source Code License."""

import math

from kerasgan.convert import stylegan2_ada_pytorch
from kerasgan.convert.state import check_config, hwio
from kerasgan.models import stylegan3

LICENCE = (
    "NVIDIA Source Code License for StyleGAN3: research and evaluation only "
    "(NVlabs/stylegan3)"
)
IGNORED = ()
_GENERATOR = {
    "z_dim": 512,
    "c_dim": 0,
    "w_dim": 512,
    "img_resolution": 1024,
    "img_channels": 3,
    "mapping_kwargs": {},
    "channel_base": 32768,
    "channel_max": 512,
    "num_layers": 14,
    "num_critical": 2,
    "first_cutoff": 2,
    "first_stopband": 2**2.1,
    "last_stopband_rel": 2**0.3,
    "margin_size": 10,
    "output_scale": 0.25,
    # All is computed in the precision that is asked for here.
    "num_fp16_res": 4,
    "conv_kernel": 3,
    "filter_size": 6,
    "lrelu_upsampling": 2,
    "use_radial_filters": False,
    "conv_clamp": 256,
    "magnitude_ema_beta": 0.999,
}
_MAPPING = {
    "num_layers": 2,
    "lr_multiplier": 0.01,
    "w_avg_beta": 0.998,
}
# StyleGAN2-ADA's, but trained in float16.
_DISCRIMINATOR = {
    **stylegan2_ada_pytorch.DISCRIMINATOR,
    "num_fp16_res": 4,
    "conv_clamp": 256,
}


read = stylegan2_ada_pytorch.read


def generator(state, config, dtype=None):
    """`training.networks_stylegan3.Generator` -> `stylegan3.Generator`."""
    sizes = check_config(config, _GENERATOR)
    mapping = check_config(sizes["mapping_kwargs"], _MAPPING)
    size = sizes["img_resolution"]
    network = stylegan3.Generator(
        stylegan2_ada_pytorch.image_shape(sizes),
        latent_size=sizes["z_dim"],
        style_size=sizes["w_dim"],
        width=sizes["channel_base"] / size,
        max_width=sizes["channel_max"],
        classes=sizes["c_dim"] or None,
        depth=sizes["num_layers"],
        critical_layers=sizes["num_critical"],
        margin_px=sizes["margin_size"],
        kernel_size=sizes["conv_kernel"],
        radial=sizes["use_radial_filters"],
        first_cutoff=sizes["first_cutoff"],
        first_stopband=sizes["first_stopband"],
        last_stopband=sizes["last_stopband_rel"],
        filter_taps=sizes["filter_size"],
        oversampling=sizes["lrelu_upsampling"],
        output_scale=sizes["output_scale"],
        mapping_depth=mapping["num_layers"],
        mapping_learning_rate_multiplier=mapping["lr_multiplier"],
        average_decay=mapping["w_avg_beta"],
        magnitude_decay=sizes["magnitude_ema_beta"],
        clamp=sizes["conv_clamp"],
        dtype=dtype,
    )
    stylegan2_ada_pytorch.assign_mapping(state, "mapping", network.mapping)
    _assign_waves(state, "synthesis.input", network.waves)
    for i, layer in enumerate(network.stages):
        size, channels = layer.signal.size[0], layer.signal.channels
        _assign_layer(state, f"synthesis.L{i}_{size}_{channels}", layer)
    return network


def discriminator(state, config, dtype=None):
    """`training.networks_stylegan2.Discriminator`, StyleGAN2's."""
    return stylegan2_ada_pytorch.style_discriminator(
        stylegan3.Discriminator, state, config, _DISCRIMINATOR, dtype
    )


def _assign_waves(state, name, waves):
    state.assign(f"{name}.freqs", waves.frequencies)
    state.assign(f"{name}.phases", waves.phases)
    state.assign(f"{name}.transform", waves.transform)
    state.assign(f"{name}.weight", waves.kernel, _transposed)
    state.assign(f"{name}.affine.weight", waves.pose_kernel, _transposed)
    state.assign(f"{name}.affine.bias", waves.pose_bias)


def _assign_layer(state, name, layer):
    state.assign(f"{name}.weight", layer.kernel, hwio)
    state.assign(f"{name}.bias", layer.bias)
    state.assign(f"{name}.magnitude_ema", layer.magnitude)
    state.assign(f"{name}.affine.weight", layer.to_scales.kernel, _transposed)
    state.assign(f"{name}.affine.bias", layer.to_scales.bias)
    for kind, taps in (("up", layer.up_taps), ("down", layer.down_taps)):
        if math.prod(taps.shape) > 1:
            # Designed in float64, stored in float32.
            state.check(f"{name}.{kind}_filter", taps)


def _transposed(array):
    return array.transpose()
