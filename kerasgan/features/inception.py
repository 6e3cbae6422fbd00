"""The Inception network that FID, KID and Inception Score are defined by.

It is the graph of 2015-12-05 (`classify_image_graph_def.pb`); another training
run of Inception v3, such as Keras' own, gives other numbers:

    299 px: 3 -> 64 -> pool -> 192 -> pool -> 288 at 35 px -> 768 at 17 px
        -> 2048 at 8 px -> mean -> 1008 classes

Szegedy et al. 2015, https://arxiv.org/abs/1512.00567; FID: Heusel et al. 2017,
https://arxiv.org/abs/1706.08500. Unlike the paper, and as in that graph:
average pooling leaves the padding out, the last block pools by the maximum,
and no convolution has a bias. Layers have the names that PyTorch's copies of
the weights use.
"""

import keras
from keras import layers, ops
from keras.saving import register_keras_serializable

from kerasgan.errors import unknown_name
from kerasgan.features import weights as weight_files
from kerasgan.features.network import FeatureNetwork, unit
from kerasgan.features.resizing import PROTOCOLS, resize

SIZE_PX = 299

WEIGHTS = weight_files.Source(
    what="the Inception network of 2015-12-05",
    variable="KERASGAN_INCEPTION_WEIGHTS",
    url="https://github.com/mseitzer/pytorch-fid/releases/download/"
    "fid_weights/pt_inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    others=(
        "kerasgan-inception-2015-12-05.weights.h5",
        "inception-2015-12-05.tgz",
        "classify_image_graph_def.pb",
    ),
)

# PyTorch's names of the branches of a block -> scopes of the graph.
_BLOCK_A = {
    "branch1x1": "conv",
    "branch5x5_1": "tower/conv",
    "branch5x5_2": "tower/conv_1",
    "branch3x3dbl_1": "tower_1/conv",
    "branch3x3dbl_2": "tower_1/conv_1",
    "branch3x3dbl_3": "tower_1/conv_2",
    "branch_pool": "tower_2/conv",
}
_BLOCK_B = {
    "branch3x3": "conv",
    "branch3x3dbl_1": "tower/conv",
    "branch3x3dbl_2": "tower/conv_1",
    "branch3x3dbl_3": "tower/conv_2",
}
_BLOCK_C = {
    "branch1x1": "conv",
    "branch7x7_1": "tower/conv",
    "branch7x7_2": "tower/conv_1",
    "branch7x7_3": "tower/conv_2",
    "branch7x7dbl_1": "tower_1/conv",
    "branch7x7dbl_2": "tower_1/conv_1",
    "branch7x7dbl_3": "tower_1/conv_2",
    "branch7x7dbl_4": "tower_1/conv_3",
    "branch7x7dbl_5": "tower_1/conv_4",
    "branch_pool": "tower_2/conv",
}
_BLOCK_D = {
    "branch3x3_1": "tower/conv",
    "branch3x3_2": "tower/conv_1",
    "branch7x7x3_1": "tower_1/conv",
    "branch7x7x3_2": "tower_1/conv_1",
    "branch7x7x3_3": "tower_1/conv_2",
    "branch7x7x3_4": "tower_1/conv_3",
}
_BLOCK_E = {
    "branch1x1": "conv",
    "branch3x3_1": "tower/conv",
    "branch3x3_2a": "tower/mixed/conv",
    "branch3x3_2b": "tower/mixed/conv_1",
    "branch3x3dbl_1": "tower_1/conv",
    "branch3x3dbl_2": "tower_1/conv_1",
    "branch3x3dbl_3a": "tower_1/mixed/conv",
    "branch3x3dbl_3b": "tower_1/mixed/conv_1",
    "branch_pool": "tower_2/conv",
}
_BLOCKS = {
    "Mixed_5b": ("mixed", _BLOCK_A),
    "Mixed_5c": ("mixed_1", _BLOCK_A),
    "Mixed_5d": ("mixed_2", _BLOCK_A),
    "Mixed_6a": ("mixed_3", _BLOCK_B),
    "Mixed_6b": ("mixed_4", _BLOCK_C),
    "Mixed_6c": ("mixed_5", _BLOCK_C),
    "Mixed_6d": ("mixed_6", _BLOCK_C),
    "Mixed_6e": ("mixed_7", _BLOCK_C),
    "Mixed_7a": ("mixed_8", _BLOCK_D),
    "Mixed_7b": ("mixed_9", _BLOCK_E),
    "Mixed_7c": ("mixed_10", _BLOCK_E),
}
# Convolution with its normalisation -> scope in the graph.
SCOPES = {
    "Conv2d_1a_3x3": "conv",
    "Conv2d_2a_3x3": "conv_1",
    "Conv2d_2b_3x3": "conv_2",
    "Conv2d_3b_1x1": "conv_3",
    "Conv2d_4a_3x3": "conv_4",
} | {
    f"{block}.{branch}": f"{scope}/{place}"
    for block, (scope, branches) in _BLOCKS.items()
    for branch, place in branches.items()
}


