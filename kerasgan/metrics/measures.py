"""From the two sides of a comparison to the numbers of a protocol.

Each function takes a `Comparison`, gives {name: number} in the order of its
family's `values`, and flags what a reader must know.
"""

import dataclasses
import typing

import numpy as np

from kerasgan.metrics import kernel as kernels
from kerasgan.metrics import (
    memorising,
    neighbours,
    scores,
    similarity,
    wasserstein,
)
from kerasgan.metrics.classification import classification_scores
from kerasgan.metrics.frechet import frechet_distance_of_moments
from kerasgan.metrics.path_length import perceptual_path_length
from kerasgan.metrics.perceptual import lpips
from kerasgan.metrics.sides import Side

# More than this share nearer to training data than 99 % of held-out data are,
# or less than this share authentic, and a generator is said to memorise.
COPYING = 0.1
AUTHENTIC = 0.1
# Less than this share of real images with a generated one beside them, and it
# is said to have collapsed.
COLLAPSED = 0.1

# A share of generated images of the class that was asked for.
_SHOWN = 0.5

_TRAINED_WITH = 0.8  # Of the real images, where there are no held-out ones.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a protocol compares, and what else its measure has to say.

    Attributes:
        protocol: The `Protocol`.
        real: The real side that it names, or None.
        fake: The generated side.
        train: What the generator has learned from, or None.
        held_out: Images that it has not seen, or None.
        seed: Of the protocol's own draws.
        networks: A function (name, resize) -> feature network.
        progress: A function (what, done, total).
        flags: What `flag` has said so far.
        settings: {what: how}, beside those of the protocol.
        spread: {name: standard deviation} over trainings of the measure's own.
    """

    protocol: typing.Any
    real: Side | None
    fake: Side
    train: Side | None
    held_out: Side | None
    seed: int
    networks: typing.Callable
    progress: typing.Callable
    flags: list = dataclasses.field(default_factory=list)
    settings: dict = dataclasses.field(default_factory=dict)
    spread: dict = dataclasses.field(default_factory=dict)

    @property
    def real_count(self):
        return self.protocol.real_count(self.real.count) if self.real else 0

    @property
    def fake_count(self):
        available = self.real.count if self.real else self.protocol.count
        return self.protocol.fake_count(available)

    @property
    def described_held_out(self):
        """What a record says of held-out images that are not its `real`."""
        if self.protocol.family.real != "train" or self.held_out is None:
            return None
        return self.held_out.describe(self.held_out.count)

    def features(self, side, count=None):
        """float32 [count, d], in the protocol's network."""
        family = self.protocol.family
        return side.features(family.network, family.tap, family.resize, count)

    def look_at_fake(self):
        """Extracts the features of the generated side, if there are any."""
        if self.protocol.family.tap is not None:
            self.features(self.fake, self.fake_count)

    @property
    def both(self):
        """The features of both sides, as keywords."""
        return {
            "real": self.features(self.real, self.real_count),
            "fake": self.features(self.fake, self.fake_count),
        }

    def flag(self, text):
        self.flags.append(text)

    def named(self, numbers):
        """Numbers -> {name: float}, by the family's names."""
        names = self.protocol.family.values
        pairs = zip(names, np.atleast_1d(numbers), strict=True)
        return {name: float(number) for name, number in pairs}


def frechet(comparison):
    family, real = comparison.protocol.family, comparison.real
    key = (family.network, family.tap, family.resize)
    return comparison.named(
        frechet_distance_of_moments(
            real=real.moments(*key, comparison.real_count),
            fake=comparison.fake.moments(*key, comparison.fake_count),
        )
    )


def kernel(comparison):
    settings = comparison.protocol.settings
    comparison.settings.update(seed=comparison.seed)
    least = min(comparison.real_count, comparison.fake_count)
    if least < settings["subset_size"]:
        comparison.flag(
            f"subsets of {least:,} images, where the definition has "
            f"{settings['subset_size']:,}"
        )
    return comparison.named(
        kernels.kernel_distance(
            **comparison.both,
            subsets=settings["subsets"],
            subset_size=settings["subset_size"],
            seed=comparison.seed,
        )
    )


def clip_mmd(comparison):
    return comparison.named(kernels.clip_mmd(**comparison.both))


def inception_score(comparison):
    logits = comparison.features(comparison.fake, comparison.fake_count)
    splits = comparison.protocol.settings["splits"]
    return comparison.named(
        scores.inception_score(logits=logits, splits=splits)
    )


