"""What a network is told beside its input: classes, or continuous conditions.

Labels are integers [batch], or floats [batch, classes] for several classes at
once and for continuous conditions.
"""

import keras
from keras import ops

from kerasgan.errors import unknown_name


def encode_labels(labels, classes):
    """Integers [batch] -> one-hot float32 [batch, classes]; floats stay."""
    labels = ops.convert_to_tensor(labels)
    shape = tuple(labels.shape)
    is_float = keras.backend.is_float_dtype(
        keras.backend.standardize_dtype(labels.dtype)
    )
    if is_float and len(shape) == 2 and shape[1] in (classes, None):
        return ops.cast(labels, "float32")
    if is_float or len(shape) != 1:
        raise ValueError(
            f"`labels` must be integers [batch], or floats [batch, {classes}]. "
            f"Received: labels of shape {shape} and dtype {labels.dtype}"
        )
    return ops.one_hot(ops.cast(labels, "int32"), classes, dtype="float32")


def split_labels(inputs, classes, required=True):
    """x or (x, labels) -> x, and the labels encoded, or None.

    Args:
        inputs: A pair where `classes` is given.
        classes: The number of classes, or None.
        required: Whether a network with classes must be given labels.
    """
    paired = isinstance(inputs, (tuple, list))
    if not paired and (classes is None or not required):
        return inputs, None
    if not paired or classes is None or len(inputs) != 2:
        raise ValueError(
            "`inputs` must be a pair with labels where `classes` is given, and "
            f"one tensor where it is not. Received: classes={classes}, "
            + (f"{len(inputs)} tensors" if paired else "one tensor")
        )
    x, labels = inputs
    return x, encode_labels(labels, classes)


def concatenate_labels(x, labels):
    """Appends encoded labels [batch, k] to the channels of x at every place.

    [batch, ..., c] -> [batch, ..., c + k]; without labels, x as it is.
    """
    if labels is None:
        return x
    labels = ops.cast(labels, x.dtype)
    for _ in x.shape[1:-1]:
        labels = ops.expand_dims(labels, 1)
    maps = ops.ones_like(x[..., :1]) * labels
    return ops.concatenate([x, maps], axis=-1)


def check_conditioning(conditioning, known):
    """One of the `known` ways in which a discriminator uses labels."""
    if conditioning not in known:
        raise unknown_name("conditioning", conditioning, known)
    return conditioning
