"""Sizes of images, and of the stages between an image and its smallest grid."""

import math

import keras


def check_image_shape(image_shape):
    """(height, width, channels) as a tuple of ints, or an error."""
    shape = tuple(image_shape) if hasattr(image_shape, "__iter__") else ()
    if len(shape) != 3 or not all(_is_positive_integer(n) for n in shape):
        raise ValueError(
            "`image_shape` must be (height, width, channels), positive "
            f"integers. Received: image_shape={image_shape!r}"
        )
    return tuple(int(n) for n in shape)


def halved_sizes(image_shape, at_least=1):
    """(height, width, ...) -> [(height, width), halved once, twice, ...].

    The last size has a shorter side of 4 to 8 px, or less for small images,
    which are halved `at_least` so often. Odd sides round up: a convolution
    with stride 2 and "same" padding makes the same of them.
    """
    height, width, *_ = image_shape
    halvings = max(at_least, math.floor(math.log2(min(height, width) / 4)))
    return [
        (math.ceil(height / 2**i), math.ceil(width / 2**i))
        for i in range(halvings + 1)
    ]


def make_weights(model, input_shape, classes=None):
    """Runs a model on symbols, so that its weights exist once it does.

    Args:
        model: Takes x, or (x, labels) where `classes` is given.
        input_shape: The shape of one x.
        classes: The number of classes of the labels.
    """
    inputs = keras.KerasTensor((None, *input_shape))
    if classes is not None:
        inputs = (inputs, keras.KerasTensor((None,), dtype="int32"))
    model.built = True  # Else Keras would run it before it runs it.
    model(inputs)


def _is_positive_integer(value):
    return hasattr(value, "__index__") and int(value) > 0