def precision_recall(comparison):
    result = neighbours.precision_recall(
        **comparison.both, neighbours=comparison.protocol.neighbours
    )
    _flag_collapse(comparison, "recall", result.recall)
    return comparison.named(result)


def density_coverage(comparison):
    result = neighbours.density_coverage(
        **comparison.both, neighbours=comparison.protocol.neighbours
    )
    _flag_collapse(comparison, "coverage", result.coverage)
    return comparison.named(result)


def memorisation(comparison):
    train, held_out, fake = (
        comparison.train,
        comparison.held_out,
        comparison.fake,
    )
    result = memorising.memorisation(
        real=comparison.features(train),
        fake=comparison.features(fake, comparison.fake_count),
        held_out=None if held_out is None else comparison.features(held_out),
    )
    copied = fake.shared(train, comparison.fake_count)
    if copied or result.copies > COPYING or result.authenticity < AUTHENTIC:
        comparison.flag(
            "memorising: generated images are as near to training images as "
            f"copies are; {copied or 0:,} of {comparison.fake_count:,} are bit "
            "for bit the same"
        )
    values = comparison.named(result)
    if held_out is None:
        comparison.flag(
            "no held-out images: only authenticity says whether training "
            "images are copied"
        )
        return {"authenticity": values["authenticity"]}
    leaked = held_out.shared(train, held_out.count)
    if leaked:
        comparison.flag(
            f"{leaked:,} of {held_out.count:,} held-out images are among the "
            "training images"
        )
    return values


def classification(comparison):
    count, train = comparison.fake_count, comparison.train
    fake = comparison.fake.images(count), comparison.fake.labels(count)
    if comparison.protocol.split == "test":
        tested = comparison.held_out
        first = min(count, train.count)
        rest = tested.images(tested.count), tested.labels(tested.count)
    else:
        comparison.flag("tested on images that the generator has trained on")
        tested, cut = train, int(_TRAINED_WITH * train.count)
        first = min(count, cut)
        images, labels = train.images(train.count), train.labels(train.count)
        rest = images[cut:], labels[cut:]
    settings = comparison.protocol.settings
    comparison.settings.update(
        trained_on=f"{first:,} of {train.source.name}, {count:,} generated",
        tested_on=f"{len(rest[0]):,} of {tested.source.name}",
    )
    means, deviations = classification_scores(
        real=(train.images(first), train.labels(first)),
        fake=fake,
        held_out=rest,
        classes=train.source.classes,
        seeds=settings["classifier_seeds"],
        steps=settings["classifier_steps"],
        progress=comparison.progress,
    )
    if means.real_to_synthetic < _SHOWN:
        comparison.flag(
            f"labels: a classifier of real images finds "
            f"{means.real_to_synthetic:.1%} of generated images in the class "
            "that was asked for"
        )
    comparison.spread.update(comparison.named(deviations))
    return comparison.named(means)


def sliced_wasserstein(comparison):
    result = wasserstein.sliced_wasserstein(
        real=comparison.real.images(comparison.real_count),
        fake=comparison.fake.images(comparison.fake_count),
        seed=comparison.seed,
    )
    comparison.settings.update(seed=comparison.seed)
    return comparison.named(result.mean)


def ms_ssim_of_pairs(comparison):
    images = comparison.fake.images(comparison.fake_count)
    return comparison.named(similarity.ms_ssim_diversity(images))


def path_length(comparison):
    """In the latents' own space: along arcs if they are normal, else lines."""
    model, count = comparison.fake.source.model, comparison.fake_count
    normal = model.latent_distribution == "normal"
    settings = comparison.protocol.settings
    along = "slerp" if normal else "lerp"
    comparison.settings.update(interpolation=along, latents="of the model")
    network = comparison.networks(comparison.protocol.family.network)
    result = perceptual_path_length(
        model.decode,
        lambda real, fake: lpips(real=real, fake=fake, network=network),
        latent_size=model.latent_size,
        count=count,
        interpolation=along,
        epsilon=settings["epsilon"],
        sampling=settings["sampling"],
        latents="normal" if normal else _uniform,
        labels=model.labels(count, comparison.seed),
        seed=comparison.seed,
    )
    return comparison.named(result.mean)


def _uniform(random, shape):
    """Latents float32 in [-1, 1), of an `np.random.RandomState`."""
    return random.uniform(-1.0, 1.0, shape)


def _flag_collapse(comparison, name, value):
    if value < COLLAPSED:
        comparison.flag(
            f"collapse: a {name} of {value:.2f}, so few real images have a "
            "generated one near them, or all are unlike real ones"
        )
