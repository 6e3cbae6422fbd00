"""VGG16, whose last hidden layer measures precision and recall.

    224 px: 3 -> 64 -> 128 at 112 px -> 256 at 56 px -> 512 at 28 px
        -> 512 at 14 px -> 7 x 7 x 512 -> 4096 -> 4096

Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556; its use here:
Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991, section 2. The
weights are torchvision's; NVIDIA's measure otherwise.
"""

import keras
import numpy as np
from keras import layers, ops

from kerasgan.features import weights as weight_files
from kerasgan.features.network import FeatureNetwork
from kerasgan.features.resizing import resize

SIZE_PX = 224
# Of ImageNet's images, in 0..255.
_MEAN = np.array([123.675, 116.28, 103.53], "float32")
_STD = np.array([58.395, 57.12, 57.375], "float32")

# A stage's width, and its convolutions by their numbers in torchvision.
STAGES = (
    (64, (0, 2)),
    (128, (5, 7)),
    (256, (10, 12, 14)),
    (512, (17, 19, 21)),
    (512, (24, 26, 28)),
)
_DENSE = ("classifier.0", "classifier.3")

WEIGHTS = weight_files.Source(
    what="torchvision's VGG16",
    variable="KERASGAN_VGG16_WEIGHTS",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
)


class VGG16(FeatureNetwork):
    """Images uint8 [n, h, w, c] -> the second hidden dense layer.

    Taps: "fc2" and "fc2_relu", before and after its ReLU, [n, 4096]. Images
    are resized to 224 px as TensorFlow 1 does it, not antialiased.

    Args:
        weights: A file, torchvision's (.pth) or our own (.weights.h5). None
            looks for one.
    """

    name = "vgg16_fc2"
    resize = "legacy_tf"

    def __init__(self, weights=None):
        path = weight_files.locate(WEIGHTS, weights)
        self.published = weight_files.is_published(WEIGHTS, path)
        super().__init__(_build())
        weight_files.load(self.model, path, from_torch)

    def prepare(self, images):
        return (resize(images, SIZE_PX, self.resize) - _MEAN) / _STD


def convolutions(images):
    """Images [n, h, w, 3] -> each stage's last ReLU, before its pooling."""
    stages, x = [], images
    for stage, (width, numbers) in enumerate(STAGES):
        x = ops.max_pool(x, 2, 2) if stage else x
        for number in numbers:
            x = layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="zeros",
                dtype="float32",
                name=f"features.{number}",
            )(x)
        stages.append(x)
    return stages


def convolutions_from_torch(state, place="features.{number}"):
    """Arrays of a state dict -> {path of our weight: array}.

    Args:
        place: The convolutions' names there, with {number} and {stage} (from
            1).
    """
    arrays = {}
    for stage, (_, numbers) in enumerate(STAGES, 1):
        for number in numbers:
            theirs = place.format(number=number, stage=stage)
            kernel = state[f"{theirs}.weight"].transpose(2, 3, 1, 0)
            arrays[f"features.{number}/kernel"] = kernel
            arrays[f"features.{number}/bias"] = state[f"{theirs}.bias"]
    return arrays


def from_torch(state):
    """Arrays of torchvision's state dict -> {path of our weight: array}."""
    arrays = convolutions_from_torch(state)
    for name in _DENSE:
        arrays[f"{name}/kernel"] = state[f"{name}.weight"].T
        arrays[f"{name}/bias"] = state[f"{name}.bias"]
    return arrays


def _build():
    images = keras.Input((SIZE_PX, SIZE_PX, 3), dtype="float32")
    x = ops.max_pool(convolutions(images)[-1], 2, 2)
    # PyTorch's order of the 25,088 numbers: channels, rows, columns.
    x = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, 7 * 7 * 512))
    x = ops.relu(_dense(_DENSE[0])(x))
    x = _dense(_DENSE[1])(x)
    return keras.Model(images, {"fc2": x, "fc2_relu": ops.relu(x)})


def _dense(name):
    return layers.Dense(
        4096, kernel_initializer="zeros", dtype="float32", name=name
    )
