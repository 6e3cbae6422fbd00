"""What the generators must learn: mixtures of Gaussians, and stacked digits.

A task knows its data, its networks and how to count modes. The ring and the
grid are those of PacGAN (Lin et al. 2018, section 4.1), Stacked MNIST that of
Unrolled GAN (Metz et al. 2017, section 3.3.1, discriminator of half size).
"""

import pathlib

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from kerasgan.features.classifier import load_classifier, train_classifier
from kerasgan.layers.minibatch import MinibatchStdDev
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.metrics import modes

_POINTS = 100_000
_DIGITS_PX = 28
_STACKED = 3


class Mixture:
    """Equally likely Gaussians in the plane: 100,000 fixed points.

    Networks see the points divided by their standard deviation.
    """

    plane = True
    samples = kept_samples = 2500
    steps = 10_000
    batch_size = 256
    latent_size = 2
    width = 128
    octaves = 4
    rates = {"generator": 1e-3, "discriminator": 1e-3}
    last_rate = 0.0  # As a share of the first.
    betas = (0.0, 0.9)
    ema_half_life_steps = 200
    steps_per_execution = 20

    def __init__(self, means, std):
        self.means = np.asarray(means, "float64")
        self.std = std
        points = self.real(_POINTS, seed=0)
        self._scale = float(points.std())
        self._points = (points / self._scale).astype("float32")

    def real(self, count, seed):
        """Points [count, 2] of the mixture itself."""
        random = np.random.default_rng(seed)
        of_mode = random.integers(len(self.means), size=count)
        return self.means[of_mode] + self.std * random.normal(size=(count, 2))

    def networks(self, packing, minibatch_std=False):
        """Three hidden layers of 128 units each, He's weights.

        Without batch norm in the generator and waves in the discriminator,
        10,000 steps leave a cloud over all modes, whatever the method.
        """
        generator = keras.Sequential([keras.Input((self.latent_size,))])
        discriminator = keras.Sequential(
            [keras.Input((2 * packing,)), Waves(self.octaves)]
        )
        for _ in range(3):
            hidden = layers.Dense(
                self.width, kernel_initializer="he_normal", use_bias=False
            )
            generator.add(hidden)
            generator.add(BatchNormalization())
            generator.add(layers.ReLU())
            hidden = layers.Dense(self.width, kernel_initializer="he_normal")
            discriminator.add(hidden)
            discriminator.add(layers.LeakyReLU(0.2))
        generator.add(layers.Dense(2))
        if minibatch_std:
            discriminator.add(MinibatchStdDev())
        discriminator.add(layers.Dense(1))
        return generator, discriminator

    def dataset(self, steps, rows, seed):
        """Batches [rows, 2], drawn with replacement."""
        points = tf.constant(self._points)

        def batch(step):
            return tf.gather(points, _draws(step, seed, rows, _POINTS))

        return tf.data.Dataset.range(steps).map(batch).prefetch(4)

    def original(self, samples):
        """What networks see -> points of the mixture."""
        return self._scale * np.asarray(samples)

    def measure(self, samples):
        return self.measure_points(self.original(samples))

    def measure_points(self, points):
        measured = modes.mode_coverage(
            samples=points, means=self.means, std=self.std
        )
        return measured._asdict()


class Waves(layers.Layer):
    """x [n, d] -> x, sin(2^k x), cos(2^k x) for k < octaves, side by side.

    So that a small network can see detail: the positional encoding of
    Mildenhall et al. 2020, section 5.1, https://arxiv.org/abs/2003.08934.
    """

    def __init__(self, octaves, **kwargs):
        super().__init__(**kwargs)
        self.octaves = octaves

    def call(self, x):
        waves = [2.0**octave * x for octave in range(self.octaves)]
        return ops.concatenate(
            [x, *map(ops.sin, waves), *map(ops.cos, waves)], axis=-1
        )

    def get_config(self):
        return {**super().get_config(), "octaves": self.octaves}


