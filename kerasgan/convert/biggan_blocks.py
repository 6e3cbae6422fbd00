"""What networks of BigGAN-PyTorch share. MIT licence.

Spectral norm stores `u0`, and `sv0` for its logs. Official constructors take
all settings of a training: those that are not of the network, its optimizer's
among them, say nothing here.
"""

import re

import numpy as np

from kerasgan.convert import checkpoints
from kerasgan.convert.state import hwio
from kerasgan.layers.normalization import ConditionalBatchNormalization

LICENCE = "MIT (ajbrock/BigGAN-PyTorch)"
IGNORED = (r".*\.sv0", r".*num_batches_tracked")
# PyTorch's module, as text, or its name among the settings.
_ACTIVATIONS = (
    "relu",
    "inplace_relu",
    "ReLU()",
    "ReLU(inplace=True)",
    "ReLU(inplace=False)",
)
GENERATOR = {
    "G_ch": 64,
    "dim_z": 128,
    "bottom_width": (4,),
    "resolution": 128,
    "G_kernel_size": (3,),
    "G_attn": "64",
    "n_classes": 1000,
    "num_G_SVs": (1,),
    "num_G_SV_itrs": (1,),
    "G_shared": True,
    "shared_dim": 0,
    "cross_replica": (False,),
    "mybn": (False,),
    "BN_eps": 1e-5,
    "SN_eps": 1e-12,
    "G_param": ("SN",),
    "norm_style": ("bn",),
    "G_activation": _ACTIVATIONS,
    "G_nl": _ACTIVATIONS,
}
DISCRIMINATOR = {
    "D_ch": 64,
    "resolution": 128,
    "D_kernel_size": (3,),
    "D_attn": "64",
    "n_classes": 1000,
    "num_D_SVs": (1,),
    "num_D_SV_itrs": (1,),
    "SN_eps": 1e-12,
    "output_dim": (1,),
    "D_param": ("SN",),
    "D_activation": _ACTIVATIONS,
    "D_nl": _ACTIVATIONS,
}


def read(tree):
    """`G_ema.pth`, `G.pth` or `D.pth` -> its role, arrays, and attention.

    Attention is the places of blocks that have it, of the first number in
    their keys.
    """
    arrays = checkpoints.arrays(tree)
    role = "discriminator" if "embed.weight" in arrays else "generator"
    matches = [re.match(r"blocks\.(\d+)\.\d+\.gamma", key) for key in arrays]
    return role, arrays, sorted({int(match[1]) for match in matches if match})


def blocks_in(arrays):
    """How many `blocks.<number>` there are."""
    matches = [re.match(r"blocks\.(\d+)\.", key) for key in arrays]
    return 1 + max(int(match[1]) for match in matches if match)


def of_count(widths, count):
    """The resolution whose row in a table of widths is so long.

    Raises:
        ValueError: None is.
    """
    for resolution, row in widths.items():
        if len(row) == count:
            return resolution
    raise ValueError(f"No official network has {count} stages.")


def join_sizes(sizes):
    """Sizes -> the official text, "32_64"; "0" is none."""
    return "_".join(map(str, sorted(set(sizes)))) or "0"


def check_resolution(config, known):
    """The `resolution`, one of those that the official code has."""
    resolution = config["resolution"]
    if resolution not in known:
        raise ValueError(
            f"`resolution` must be one of {tuple(known)}. Received: "
            f"resolution={resolution!r}"
        )
    return resolution


def attention_sizes(text):
    """Text "32_64" -> {32, 64}; "0" is none."""
    return {int(size) for size in re.findall(r"\d+", str(text))}


def assign_spectral(state, key, layer, kernel=hwio, outputs=np.asarray):
    """A layer's kernel, `u0`, and bias where it has one.

    Args:
        kernel: Converts the kernel: `np.transpose` of dense layers.
        outputs: Converts what is one number per output.
    """
    state.assign(f"{key}.weight", layer.kernel, kernel)
    state.assign(f"{key}.u0", layer.u, lambda x: outputs(x.reshape(-1)))
    if getattr(layer, "use_bias", False):
        state.assign(f"{key}.bias", layer.bias, outputs)


def assign_block(state, key, block):
    """`conv1`, `conv2`, `conv_sc` where there is one, `bn1`, `bn2`."""
    assign_spectral(state, f"{key}.conv1", block.first)
    assign_spectral(state, f"{key}.conv2", block.second)
    if block.shortcut is not None:
        assign_spectral(state, f"{key}.conv_sc", block.shortcut)
    if hasattr(block, "first_norm"):
        assign_conditional_norm(state, f"{key}.bn1", block.first_norm)
        assign_conditional_norm(state, f"{key}.bn2", block.second_norm)


def assign_conditional_norm(state, key, layer):
    """Its gain is stored less 1."""
    state.assign(f"{key}.stored_mean", layer.moving_mean)
    state.assign(f"{key}.stored_var", layer.moving_variance)
    if isinstance(layer, ConditionalBatchNormalization):
        for name, dense in (("gain", layer.to_gain), ("bias", layer.to_bias)):
            assign_spectral(state, f"{key}.{name}", dense, kernel=np.transpose)
        return
    state.assign(f"{key}.gain.weight", layer.gain, lambda x: 1 + x)
    state.assign(f"{key}.bias.weight", layer.bias)


def assign_attention(state, key, layer):
    for name in ("theta", "phi", "g", "o"):
        assign_spectral(state, f"{key}.{name}", getattr(layer, name))
    state.assign(f"{key}.gamma", layer.gate)


def assign_output(state, network):
    """The generator's last layers, `output_layer`."""
    norm, key = network.normalize, "output_layer.0"
    state.assign(f"{key}.gain", norm.gain)
    state.assign(f"{key}.bias", norm.bias)
    state.assign(f"{key}.stored_mean", norm.moving_mean)
    state.assign(f"{key}.stored_var", norm.moving_variance)
    assign_spectral(state, "output_layer.2", network.to_image)


def assign_judge(state, judge):
    """The discriminator's last layers: `linear`, and `embed` of labels."""
    assign_spectral(state, "linear", judge.to_logits, kernel=np.transpose)
    assign_spectral(state, "embed", judge.project, kernel=np.asarray)
