"""A picture of what an augmenter makes of the data's own images."""

import dataclasses

import numpy as np
from keras import ops

from kerasgan import pictures
from kerasgan.training.adversarial_model import Batch

_ROWS, _COLUMNS = 6, 9
# Of an adaptive augmenter, whose probability begins at 0.
_PROBABILITY = 0.5


def augmented(augmenter, images, seed=0):
    """Images [n, h, w, c] in [-1, 1] -> a picture, uint8 [H, W, c].

    In each of six rows one image as it is, then eight times as the
    discriminator may be shown it.
    """
    if getattr(augmenter, "probability", 0.0) is None:
        augmenter = dataclasses.replace(augmenter, probability=_PROBABILITY)
    chosen = np.linspace(0, len(images) - 1, min(_ROWS, len(images)), dtype=int)
    columns = np.repeat(np.asarray(images)[chosen], _COLUMNS, axis=0)
    batch = Batch(
        numbers=ops.arange(len(columns), dtype="int32"),
        images_seen=ops.convert_to_tensor(0, "int32"),
        step=ops.convert_to_tensor(0, "int32"),
        seed=seed,
        training=True,
    )
    shown = augmenter(ops.convert_to_tensor(columns), batch, "preview")
    shown = np.array(shown)
    shown[::_COLUMNS] = columns[::_COLUMNS]
    return pictures.grid(shown, columns=_COLUMNS)
