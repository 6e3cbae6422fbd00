"""Images from a tfds name, a folder, an archive or arrays, ready for a GAN.

    photos = kerasgan.data.load("/photos", size=64)
    print(photos.report())
    for batch in photos.dataset(32, flip=True):  # [32, 64, 64, 3] in [-1, 1]
        ...

A source is a count, and the item at an index (`arrays`, `files`, `records`).
Everything after it follows from indices: `loading` decodes and caches,
`pipeline` shuffles indices and gathers, `report` looks at what is there.
"""

import keras
import tensorflow as tf

if keras.backend.backend() != "tensorflow":
    # It only feeds: the accelerators belong to the backend.
    tf.config.set_visible_devices([], "GPU")

from kerasgan.data.image_data import ImageData
from kerasgan.data.loading import load
from kerasgan.data.report import Report

__all__ = ["ImageData", "Report", "load"]
