"""The DCGAN of PyTorch's examples (dcgan/main.py), BSD licence.

Its state dicts are those of `Generator` and `Discriminator`, 64 px; the
discriminator's sigmoid stays behind: ours gives logits.
"""

from kerasgan.convert import checkpoints
from kerasgan.convert.state import assign_norm, check_config, hwio
from kerasgan.models import dcgan

LICENCE = "BSD 3-Clause (pytorch/examples)"
IGNORED = (r".*num_batches_tracked",)
_SIZES = {"nz": 100, "ngf": 64, "ndf": 64, "nc": 3}


def read(tree):
    """`netG_epoch_<n>.pth` or `netD_epoch_<n>.pth`: one of the two."""
    arrays = checkpoints.arrays(tree)
    first = arrays["main.0.weight"].shape
    if "main.12.weight" in arrays:  # Its first is a transposed convolution.
        channels = arrays["main.12.weight"].shape[1]
        sizes = {"nz": first[0], "ngf": first[1] // 8, "nc": channels}
        return {"generator": (arrays, sizes)}
    return {"discriminator": (arrays, {"ndf": first[0], "nc": first[1]})}


def generator(state, config, dtype=None):
    """Keys `main.<i>.*` -> `dcgan.Generator`."""
    sizes = check_config(config, _SIZES)
    network = dcgan.Generator(
        (64, 64, sizes["nc"]),
        latent_size=sizes["nz"],
        width=sizes["ngf"],
        dtype=dtype,
    )
    dense, _, norm, _ = network.stem.layers
    state.assign("main.0.weight", dense.kernel, _from_point)
    assign_norm(state, "main.1", norm)
    for i, stage in enumerate(network.stages):
        convolution, norm, _ = stage.layers
        state.assign(f"main.{3 * i + 3}.weight", convolution.kernel, hwio)
        assign_norm(state, f"main.{3 * i + 4}", norm)
    state.assign("main.12.weight", network.to_image.layers[0].kernel, hwio)
    return network


def discriminator(state, config, dtype=None):
    """Keys `main.<i>.*` -> `dcgan.Discriminator`."""
    sizes = check_config(config, _SIZES)
    network = dcgan.Discriminator(
        (64, 64, sizes["nc"]), width=sizes["ndf"], dtype=dtype
    )
    first, *stages = network.stages
    state.assign("main.0.weight", first.layers[0].kernel, hwio)
    for i, stage in enumerate(stages):
        convolution, norm, _ = stage.layers
        state.assign(f"main.{3 * i + 2}.weight", convolution.kernel, hwio)
        assign_norm(state, f"main.{3 * i + 3}", norm)
    state.assign("main.11.weight", network.to_logits.kernel, _to_point)
    return network


def _from_point(array):
    """A transposed convolution of one pixel [in, out, 4, 4], as a matrix."""
    return array.transpose(0, 2, 3, 1).reshape(len(array), -1)


def _to_point(array):
    """A convolution down to one pixel [1, in, 4, 4], as a matrix."""
    return array.transpose(2, 3, 1, 0).reshape(-1, 1)
