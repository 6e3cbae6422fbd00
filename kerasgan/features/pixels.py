"""Pixels themselves as features: honest for small images, and for no others.

Larger images are looked at from afar, since single pixels of two photos of one
thing have little to do with each other.
"""

import keras
from keras import layers

from kerasgan.features.network import FeatureNetwork, check_uint8
from kerasgan.features.resizing import resize

_LARGEST_PX = 32


class Pixels(FeatureNetwork):
    """Tap "pixels": images uint8 -> float32 [n, h * w * c] in [0, 255].

    Args:
        shape: (h, w, c); more than 32 pixels become 32x32, antialiased.
    """

    name = "pixels"
    weights_sha256 = None  # It has none.
    is_cheap = True

    def __init__(self, shape):
        height, width, channels = shape
        if max(height, width) > _LARGEST_PX:
            self.resize = "clean"
            height = width = _LARGEST_PX
        images = keras.Input((height, width, channels), dtype="float32")
        flat = layers.Flatten(dtype="float32")(images)
        super().__init__(keras.Model(images, {"pixels": flat}))

    def prepare(self, images):
        images = check_uint8(images)
        if self.resize:
            return resize(images, _LARGEST_PX, self.resize)
        return images.astype("float32")

    def check(self, images):
        return check_uint8(images)