class Inception2015(FeatureNetwork):
    """Images uint8 [n, h, w, c] -> what the graph of 2015-12-05 sees in them.

    Taps: "64", "192", "768", "2048" (means over places of the blocks that end
    so wide; "2048" is FID's), "logits" and "logits_unbiased" [n, 1008] (the
    latter, without the last bias, is what Inception Score takes), "sfid"
    [n, 2023] (7 channels at 17 x 17 places: Nash et al. 2021, section 4.2,
    https://arxiv.org/abs/2103.03841).

    Args:
        weights: A file: the graph (.pb, or the .tgz that has it), PyTorch's
            copy (.pth) or our own (.weights.h5). None looks for one.
        resize: "legacy_tf", "legacy_torch" or "clean": see
            `kerasgan.features.resizing`. Numbers of two of them cannot be
            compared.
    """

    name = "inception_2015"

    def __init__(self, weights=None, resize="legacy_tf"):
        if resize not in PROTOCOLS:
            raise unknown_name("resize", resize, PROTOCOLS)
        path = weight_files.locate(WEIGHTS, weights)
        self.published = weight_files.is_published(WEIGHTS, path)
        self.resize = resize
        super().__init__(build())
        weight_files.load(self.model, path, from_torch, from_graph)

    def prepare(self, images):
        images = resize(images, SIZE_PX, self.resize)
        if self.resize == "legacy_torch":
            return images * (2.0 / 255.0) - 1.0
        return (images - 128.0) / 128.0


def from_torch(state):
    """Arrays of a PyTorch state dict -> {path of our weight: array}."""
    arrays = {
        "fc/kernel": state["fc.weight"].T,
        "fc_bias/bias": state["fc.bias"],
    }
    for name in SCOPES:
        arrays[f"{name}/kernel"] = state[f"{name}.conv.weight"].transpose(
            2, 3, 1, 0
        )
        arrays[f"{name}.bn/gamma"] = state[f"{name}.bn.weight"]
        arrays[f"{name}.bn/beta"] = state[f"{name}.bn.bias"]
        arrays[f"{name}.bn/moving_mean"] = state[f"{name}.bn.running_mean"]
        arrays[f"{name}.bn/moving_variance"] = state[f"{name}.bn.running_var"]
    return arrays


def from_graph(constants):
    """Constants of the graph -> {path of our weight: array}."""
    arrays = {
        "fc/kernel": constants["softmax/weights"],
        "fc_bias/bias": constants["softmax/biases"],
    }
    for name, scope in SCOPES.items():
        arrays[f"{name}/kernel"] = constants[f"{scope}/conv2d_params"]
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            arrays[f"{name}.bn/{part}"] = constants[f"{scope}/batchnorm/{part}"]
    return arrays


def build():
    """The network, without its weights: images [n, 299, 299, 3] -> taps."""
    images = keras.Input((SIZE_PX, SIZE_PX, 3), dtype="float32")
    taps = {}
    x = unit(images, "Conv2d_1a_3x3", 32, 3, 2, "valid")
    x = unit(x, "Conv2d_2a_3x3", 32, 3, padding="valid")
    x = ops.max_pool(unit(x, "Conv2d_2b_3x3", 64, 3), 3, 2)
    taps["64"] = ops.mean(x, (1, 2))
    x = unit(x, "Conv2d_3b_1x1", 80, 1, padding="valid")
    x = unit(x, "Conv2d_4a_3x3", 192, 3, padding="valid")
    x = ops.max_pool(x, 3, 2)
    taps["192"] = ops.mean(x, (1, 2))
    for name, width in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _block_a(x, name, width)
    x = _block_b(x, "Mixed_6a")
    x, _ = _block_c(x, "Mixed_6b", 128)
    x, _ = _block_c(x, "Mixed_6c", 160)
    x, first_branch = _block_c(x, "Mixed_6d", 160)
    taps["sfid"] = ops.reshape(first_branch[..., :7], (-1, 17 * 17 * 7))
    x, _ = _block_c(x, "Mixed_6e", 192)
    taps["768"] = ops.mean(x, (1, 2))
    x = _block_d(x, "Mixed_7a")
    x = _block_e(x, "Mixed_7b", _mean_pool)
    x = _block_e(x, "Mixed_7c", _max_pool)
    taps["2048"] = x = ops.mean(x, (1, 2))
    taps["logits_unbiased"] = x = layers.Dense(
        1008,
        use_bias=False,
        kernel_initializer="zeros",
        dtype="float32",
        name="fc",
    )(x)
    taps["logits"] = _Bias(dtype="float32", name="fc_bias")(x)
    return keras.Model(images, taps)


