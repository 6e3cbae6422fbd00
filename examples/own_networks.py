"""Your own Keras networks, trained by `fit`.

    python examples/own_networks.py

Any Keras model serves: this one has a Sequential generator and a functional
discriminator. After a minute on a laptop, `own_networks.png` shows digits.
"""

import sys

import keras
from keras import layers

import kerasgan


def build_generator(latent_size=32):
    """Latents [batch, 32] -> images [batch, 8, 8, 1] in [-1, 1]."""
    return keras.Sequential(
        [
            layers.Input((latent_size,)),
            layers.Dense(4 * 4 * 64, activation="relu"),
            layers.Reshape((4, 4, 64)),
            layers.UpSampling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="tanh"),
        ]
    )


def build_discriminator():
    """Images [batch, 8, 8, 1] -> logits [batch, 1], without a sigmoid."""
    images = layers.Input((8, 8, 1))
    x = layers.Conv2D(64, 3, padding="same")(images)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.Conv2D(128, 3, strides=2, padding="same")(x)
    x = layers.LeakyReLU(0.2)(x)
    logits = layers.Dense(1)(layers.Flatten()(x))
    return keras.Model(images, logits)


def main(total_images=150_000, output="own_networks.png"):
    keras.utils.set_random_seed(0)
    digits = kerasgan.data.load("digits")
    gan = kerasgan.GANModel(build_generator(), build_discriminator())
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.5),
        regularizers=[kerasgan.regularizers.R1(weight=1.0, every=4)],
    )
    gan.fit(digits.dataset(batch_size=64, total_images=total_images))
    picture = kerasgan.pictures.grid(gan.generate(64, seed=0))
    kerasgan.pictures.save(output, picture)
    print(f"wrote {output}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
