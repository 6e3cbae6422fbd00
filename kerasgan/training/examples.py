"""What users hand to a model, read and checked: data, labels, networks."""

import keras
import numpy as np
from keras import ops


def check(real, labels, sample_shape, classes):
    """Raises what is wrong with data, when a step is first traced."""
    if tuple(real.shape[1:]) != tuple(sample_shape):
        raise ValueError(
            "Data must have the shape of what the generator makes, "
            f"{tuple(sample_shape)}. Received: {tuple(real.shape[1:])}. "
            "Resize the data, or build the networks for its size."
        )
    if not _is_float(real):
        raise ValueError(
            "Data must be floats in the generator's range, for images "
            f"[-1, 1]. Received: dtype={real.dtype}. For 8-bit images: "
            "`dataset.map(lambda x: tf.cast(x, 'float32') / 127.5 - 1)`."
        )
    if labels is None and classes is not None:
        raise ValueError(
            "Data must hold labels, as (samples, labels) or {'image':, "
            "'label':}, since the networks are conditional. Received: "
            "samples alone."
        )


def check_divides(data, multiple):
    """Raises if a batch, where its size is fixed, is no such multiple."""
    rows = keras.tree.flatten(data)[0].shape[0]
    if rows is not None and rows % multiple:
        raise ValueError(
            f"`batch_size` must be a multiple of {multiple}: the updates in a "
            "step, times `gradient_accumulation_steps`, times `packing`. "
            f"Received: {rows} images on a device. A last batch that is "
            "smaller can be left out, by `drop_remainder=True`."
        )


def latent_size(generator):
    """What the generator says that it takes."""
    size = getattr(generator, "latent_size", None)
    if size is None:
        inputs = getattr(generator, "inputs", None)
        size = inputs[0].shape[-1] if inputs else None
    if size is None:
        raise ValueError(
            "`latent_size` must be given: the generator has no attribute "
            "`latent_size` and no input shape to read it from. Received: "
            f"generator={type(generator).__name__}"
        )
    return size


def takes_labels(network, classes):
    """Whether its input is (x, labels), in a model with so many classes."""
    if isinstance(network, keras.Sequential):
        return False
    inputs = getattr(network, "inputs", None)  # Of a functional model.
    if inputs:
        return len(inputs) == 2
    return getattr(network, "classes", classes) is not None


def check_classes(classes, *networks):
    """Raises if a network takes labels and nothing says how many there are."""
    if classes is None and any(takes_labels(n, classes) for n in networks):
        raise ValueError(
            "`classes` must be given: a network takes labels, and none has an "
            "attribute `classes` that says how many there are. Received: "
            "classes=None"
        )


def label_spec(*networks):
    """Labels as a functional network takes them, or else as integers."""
    for network in networks:
        inputs = getattr(network, "inputs", None) or ()
        if len(inputs) == 2:
            shape, dtype = inputs[1].shape[1:], inputs[1].dtype
            return keras.KerasTensor((2, *shape), dtype)
    return keras.KerasTensor((2,), "int32")


def check_float_labels(labels):
    """Raises if labels are not floats, as a model's examples of them are."""
    if not _is_float(labels):
        raise ValueError(
            "Labels must be floats [batch, classes], as `label_examples` are. "
            f"Received: dtype={labels.dtype}"
        )


def check_floats(labels, classes):
    """Examples of labels that are floats, as float32 [n, classes]."""
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind != "f" or len(labels) == 0:
        raise ValueError(
            "`label_examples` must be floats [n, classes]; integer labels need "
            f"none. Received: shape={labels.shape}, dtype={labels.dtype}"
        )
    if labels.shape[1] != classes:
        raise ValueError(
            "`label_examples` must have as many columns as the networks have "
            f"classes. Received: shape={labels.shape}, classes={classes}"
        )
    return labels.astype("float32")


def no_labels(labels):
    """The error for labels that nobody takes."""
    return ValueError(
        "`labels` must be None: this generator takes none. "
        f"Received: labels={labels!r}"
    )


def unpack(data):
    """What `fit` was given -> samples, and labels or None."""
    if isinstance(data, dict):
        if "image" not in data:
            raise ValueError(
                "A dictionary of data must hold 'image', and 'label' where "
                f"there are labels. Received: {sorted(data)}"
            )
        real, labels = data["image"], data.get("label")
    elif isinstance(data, (tuple, list)):
        real, labels = data[0], data[1] if len(data) > 1 else None
    else:
        real, labels = data, None
    if labels is not None and tuple(labels.shape[1:]) == (1,):
        if not _is_float(labels):
            labels = ops.squeeze(labels, axis=1)  # As Keras' datasets are.
    return real, labels


def labels_for(count, labels, classes):
    """Labels, one for all or one for each, as networks take them."""
    if labels is None:
        raise ValueError(
            "`labels` must be given for latents of your own, since the "
            "generator is conditional. Received: labels=None"
        )
    labels = np.asarray(labels)
    is_float = labels.dtype.kind == "f"
    if labels.ndim == is_float:  # A class, or the numbers of one sample.
        labels = np.repeat(labels[None], count, axis=0)
    if len(labels) != count:
        raise ValueError(
            "`labels` must be one for all samples or one for each. Received: "
            f"{len(labels)} labels for {count} samples"
        )
    if not is_float and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"`labels` must be classes from 0 to {classes - 1}. "
            f"Received: labels={labels.tolist()}"
        )
    return labels.astype("float32" if is_float else "int32")


def _is_float(array):
    return "float" in keras.backend.standardize_dtype(array.dtype)