def _block_a(x, name, pool_width):
    narrow = unit(x, f"{name}.branch1x1", 64, 1)
    wide = unit(x, f"{name}.branch5x5_1", 48, 1)
    wide = unit(wide, f"{name}.branch5x5_2", 64, 5)
    double = unit(x, f"{name}.branch3x3dbl_1", 64, 1)
    double = unit(double, f"{name}.branch3x3dbl_2", 96, 3)
    double = unit(double, f"{name}.branch3x3dbl_3", 96, 3)
    pool = unit(_mean_pool(x), f"{name}.branch_pool", pool_width, 1)
    return ops.concatenate([narrow, wide, double, pool], -1)


def _block_b(x, name):
    single = unit(x, f"{name}.branch3x3", 384, 3, 2, "valid")
    double = unit(x, f"{name}.branch3x3dbl_1", 64, 1)
    double = unit(double, f"{name}.branch3x3dbl_2", 96, 3)
    double = unit(double, f"{name}.branch3x3dbl_3", 96, 3, 2, "valid")
    return ops.concatenate([single, double, ops.max_pool(x, 3, 2)], -1)


def _block_c(x, name, width):
    """Returns its 1x1 branch too, which sFID reads."""
    narrow = unit(x, f"{name}.branch1x1", 192, 1)
    single = unit(x, f"{name}.branch7x7_1", width, 1)
    single = unit(single, f"{name}.branch7x7_2", width, (1, 7))
    single = unit(single, f"{name}.branch7x7_3", 192, (7, 1))
    double = unit(x, f"{name}.branch7x7dbl_1", width, 1)
    double = unit(double, f"{name}.branch7x7dbl_2", width, (7, 1))
    double = unit(double, f"{name}.branch7x7dbl_3", width, (1, 7))
    double = unit(double, f"{name}.branch7x7dbl_4", width, (7, 1))
    double = unit(double, f"{name}.branch7x7dbl_5", 192, (1, 7))
    pool = unit(_mean_pool(x), f"{name}.branch_pool", 192, 1)
    return ops.concatenate([narrow, single, double, pool], -1), narrow


def _block_d(x, name):
    single = unit(x, f"{name}.branch3x3_1", 192, 1)
    single = unit(single, f"{name}.branch3x3_2", 320, 3, 2, "valid")
    wide = unit(x, f"{name}.branch7x7x3_1", 192, 1)
    wide = unit(wide, f"{name}.branch7x7x3_2", 192, (1, 7))
    wide = unit(wide, f"{name}.branch7x7x3_3", 192, (7, 1))
    wide = unit(wide, f"{name}.branch7x7x3_4", 192, 3, 2, "valid")
    return ops.concatenate([single, wide, ops.max_pool(x, 3, 2)], -1)


def _block_e(x, name, pool):
    narrow = unit(x, f"{name}.branch1x1", 320, 1)
    single = unit(x, f"{name}.branch3x3_1", 384, 1)
    double = unit(x, f"{name}.branch3x3dbl_1", 448, 1)
    double = unit(double, f"{name}.branch3x3dbl_2", 384, 3)
    branches = [
        narrow,
        unit(single, f"{name}.branch3x3_2a", 384, (1, 3)),
        unit(single, f"{name}.branch3x3_2b", 384, (3, 1)),
        unit(double, f"{name}.branch3x3dbl_3a", 384, (1, 3)),
        unit(double, f"{name}.branch3x3dbl_3b", 384, (3, 1)),
        unit(pool(x), f"{name}.branch_pool", 192, 1),
    ]
    return ops.concatenate(branches, -1)


def _mean_pool(x):
    """Keras divides by the places inside the image, as the graph does."""
    return ops.average_pool(x, 3, 1, padding="same")


def _max_pool(x):
    return ops.max_pool(x, 3, 1, padding="same")


@register_keras_serializable(package="kerasgan.features.inception")
class _Bias(layers.Layer):
    def build(self, shape):
        self.bias = self.add_weight((shape[-1],), "zeros", name="bias")

    def call(self, x):
        return x + self.bias
