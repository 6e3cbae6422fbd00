"""What networks of torch-mimicry share, at 32 px. MIT licence.

Its spectral norms are of two kinds: PyTorch's, which stores `weight_u` and
`weight_v`, and one of its own, which stores `sn_u` and iterates in each pass.
"""

import numpy as np

from kerasgan.convert import checkpoints
from kerasgan.convert.state import (
    assign_convolution,
    assign_norm,
    hwio,
    places_last,
)

LICENCE = "MIT (kwotsin/mimicry)"
IGNORED = (r".*num_batches_tracked", r".*sn_sigma")
GENERATOR = {
    "nz": 128,
    "ngf": 256,
    "bottom_width": (4,),
    "loss_type": "hinge",
}
DISCRIMINATOR = {"ndf": 128, "loss_type": "hinge"}


def read(tree):
    """`netG_<steps>_steps.pth` or `netD_<steps>_steps.pth`: one of the two."""
    arrays = checkpoints.arrays(checkpoints.part(tree, "model_state_dict"))
    for name in ("l1.weight", "l1.weight_orig"):
        if name in arrays:
            outputs, latents = arrays[name].shape
            config = {"nz": latents, "ngf": outputs // 16}
            return {"generator": (arrays, config)}
    first = checkpoints.part(
        arrays, "block1.c1.weight", "block1.c1.weight_orig"
    )
    return {"discriminator": (arrays, {"ndf": len(first)})}


def read_conditional(tree):
    """The same of networks with classes, whose number it tells."""
    tables = "block2.b1.embed.weight", "l_y.weight", "l_y.weight_orig"
    ((role, (arrays, config)),) = read(tree).items()
    table = checkpoints.part(arrays, *tables)
    return {role: (arrays, {**config, "num_classes": len(table)})}


def assign_generator(state, network, spectral=False):
    """`l1`, `block2` to `block4`, `b5`, `c5`."""
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
    assign_norm(state, "b5", network.normalize)
    assign(state, "c5", network.to_image)


def assign_discriminator(state, network):
    """`block1` to `block4`, and `l5`; `l_y` is of labels or rotations."""
    for i, block in enumerate(network.stages):
        name = f"block{i + 1}"
        assign_spectral(state, f"{name}.c1", block.first)
        assign_spectral(state, f"{name}.c2", block.second)
        if block.shortcut is not None:
            assign_spectral(state, f"{name}.c_sc", block.shortcut)
    judge = network.judge
    assign_spectral(state, "l5", judge.to_logits, kernel=np.transpose)
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
