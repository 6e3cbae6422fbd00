"""One GAN, several losses: the loss is one line.

    python examples/swap_the_loss.py

Trains the same networks from the same start under each loss and writes their
samples below each other, a row of ten for each.
"""

import sys

import keras
import numpy as np

import kerasgan
from kerasgan.models import dcgan

LOSSES = [
    "non_saturating",
    "least_squares",
    "hinge",
    "relativistic",
    # Objects take arguments that names cannot give.
    kerasgan.losses.NonSaturating(real_target=0.9),
]


def main(total_images=60_000, output="swap_the_loss.png"):
    digits = kerasgan.data.load("digits")
    rows = []
    for loss in LOSSES:
        keras.utils.set_random_seed(0)
        gan = kerasgan.GANModel(
            dcgan.Generator((8, 8, 1), latent_size=32),
            dcgan.Discriminator((8, 8, 1)),
        )
        gan.compile(loss=loss)
        print(loss)
        gan.fit(digits.dataset(batch_size=64, total_images=total_images))
        rows.append(gan.generate(10, seed=0))
    picture = kerasgan.pictures.grid(np.concatenate(rows), columns=10)
    kerasgan.pictures.save(output, picture)
    print(f"wrote {output}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
