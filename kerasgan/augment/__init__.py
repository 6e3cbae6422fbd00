"""What the discriminator is shown instead of images: changed at random.

An augmenter stands between images, real and generated, and the discriminator,
in both players' updates; it is differentiable, so that the generator learns
through it, and does not teach it to make what only augmentation makes. So a
discriminator cannot learn a few images by heart. Penalties are taken with
respect to images before it.
"""

from kerasgan.augment.ada import ADA
from kerasgan.augment.apa import APA
from kerasgan.augment.augmenter import Augmenter
from kerasgan.augment.diffaugment import DiffAugment
from kerasgan.augment.noise import InstanceNoise
from kerasgan.errors import unknown_name

_BY_NAME = {"diffaugment": DiffAugment, "ada": ADA, "apa": APA}


def get(augmenter, **arguments):
    """An augmenter, the name of one, or None -> an augmenter.

    Args:
        augmenter: "diffaugment", "ada", "apa"; None shows images as they are.
        **arguments: Of the one that is named.

    Raises:
        ValueError: There is none of that name.
    """
    if isinstance(augmenter, Augmenter):
        return augmenter
    if augmenter is None:
        return Augmenter()
    if augmenter not in _BY_NAME:
        raise unknown_name("augmenter", augmenter, _BY_NAME)
    return _BY_NAME[augmenter](**arguments)


__all__ = [
    "ADA",
    "APA",
    "Augmenter",
    "DiffAugment",
    "InstanceNoise",
    "get",
]
