"""Models whose samples come from latents, and labels where there are any."""

import functools
import math

import numpy as np
from keras import ops

from kerasgan import devices, random
from kerasgan.training import examples, sampling
from kerasgan.training.adversarial_model import AdversarialModel

_MOST_DEVIATIONS = 2.0  # Of truncated latents.


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

    def generate(
        self, count, labels=None, seed=0, batch_size=64, truncation=None
    ):
        """Samples [count, ...] in the data's range, float32.

        They come from the averaged generator, and sample i depends on the
        seed, on i and on its label alone.

        Args:
            labels: One for all, or one for each; None draws classes evenly.
            seed: Of the latents, and of labels that are drawn.
            batch_size: How many at a time; it does not change them.
            truncation: As in `decode`.
        """
        if labels is None and self._labelled:
            labels = self.labels(count, seed)
        latents = self.latents(count, seed)
        return self.decode(latents, labels, batch_size, truncation)

    def decode(self, latents, labels=None, batch_size=64, truncation=None):
        """Latents [count, latent_size], labels -> what `generate` gives.

        Args:
            truncation: In (0, 1]: the smaller, the more typical samples are,
                and the more alike. Styles, where a generator has them, keep
                that share of their distance from the average (Karras et al.
                2019, appendix B). Elsewhere normal latents are moved to within
                two deviations, in the same order, and multiplied by it (Brock
                et al. 2019, section 3.1). None leaves them.
        """
        inputs = latents = np.asarray(latents, "float32")
        if self._labelled:
            inputs = (latents, examples.labels_for(len(latents), labels))
        elif labels is not None:
            raise examples.no_labels(labels)
        samples = np.empty((len(latents), *self.sample_shape), "float32")
        function = self._samples_of
        if truncation is not None:
            share = sampling.share(truncation)
            function = functools.partial(self._truncated_of, share=share)
        return sampling.fill(samples, function, inputs, batch_size)

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

    @functools.cached_property
    def _truncated_of(self):
        network = self.averaged_generator

        def samples(inputs, share):
            if hasattr(network, "truncate"):
                styles = network.truncate(network.styles(inputs), share)
                return network.synthesize(styles)
            latents, *labels = inputs if self._labelled else (inputs,)
            latents = self._within(latents) * share
            inputs = (latents, *labels) if labels else latents
            return network(inputs, training=False)

        return devices.compiled(samples, network.variables)

    def call(self, inputs, training=False):
        """What the averaged generator makes of its input."""
        return self.averaged_generator(inputs, training=training)

    def _draw(self, numbers, **key):
        shape = (self.latent_size,)
        if self.latent_distribution == "uniform":
            return random.uniform(numbers, shape, low=-1.0, **key)
        return random.normal(numbers, shape, **key)

    def _within(self, latents):
        """Latents [n, d] -> those of the same shares of a shorter range."""
        if self.latent_distribution == "uniform":
            return latents
        most = math.erf(_MOST_DEVIATIONS / math.sqrt(2.0))
        share = most * ops.erf(latents / math.sqrt(2.0))
        return math.sqrt(2.0) * ops.erfinv(share)

    @property
    def _labelled(self):
        return self._takes_labels(self.generator)

    def _takes_labels(self, network):
        return examples.takes_labels(network, self.classes)
