"""Noise that a generator adds to its activations."""

import keras
from keras import layers, ops


class NoiseInjection(layers.Layer):
    """Adds a learned share of noise, alike in all channels; at first none.

    Karras et al. 2019, section 2, https://arxiv.org/abs/1812.04948.

    Args:
        size: (height, width) of the activations.
        number: Of this layer among those of the same size.
    """

    def __init__(self, size, number=0):
        super().__init__(name=f"noise_{number}")
        self.shape = (*size, 1)
        self.draw = f"noise_{size[0]}px_{number}"  # Its name among draws.
        self.stored = self.add_weight(
            name="noise",
            shape=self.shape,
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            trainable=False,
        )
        self.strength = self.add_weight(
            name="strength", shape=(), initializer="zeros"
        )

    def call(self, inputs, draws=None):
        """x [batch, h, w, c] and the step's draws, or None: stored noise."""
        noise = draws[self.draw] if draws else self.stored[None]
        return inputs + self.strength * ops.cast(noise, inputs.dtype)
