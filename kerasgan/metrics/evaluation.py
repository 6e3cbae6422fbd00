"""`Evaluator`: protocols, real and generated images -> records."""

import time

import numpy as np

from kerasgan.metrics import measures
from kerasgan.metrics import protocols as named
from kerasgan.metrics.networks import Networks
from kerasgan.metrics.records import Record
from kerasgan.metrics.sides import QUANTISATION, Generated, Side


class Evaluator:
    """Measures generated images by protocols, as often as one likes.

    Args:
        metrics: Names, such as ["fid50k_train", "pr50k3_train"].
        real: A source of what the generator learned from (see `sides`), such
            as `kerasgan.data.load` gives.
        held_out: A source of images that the generator has not seen; protocols
            that end in `_test` compare with it.
        allow_small: Measure, and flag, what is refused otherwise: distances
            from no more images than features have dimensions.
        weights: {network: path of its weights}, else as `kerasgan.features`
            finds them.
        statistics: A `Statistics`, to keep what is seen in real images.
        progress: A function (what, done, total).

    Raises:
        ValueError: An unknown protocol, or one that these images cannot serve.
        FileNotFoundError: Weights of a network are nowhere.
    """

    def __init__(
        self,
        metrics,
        *,
        real,
        held_out=None,
        allow_small=False,
        weights=None,
        statistics=None,
        progress=None,
    ):
        self.protocols = [named.get(name) for name in metrics]
        self._allow_small = allow_small
        splits = {"train": real, "test": held_out}
        for protocol in self.protocols:
            _check_split(protocol, splits)
        self._networks = Networks(real, weights, statistics, progress)
        taps = _taps(self.protocols)
        for key in taps:
            self._networks(*key)  # What is missing shows now.
        self._of_sides = {
            "networks": self._networks,
            "taps": taps,
            "statistics": statistics,
            "progress": progress,
        }
        self._sides = {
            split: Side(source, split=split, **self._of_sides)
            for split, source in splits.items()
            if source is not None
        }

    def measure(self, fake, seeds=(0,), **about):
        """A generator, or images that are there -> a `Record` per protocol.

        Args:
            fake: A `GANModel`, or a source (see `sides`).
            seeds: Of the generated images, each measured: records hold means
                and standard deviations. What is there is measured once.
            about: More for records to say of the generated side.

        Raises:
            ValueError: Too few images, or of a wrong range or shape. What can
                be known before work is said before.
            FloatingPointError: Generated images or features are NaN.
        """
        if hasattr(fake, "pixels"):
            sources, seeds = [fake], []
        else:
            most = max(protocol.count for protocol in self.protocols)
            sources = [Generated(fake, most, seed) for seed in seeds]
        runs = []
        for seed, source in zip(seeds or [0], sources, strict=True):
            side = Side(source, **self._of_sides)
            comparisons = [self._compare(p, side, seed) for p in self.protocols]
            for comparison in comparisons:
                self._check(comparison)
            # The largest first: of what it extracts, the others take a part.
            for comparison in sorted(comparisons, key=lambda c: -c.fake_count):
                if comparison.protocol.family.network is not None:
                    comparison.features(side, comparison.fake_count)
            runs.append([_measured(comparison) for comparison in comparisons])
        return [
            self._record(measured, list(seeds), about)
            for measured in zip(*runs, strict=True)
        ]

    def _compare(self, protocol, fake, seed):
        real = None
        if protocol.family.real != "none":
            real = self._sides[protocol.split or "train"]
        train = self._sides.get("train")
        return measures.Comparison(
            protocol=protocol,
            real=real,
            fake=fake,
            train=train,
            held_out=self._sides.get("test"),
            classes=None if train is None else train.source.classes,
            seed=seed,
            networks=self._networks,
        )

    def _check(self, comparison):
        """Raises, or flags, what makes a number of these images no good."""
        protocol, fake = comparison.protocol, comparison.fake
        if fake.count < comparison.fake_count:
            raise ValueError(
                f"The protocol {protocol.name!r} must have "
                f"{comparison.fake_count:,} generated images. Received: "
                f"{fake.count:,}. With these it is "
                f"{protocol.renamed(fake.count)!r}, another number"
            )
        if protocol.family.labels and fake.labels(1) is None:
            raise ValueError(
                f"The protocol {protocol.name!r} must have generated images "
                "with labels. Received: none. Take a conditional generator, or "
                "a folder with one folder per class"
            )
        if comparison.real is not None and comparison.real.shape != fake.shape:
            raise ValueError(
                "Real and generated images must have one size and number of "
                f"channels. Received: {comparison.real.shape} and {fake.shape}."
                " Load both with the same `size` and `channels`"
            )
        if protocol.family.measure is measures.frechet:
            self._check_count(comparison)

    def _check_count(self, comparison):
        family = comparison.protocol.family
        network = self._networks(family.network, family.resize)
        dimensions = network.dimensions[family.tap]
        least = min(comparison.real_count, comparison.fake_count)
        if least > dimensions:
            return
        text = (
            f"{comparison.protocol.name}: {least:,} images for features of "
            f"{dimensions:,} dimensions, so that covariances are singular and "
            "the distance says more of the count than of the images"
        )
        if not self._allow_small:
            raise ValueError(
                f"{text}. Use more images, or `allow_small`, which flags it"
            )
        comparison.flag(text)

    def _record(self, measured, seeds, about):
        """What each seed gave for one protocol -> its record."""
        comparisons, values, seconds = zip(*measured, strict=True)
        first, family = comparisons[0], comparisons[0].protocol.family
        names = list(values[0])
        table = np.array([[value[name] for name in names] for value in values])
        spread = first.spread or None
        if len(table) > 1:
            deviations = table.std(axis=0, ddof=1).tolist()
            spread = dict(zip(names, deviations, strict=True))
        flags = [
            flag for comparison in comparisons for flag in comparison.flags
        ]
        seen = None
        if family.network is not None:
            network = self._networks(family.network, family.resize)
            seen = {**network.describe(), "tap": family.tap}
            if network.published is False:
                flags.append(
                    f"{family.network}: its weights are not known to be the "
                    "published ones; numbers of others compare only if they are"
                )
        real = first.real and first.real.describe(first.real_count)
        return Record(
            protocol=first.protocol.name,
            title=family.title,
            paper=family.paper,
            values=dict(zip(names, table.mean(axis=0).tolist(), strict=True)),
            spread=spread,
            better={name: family.values[name] for name in names},
            real=real,
            fake={**first.fake.describe(first.fake_count), **about},
            features=seen,
            settings=first.protocol.settings,
            quantisation=QUANTISATION if seeds else "read as uint8",
            seeds=seeds,
            flags=list(dict.fromkeys(flags)),
            seconds=round(sum(seconds), 3),
        )