class StackedDigits:
    """Three random MNIST digits as the channels of an image: 1,000 modes.

    Args:
        data_dir: Where `kerasgan.data` finds MNIST.
        workdir: Keeps the classifier that counts.
    """

    plane = False
    samples, kept_samples = 25_600, 100
    steps = 5000
    batch_size = 128
    latent_size = 256
    # The papers' 500,000 steps at 1e-4 become a hundredth, at thirty times that.
    rates = {"generator": 3e-3, "discriminator": 3e-3}
    last_rate = 1.0
    betas = (0.5, 0.9)
    ema_half_life_steps = 50
    steps_per_execution = 10

    def __init__(self, data_dir, workdir):
        from kerasgan import data

        digits = data.load("mnist", data_dir=data_dir)
        images = digits.images(np.arange(digits.count))
        self._images = np.round((images + 1.0) * 127.5).astype("uint8")
        path = pathlib.Path(workdir) / "classifier.npz"
        if path.exists():
            self.classifier = load_classifier(path)
        else:
            labels = digits.labels(np.arange(digits.count))
            self.classifier = train_classifier(self._images, labels, 10)
            self.classifier.save(str(path))

    def real(self, count, seed):
        """Stacked digits uint8 [count, 28, 28, 3]."""
        random = np.random.default_rng(seed)
        shape = (count, _STACKED)
        chosen = self._images[random.integers(len(self._images), size=shape)]
        return np.moveaxis(chosen[..., 0], 1, -1)

    def networks(self, packing, minibatch_std=False):
        """Metz et al. 2017, appendix D: the discriminator has 4-8-16 channels.

        Our own choice: 4x4 grows to 8x8 and is cut to 7x7, so that 28 pixels
        follow, and normalisation is `kerasgan`'s, for penalties' sake.
        """
        return _stacked_generator(self.latent_size), _stacked_discriminator(
            (_DIGITS_PX, _DIGITS_PX, packing * _STACKED), minibatch_std
        )

    def dataset(self, steps, rows, seed):
        """Batches [rows, 28, 28, 3] in [-1, 1], digits stacked on the fly."""
        images = tf.constant(self._images[..., 0])
        count = len(self._images)

        def batch(step):
            chosen = _draws(step, seed, rows * _STACKED, count)
            stacked = tf.reshape(
                tf.gather(images, chosen),
                (_STACKED, rows, _DIGITS_PX, _DIGITS_PX),
            )
            stacked = tf.transpose(stacked, (1, 2, 3, 0))
            return tf.cast(stacked, "float32") / 127.5 - 1.0

        return tf.data.Dataset.range(steps).map(batch).prefetch(4)

    def original(self, samples):
        """Samples in [-1, 1] -> uint8."""
        pixels = np.round((np.asarray(samples) + 1.0) * 127.5)
        return np.clip(pixels, 0, 255).astype("uint8")

    def measure(self, samples):
        images = self.original(samples)
        labels = np.stack(
            [
                self.classifier.predict(images[..., channel : channel + 1])
                for channel in range(_STACKED)
            ],
            axis=1,
        )
        measured = modes.stacked_mode_coverage(labels=labels)
        return {
            **measured._asdict(),
            "classifier_accuracy": self.classifier.held_out_accuracy,
        }


def load(name, *, data_dir=None, workdir="."):
    """A task by its name in `NAMES`."""
    if name == "ring":
        angles = 2.0 * np.pi * np.arange(8) / 8
        means = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return Mixture(means, std=0.01)
    if name == "grid":
        places = np.arange(-4.0, 5.0, 2.0)
        means = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        return Mixture(means, std=0.05)
    return StackedDigits(data_dir, workdir)


NAMES = ("ring", "grid", "stacked")
CLASSES = {"ring": Mixture, "grid": Mixture, "stacked": StackedDigits}


def _draws(step, seed, count, high):
    """Numbers [count] below `high`, the same whenever a step is repeated."""
    key = tf.stack([tf.constant(seed, tf.int64), step])
    draws = tf.random.stateless_uniform((count,), key, 0, high, tf.int32)
    return tf.ensure_shape(draws, (count,))


def _stacked_generator(latent_size):
    network = keras.Sequential(
        [
            keras.Input((latent_size,)),
            layers.Dense(4 * 4 * 64, use_bias=False),
            layers.Reshape((4, 4, 64)),
            BatchNormalization(),
            layers.ReLU(),
        ]
    )
    for stage, channels in enumerate((32, 16, 8)):
        network.add(
            layers.Conv2DTranspose(
                channels, 3, strides=2, padding="same", use_bias=False
            )
        )
        if stage == 0:
            network.add(layers.Cropping2D(((0, 1), (0, 1))))
        network.add(BatchNormalization())
        network.add(layers.ReLU())
    network.add(
        layers.Conv2DTranspose(_STACKED, 3, padding="same", activation="tanh")
    )
    return network


def _stacked_discriminator(shape, minibatch_std=False):
    network = keras.Sequential([keras.Input(shape)])
    for channels in (4, 8, 16):
        network.add(
            layers.Conv2D(
                channels, 3, strides=2, padding="same", use_bias=False
            )
        )
        network.add(BatchNormalization())
        network.add(layers.LeakyReLU(0.3))
    if minibatch_std:
        network.add(MinibatchStdDev())
    network.add(layers.Flatten())
    network.add(layers.Dense(1))
    return network
