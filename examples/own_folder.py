"""Your own folder of images, from a script.

    python examples/own_folder.py /photos

The same as `kerasgan train --data=/photos --size=64`, in Python: a report of
what is in the folder, a DCGAN, a grid in every so many images, a saved model.
"""

import pathlib
import sys

import keras

import kerasgan
from kerasgan.models import dcgan


def main(folder, output="own_folder", size=64, width=32, total_images=100_000):
    keras.utils.set_random_seed(0)
    photos = kerasgan.data.load(folder, size=size)
    print(photos.report())

    gan = kerasgan.GANModel(
        dcgan.Generator(photos.image_shape, width=width),
        dcgan.Discriminator(photos.image_shape, width=width),
    )
    gan.compile(ema_half_life_images=5_000)
    gan.fit(
        photos.dataset(batch_size=32, total_images=total_images, flip=True),
        callbacks=[
            kerasgan.callbacks.SampleGrid(
                output,
                every_images=5_000,
                real=photos.images(range(min(64, photos.count))),
            ),
            kerasgan.callbacks.StopOnNaN(),
        ],
    )
    gan.save(pathlib.Path(output) / "gan.keras")
    print(f"wrote {output}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1])
