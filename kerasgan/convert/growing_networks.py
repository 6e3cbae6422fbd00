"""What Progressive GAN's and StyleGAN's official networks share."""

import numpy as np

from kerasgan.convert import checkpoints


def read(tree):
    """`network-*.pkl`: (generator, discriminator, averaged generator)."""
    if not isinstance(tree, (tuple, list)) or len(tree) != 3:
        raise ValueError("It must hold three networks of TensorFlow 1.")
    _, discriminator, average = tree
    return {
        role: (checkpoints.arrays(network), checkpoints.arguments(network))
        for role, network in (
            ("generator", average),
            ("discriminator", discriminator),
        )
    }


def sizes(config):
    """Arguments of our networks that both of theirs have."""
    side = config["resolution"]
    if side < 8 or side & (side - 1):
        raise ValueError(
            "`resolution` must be a power of two, 8 or more. "
            f"Received: resolution={side!r}"
        )
    return {
        "image_shape": (side, side, config["num_channels"]),
        # 4x4 has half of `fmap_base`, before the limit.
        "width": 2 * config["fmap_base"] / side,
        "max_width": config["fmap_max"],
        "classes": config["label_size"] or None,
    }


def groups(group_size, channels=1):
    """Arguments of our discriminators that compare the images of a group.

    Officially a group of one image, or of none, leaves the comparison out.
    """
    if group_size is None or group_size > 1:
        return {"group_size": group_size, "deviation_channels": channels}
    return {"deviation_channels": 0}


def assign_trunk(state, config, trunk, second):
    """A discriminator's layers -> a `GrowingTrunk`.

    Args:
        second: What a stage's second convolution is called.
    """
    for lod, from_image in enumerate(trunk.from_images):
        assign(state, f"FromRGB_lod{lod}", from_image)
    for lod, stage in enumerate(trunk.stages):
        side = config["resolution"] >> lod
        assign(state, f"{side}x{side}/Conv0", stage.first)
        assign(state, f"{side}x{side}/{second}", stage.second)
    assign(state, "4x4/Conv", trunk.last)
    assign(state, "4x4/Dense0", trunk.dense, _rows_place_first)
    assign(state, "4x4/Dense1", trunk.to_logits)


def assign(state, key, layer, convert=np.asarray):
    """`<key>/weight` and `<key>/bias`."""
    state.assign(f"{key}/weight", layer.kernel, convert)
    state.assign(f"{key}/bias", layer.bias)


def assign_level(state, network, prefix=""):
    """A checkpoint of a network that still grew says how far it was."""
    for key in {"lod", f"{prefix}lod"}:
        if key in state:
            state.assign(key, network.level)


def _rows_place_first(kernel):
    """[c * 16, n] of a grid channel by channel -> [16 * c, n], ours."""
    grid = kernel.reshape(-1, 16, kernel.shape[-1])
    return grid.transpose(1, 0, 2).reshape(-1, kernel.shape[-1])