def evaluate(metrics, *, real, fake, held_out=None, seeds=(0,), **options):
    """Measures once -> a list of `Record`; see `Evaluator` for `options`."""
    evaluator = Evaluator(metrics, real=real, held_out=held_out, **options)
    return evaluator.measure(fake, seeds)


def _taps(protocols):
    """{(network, resize): taps} of the protocols together."""
    taps = {}
    for family in (protocol.family for protocol in protocols):
        if family.network is not None:
            key = (family.network, family.resize)
            taps.setdefault(key, set()).add(family.tap)
    return taps


def _check_split(protocol, splits):
    split = protocol.split or "train"
    if protocol.family.real != "none" and splits[split] is None:
        raise ValueError(
            f"The protocol {protocol.name!r} must have {split} images to "
            "compare with. Received: none. Give them, or name another split"
        )


def _measured(comparison):
    """A comparison -> itself, {name: value}, seconds."""
    started = time.monotonic()
    values = comparison.protocol.family.measure(comparison)
    seconds = time.monotonic() - started
    copies = comparison.fake.duplicates(comparison.fake_count)
    if copies:
        comparison.flag(
            f"{copies:,} of {comparison.fake_count:,} generated images are "
            "bit for bit copies of others"
        )
    source = comparison.fake.source
    clipped = getattr(source, "clipped", 0)
    if clipped:
        comparison.flag(
            f"{clipped / source.numbers:.2%} of the generated numbers were "
            "outside of [-1, 1], and were clipped"
        )
    return comparison, values, seconds
