"""DiffAugment (Zhao et al. 2020): colours, places, and a part cut out."""

import dataclasses
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import random
from kerasgan.augment import places
from kerasgan.augment.augmenter import Augmenter, check_images
from kerasgan.errors import unknown_name

_LONGEST_SHIFT = 1 / 8  # Of the side.
_CUT = 1 / 2


@register_keras_serializable(package="kerasgan.augment")
@dataclasses.dataclass(frozen=True)
class DiffAugment(Augmenter):
    """Changes every image, in few ways that can be told from its content.

    Zhao et al. 2020, section 3.2 and appendix A,
    https://arxiv.org/abs/2006.10738: all three for a few hundred images,
    "color,cutout" for a StyleGAN2 of CIFAR-10, "translation,cutout" for BigGAN.

    Args:
        policy: What to do, in this order, with commas between; "flip", which
            mirrors half of the images, is not the paper's.
    """

    changes_images: ClassVar[bool] = True

    policy: str = "color,translation,cutout"

    def __post_init__(self):
        for name in self.steps:
            if name not in _STEPS:
                raise unknown_name("policy", name, _STEPS)

    @property
    def steps(self):
        return tuple(self.policy.split(","))

    def check(self, sample_shape, packing):
        check_images(self, sample_shape, packing)

    def __call__(self, images, batch, purpose):
        for name in self.steps:
            images = _STEPS[name](images, batch, f"{purpose}/{name}")
        return images


def recoloured(images, brightness, saturation, contrast):
    """Images [b, h, w, c], and float [b] for each -> [b, h, w, c].

    Args:
        brightness: Added.
        saturation: Times the distance from a pixel's mean.
        contrast: Times the distance from an image's mean.
    """
    brightness, saturation, contrast = (
        ops.reshape(ops.cast(values, images.dtype), (-1, 1, 1, 1))
        for values in (brightness, saturation, contrast)
    )
    images = images + brightness
    mean = ops.mean(images, axis=-1, keepdims=True)
    images = mean + saturation * (images - mean)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + contrast * (images - mean)


def cut_out(images, rows, columns):
    """Images [b, h, w, c] with zeros around a pixel, int [b] -> the same.

    Half of the side in each direction, less where that is beyond the edge.
    """
    sides = []
    for middle, size in zip((rows, columns), images.shape[1:3], strict=True):
        length = int(size * _CUT + 0.5)
        first = ops.cast(middle, "int32")[:, None] - length // 2
        at = ops.arange(size, dtype="int32")[None]
        sides.append(ops.logical_and(at >= first, at < first + length))
    inside = ops.logical_and(sides[0][:, :, None], sides[1][:, None, :])
    return ops.where(inside[..., None], ops.zeros_like(images), images)


def _flip(images, batch, purpose):
    drawn = random.uniform(
        batch.numbers, (1, 1, 1), seed=batch.seed, purpose=purpose
    )
    return ops.where(drawn < 0.5, images, ops.flip(images, axis=2))


def _colour(images, batch, purpose):
    brightness, saturation, contrast = (
        random.uniform(
            batch.numbers, seed=batch.seed, purpose=f"{purpose}/{name}"
        )
        for name in ("brightness", "saturation", "contrast")
    )
    return recoloured(
        images, brightness - 0.5, 2.0 * saturation, contrast + 0.5
    )


def _translate(images, batch, purpose):
    shifts = []
    for name, size in zip(("rows", "columns"), images.shape[1:3], strict=True):
        most = int(size * _LONGEST_SHIFT + 0.5)
        drawn = random.integers(
            batch.numbers,
            2 * most + 1,
            seed=batch.seed,
            purpose=f"{purpose}/{name}",
        )
        shifts.append(drawn - most)
    return places.shifted(images, *shifts)


def _cut(images, batch, purpose):
    middles = []
    for name, size in zip(("rows", "columns"), images.shape[1:3], strict=True):
        length = int(size * _CUT + 0.5)
        middles.append(
            random.integers(
                batch.numbers,
                size + 1 - length % 2,
                seed=batch.seed,
                purpose=f"{purpose}/{name}",
            )
        )
    return cut_out(images, *middles)


_STEPS = {
    "flip": _flip,
    "color": _colour,
    "translation": _translate,
    "cutout": _cut,
}
