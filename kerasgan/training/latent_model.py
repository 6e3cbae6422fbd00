"""Models whose samples come from latents, and labels where there are any."""

import functools

import numpy as np

from kerasgan import devices, random
from kerasgan.training import examples, sampling
from kerasgan.training.adversarial_model import AdversarialModel


class LatentModel(AdversarialModel):
    """Draws latents, and shows what the averaged generator makes of them.

    A kind of it has `generator`, `averaged_generator`, `sample_shape`,
    `latent_size`, `latent_distribution` ("normal" or "uniform"), `classes`.
    """

    def latents(self, count, seed=0):
        """Latents [count, latent_size]; row i does not depend on count."""
        return sampling.drawn(self._latents_of, count, seed)

    def labels(self, count, seed=0):
        """Labels int32 [count], each class as likely; None without classes."""
        if self.classes is None:
            return None
        return sampling.drawn(self._labels_of, count, seed)

    def generate(self, count, labels=None, seed=0, batch_size=64):
        """Samples [count, ...] in the data's range, float32.

        They come from the averaged generator, and sample i depends on the
        seed, on i and on its label alone.

        Args:
            labels: One for all, or one for each; None draws classes evenly.
            seed: Of the latents, and of labels that are drawn.
            batch_size: How many at a time; it does not change them.
        """
        if labels is None and self._takes_labels(self.generator):
            labels = self.labels(count, seed)
        return self.decode(self.latents(count, seed), labels, batch_size)

    def decode(self, latents, labels=None, batch_size=64):
        """Latents [count, latent_size], labels -> what `generate` gives."""
        inputs = latents = np.asarray(latents, "float32")
        if self._takes_labels(self.generator):
            inputs = (latents, examples.labels_for(len(latents), labels))
        elif labels is not None:
            raise examples.no_labels(labels)
        samples = np.empty((len(latents), *self.sample_shape), "float32")
        return sampling.fill(samples, self._samples_of, inputs, batch_size)

    @functools.cached_property
    def _latents_of(self):
        purpose = "generate/latents"
        return devices.compiled(
            lambda numbers, seed: self._draw(
                numbers, seed=seed, purpose=purpose
            )
        )

    @functools.cached_property
    def _labels_of(self):
        purpose = "generate/labels"
        return devices.compiled(
            lambda numbers, seed: random.integers(
                numbers, self.classes, seed=seed, purpose=purpose
            )
        )

    @functools.cached_property
    def _samples_of(self):
        network = self.averaged_generator
        return devices.compiled(
            lambda inputs: network(inputs, training=False), network.variables
        )

    def call(self, inputs, training=False):
        """What the averaged generator makes of its input."""
        return self.averaged_generator(inputs, training=training)

    def _draw(self, numbers, **key):
        shape = (self.latent_size,)
        if self.latent_distribution == "uniform":
            return random.uniform(numbers, shape, low=-1.0, **key)
        return random.normal(numbers, shape, **key)

    def _takes_labels(self, network):
        return examples.takes_labels(network, self.classes)
