"""Embeddings of DINOv2 and CLIP, by way of KerasHub: an optional extra.

DINOv2: Oquab et al. 2023, https://arxiv.org/abs/2304.07193; that it judges
generated images as people do: Stein et al. 2023, section 4,
https://arxiv.org/abs/2306.04675. CLIP: Radford et al. 2021,
https://arxiv.org/abs/2103.00020; in CMMD: Jayasumana et al. 2024,
https://arxiv.org/abs/2401.09603, section 4.
"""

import keras
import numpy as np
from keras import ops

from kerasgan.features.network import FeatureNetwork
from kerasgan.features.resizing import pil_bicubic_uint8

# In 0..1, by channel.
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CLIP = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)


class DINOv2(FeatureNetwork):
    """Tap "cls": images uint8 -> the class token after the last norm [n, d].

    Images are resized by PIL (bicubic, rounded to uint8) to the backbone's
    size, without a crop, as the authors of FD-DINOv2 do. How KerasHub's
    embeddings of places, made for 518 px, differ from PyTorch's at 224 px was
    not measured.

    Args:
        backbone: A `keras_hub.models.DINOV2Backbone`.
        name: "dinov2_large", ...
    """

    resize = "pil_bicubic_uint8"

    def __init__(self, backbone, name):
        self.name = name
        self._size = backbone.image_shape[0]
        # Tokens [n, 1 + registers + patches, d], the class token first.
        super().__init__(
            keras.Model(backbone.inputs, {"cls": backbone.output[:, 0]})
        )

    def prepare(self, images):
        images = pil_bicubic_uint8(images, self._size)
        return {"images": _standardised(images, *_IMAGENET)}


class CLIP(FeatureNetwork):
    """Tap "image": images uint8 -> the image's embedding [n, d], of length 1.

    Images are cropped to their central square, then resized by PIL (bicubic,
    rounded to uint8).

    Args:
        backbone: A `keras_hub.models.CLIPBackbone`.
        name: "clip_vit_large_patch14_336", ...
    """

    resize = "centre_crop_pil_bicubic_uint8"

    def __init__(self, backbone, name):
        self.name = name
        shape = backbone.vision_encoder.image_shape
        self._size = shape[0]
        images = keras.Input(shape, dtype="float32")
        embeddings = backbone.get_vision_embeddings(images)
        lengths = ops.norm(embeddings, axis=-1, keepdims=True)
        super().__init__(keras.Model(images, {"image": embeddings / lengths}))

    def prepare(self, images):
        images = pil_bicubic_uint8(central_square(images), self._size)
        return _standardised(images, *_CLIP)


def dinov2_small(weights=None):
    return _dinov2("dinov2_small", weights)


def dinov2_base(weights=None):
    return _dinov2("dinov2_base", weights)


def dinov2_large(weights=None):
    """The network of FD-DINOv2: embeddings [n, 1024]."""
    return _dinov2("dinov2_large", weights)


def clip_vit_large_patch14_336(weights=None):
    """The network of CMMD: embeddings [n, 768]."""
    name = "clip_vit_large_patch14_336"
    backbone = _hub().CLIPBackbone.from_preset(weights or name, dtype="float32")
    return CLIP(backbone, name)


def _dinov2(name, weights):
    """A preset by its name, or from a folder that KerasHub saved."""
    backbone = _hub().DINOV2Backbone.from_preset(
        weights or name, image_shape=(224, 224, 3), dtype="float32"
    )
    return DINOv2(backbone, name)


def _hub():
    try:
        import keras_hub
    except ImportError as error:
        raise ImportError(
            "DINOv2 and CLIP must have KerasHub. Received: no module "
            "keras_hub. Install it by pip install 'kerasgan[hub]'."
        ) from error
    return keras_hub.models


def central_square(images):
    """Images [n, h, w, c] -> [n, s, s, c], s the smaller of h and w."""
    height, width = images.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[:, top : top + side, left : left + side]


def _standardised(images, mean, deviation):
    """Images uint8 -> float32 with ImageNet's mean 0 and deviation 1."""
    images = images.astype("float32") / 255.0
    return (images - np.float32(mean)) / np.float32(deviation)
