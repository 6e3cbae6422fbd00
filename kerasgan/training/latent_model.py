"""Models whose samples come from latents, and labels where there are any."""

import functools
import math

import numpy as np
from keras import ops

from kerasgan import devices, random
from kerasgan.errors import unknown_name
from kerasgan.training import examples, sampling
from kerasgan.training.adversarial_model import AdversarialModel

_MOST_DEVIATIONS = 2.0  # Of truncated latents.


class LatentModel(AdversarialModel):
    """Draws latents, and shows what the averaged generator makes of them.

    A kind of it has `generator`, `averaged_generator`, `sample_shape`,
    `latent_size`, `latent_distribution` ("normal" or "uniform"), `classes`,
    and where labels are floats, `label_examples` [n, classes] to draw from.
    """

    label_examples = None

    def latents(self, count, seed=0):
        """Latents [count, latent_size]; row i does not depend on count."""
        return sampling.drawn(self._latents_of, count, seed)

    def labels(self, count, seed=0):
        """Labels int32 [count], each class as likely; None without classes.

        Where labels are floats, some of the examples, [count, classes].
        """
        if self.classes is None:
            return None
        return sampling.drawn(self._labels_of, count, seed)

    def labels_for(self, count, labels):
        """Labels, one for all or one for each -> [count, ...], checked."""
        return examples.labels_for(count, labels, self.classes)

    def generate(
        self,
        count,
        labels=None,
        seed=0,
        batch_size=64,
        truncation=None,
        truncation_center="all",
    ):
        """Samples [count, ...] in the data's range, float32.

        They come from the averaged generator, and sample i depends on the
        seed, on i and on its label alone.

        Args:
            labels: One for all, or one for each; None draws classes evenly.
            seed: Of the latents, and of labels that are drawn.
            batch_size: How many at a time; it does not change them.
            truncation, truncation_center: As in `decode`.
        """
        if labels is None and self.takes_labels:
            labels = self.labels(count, seed)
        latents = self.latents(count, seed)
        return self.decode(
            latents, labels, batch_size, truncation, truncation_center
        )

    def decode(
        self,
        latents,
        labels=None,
        batch_size=64,
        truncation=None,
        truncation_center="all",
    ):
        """Latents [count, latent_size], labels -> what `generate` gives.

        Args:
            truncation: In (0, 1]: the smaller, the more typical samples are,
                and the more alike. Styles, where a generator has them, keep
                that share of their distance from the average (Karras et al.
                2019, appendix B). Elsewhere normal latents are moved to within
                two deviations, in the same order, and multiplied by it (Brock
                et al. 2019, section 3.1). None leaves them.
            truncation_center: As in `styles`.
        """
        self._check_truncation(truncation, truncation_center)
        if truncation is not None and self.has_styles:
            styles = self.styles(
                latents, labels, batch_size, truncation, truncation_center
            )
            return self.synthesize(styles, batch_size)
        inputs = self._with_labels(latents, labels)
        samples = np.empty((len(latents), *self.sample_shape), "float32")
        function = self._samples_of
        if truncation is not None:
            share = sampling.share(truncation)
            function = functools.partial(self._truncated_of, share)
        return sampling.fill(samples, function, inputs, batch_size)

    def styles(
        self,
        latents,
        labels=None,
        batch_size=64,
        truncation=None,
        truncation_center="all",
    ):
        """Latents [count, latent_size] -> [count, style_count, style_size].

        Args:
            truncation: What share of their distance from the centre styles
                keep, in (0, 1]; None leaves them.
            truncation_center: "all" is the average style of the training;
                "class" the average of each sample's label, as
                `style_statistics` finds it (StyleGAN-XL, Sauer et al. 2022,
                https://arxiv.org/abs/2202.00273); or an array of your own,
                [style_size] or [count, style_size].

        Raises:
            ValueError: The generator has no styles.
        """
        self._check_truncation(truncation, truncation_center)
        self.check_styles()
        network = self.averaged_generator
        inputs = self._with_labels(latents, labels)
        shape = (len(latents), network.style_count, network.style_size)
        styles = sampling.fill(
            np.empty(shape, "float32"), self._styles_of, inputs, batch_size
        )
        return self.truncate_styles(
            styles, labels, truncation, truncation_center
        )

    def truncate_styles(
        self, styles, labels=None, truncation=None, truncation_center="all"
    ):
        """Styles [count, style_count, style_size] -> nearer to a centre.

        Args:
            labels, truncation, truncation_center: As in `styles`.
        """
        self._check_truncation(truncation, truncation_center)
        if labels is not None and not self.takes_labels:
            raise examples.no_labels(labels)
        styles = np.asarray(styles, "float32")
        if truncation is None:
            return styles
        network, shape = self.averaged_generator, styles.shape
        share = sampling.share(truncation)
        moved = np.array(network.truncate(styles, share))
        if isinstance(truncation_center, str) and truncation_center == "all":
            return moved
        centers = truncation_center
        if isinstance(centers, str):
            labels = self.labels_for(shape[0], labels)
            centers, _ = self.style_statistics(labels)
        centers = np.broadcast_to(centers, (shape[0], shape[2]))[:, None]
        centers = centers.repeat(shape[1], axis=1).astype("float32")
        # Truncation is affine: so much it moves the centre, which is to stay.
        return moved + centers - np.array(network.truncate(centers, share))

    def style_statistics(self, labels=None, count=10_000, seed=0):
        """Labels [n] -> their mean styles [n, style_size], and deviations [n].

        Over so many latents, the same for every label. A deviation is the
        root of the mean squared distance from the mean. Without labels, n is 1.
        """
        self.check_styles()
        latents = self.latents(count, seed)
        kinds, places = [None], [0]
        if labels is not None:
            kinds, places = np.unique(labels, axis=0, return_inverse=True)
        means, deviations = [], []
        for kind in kinds:
            if kind is not None:
                kind = np.broadcast_to(kind, (count, *kind.shape))
            styles = sampling.fill(
                np.empty((count, self.averaged_generator.style_size)),
                lambda inputs: self._styles_of(inputs)[:, 0],
                self._with_labels(latents, kind),
                batch_size=1000,
            )
            means.append(styles.mean(axis=0).astype("float32"))
            deviations.append(np.sqrt(styles.var(axis=0).sum()))
        return np.stack(means)[places], np.stack(deviations)[places]

    def synthesize(self, styles, batch_size=64):
        """Styles [count, style_count, style_size] -> samples [count, ...]."""
        self.check_styles()
        samples = np.empty((len(styles), *self.sample_shape), "float32")
        styles = np.asarray(styles, "float32")
        return sampling.fill(samples, self._synthesized_of, styles, batch_size)

    @property
    def has_styles(self):
        """Whether the generator makes styles of latents, and samples of them."""
        return hasattr(self.averaged_generator, "synthesize")

    def check_styles(self):
        """Raises a ValueError if the generator has no styles."""
        if not self.has_styles:
            kind = type(self.averaged_generator)
            raise ValueError(
                "The generator must have styles between latents and samples, "
                "as StyleGAN's, StyleGAN2's and StyleGAN3's do. Received: "
                f"{kind.__module__}.{kind.__name__}"
            )

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
        examples = self.label_examples
        count = self.classes if examples is None else examples.shape[0]

        def labels(numbers, seed):
            drawn = random.integers(
                numbers, count, seed=seed, purpose="generate/labels"
            )
            return drawn if examples is None else ops.take(examples, drawn, 0)

        return devices.compiled(labels, [] if examples is None else [examples])

    @functools.cached_property
    def _samples_of(self):
        network = self.averaged_generator
        return devices.compiled(
            lambda inputs: network(inputs, training=False), network.variables
        )

    @functools.cached_property
    def _truncated_of(self):
        network = self.averaged_generator

        def samples(share, inputs):
            latents, *labels = inputs if self.takes_labels else (inputs,)
            latents = self.truncate_latents(latents, share)
            inputs = (latents, *labels) if labels else latents
            return network(inputs, training=False)

        return devices.compiled(samples, network.variables)

    @functools.cached_property
    def _styles_of(self):
        network = self.averaged_generator
        return devices.compiled(network.styles, network.variables)

    @functools.cached_property
    def _synthesized_of(self):
        network = self.averaged_generator
        return devices.compiled(network.synthesize, network.variables)

    def call(self, inputs, training=False):
        """What the averaged generator makes of its input."""
        return self.averaged_generator(inputs, training=training)

    def _draw(self, numbers, **key):
        shape = (self.latent_size,)
        if self.latent_distribution == "uniform":
            return random.uniform(numbers, shape, low=-1.0, **key)
        return random.normal(numbers, shape, **key)

    def truncate_latents(
        self, latents, share, *, erf=ops.erf, erfinv=ops.erfinv
    ):
        """Latents [n, d] -> as `decode` has them where there are no styles.

        Args:
            share: `truncation` of `decode`, a number or a tensor [].
            erf, erfinv: These functions, for who must write them otherwise.
        """
        return self._within(latents, erf, erfinv) * share

    def _within(self, latents, erf, erfinv):
        """Latents [n, d] -> those of the same shares of a shorter range."""
        if self.latent_distribution == "uniform":
            return latents
        most = math.erf(_MOST_DEVIATIONS / math.sqrt(2.0))
        share = most * erf(latents / math.sqrt(2.0))
        return math.sqrt(2.0) * erfinv(share)

    def _with_labels(self, latents, labels):
        """Checked arrays, as the generator takes them."""
        latents = np.asarray(latents, "float32")
        if self.takes_labels:
            return latents, self.labels_for(len(latents), labels)
        if labels is not None:
            raise examples.no_labels(labels)
        return latents

    def _check_truncation(self, truncation, center):
        if truncation is not None:
            sampling.share(truncation)
        if isinstance(center, str):
            if center not in ("all", "class"):
                raise unknown_name(
                    "truncation_center", center, ("all", "class")
                )
            if center == "all":
                return
            if not self.takes_labels:
                raise ValueError(
                    '`truncation_center` must be "all" where the generator '
                    'takes no labels. Received: truncation_center="class"'
                )
        if truncation is None:
            raise ValueError(
                "`truncation` must be given with `truncation_center`. "
                "Received: truncation=None"
            )
        self.check_styles()

    @property
    def takes_labels(self):
        """Whether the generator is told classes."""
        return self._takes_labels(self.generator)

    def _takes_labels(self, network):
        return examples.takes_labels(network, self.classes)
