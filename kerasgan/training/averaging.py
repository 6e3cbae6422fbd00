"""The averaged generator: the one to sample from, measure and publish.

An exponential moving average of the weights, as in Karras et al. 2018, section
4.1, https://arxiv.org/abs/1710.10196 and Yazici et al. 2019,
https://arxiv.org/abs/1806.04498. Its memory is a half-life in images, so that
it means the same with another batch size.
"""

import math

import keras
from keras import ops

from kerasgan import devices, schedules

# Images seen per image of half-life while that grows: an early average forgets
# its random start (as by StyleGAN2-ADA's `ema_rampup`).
_RAMP = 20


def clone(network):
    """A network of the same shape and weights that is never trained itself.

    Raises:
        ValueError: The network cannot be rebuilt from its configuration.
    """
    try:
        copy = keras.models.clone_model(network)
        if not copy.built:
            copy.build(network.get_build_config()["input_shape"])
        shapes = [tuple(weight.shape) for weight in copy.weights]
        same = shapes == [tuple(weight.shape) for weight in network.weights]
    except (NotImplementedError, TypeError, KeyError) as error:
        raise _no_config(network) from error
    if not same:
        raise _no_config(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def half_life(images):
    """A schedule of the half-life, from itself or from a number of images.

    A number is reached slowly: until then it is a twentieth of the images seen.
    """
    if isinstance(images, schedules.Schedule):
        return images
    if not 0 <= images < math.inf:
        raise ValueError(
            "`ema_half_life_images` must be 0 or more. Received: "
            f"ema_half_life_images={images!r}"
        )
    return schedules.Linear(0.0, images, over_images=max(_RAMP * images, 1))


def update(network, average, *, images, half_life_images):
    """Moves the average towards the network, by one training step.

    Args:
        network: The network in training.
        average: Its clone.
        images: Images of this step, of all replicas.
        half_life_images: After so many images an old weight counts half; 0
            follows the network at once.
    """
    images = ops.cast(images, "float32")
    kept = ops.power(0.5, images / ops.maximum(half_life_images, 1e-8))
    pairs = []
    for new, old in zip(network.weights, average.weights, strict=True):
        value = new.value
        # Counts and statistics are copied: they are averages already.
        if new.trainable and "float" in old.dtype:
            value = value + ops.cast(kept, old.dtype) * (old.value - value)
        pairs.append((old, value))
    devices.assign(pairs)


def _no_config(network):
    name = type(network).__name__
    return ValueError(
        "`generator` must be a network that can be rebuilt from its "
        "configuration, because the average is a second one like it: write "
        f"`get_config` for it, with every constructor argument. Received: {name}"
    )
