"""`Evaluator`: protocols, real and generated images -> records."""

import time

import numpy as np

from kerasgan.metrics import protocols as named
from kerasgan.metrics.measures import Comparison
from kerasgan.metrics.networks import Networks
from kerasgan.metrics.records import Record, versions
from kerasgan.metrics.sides import QUANTISATION, Generated, Side


class Evaluator:
    """Measures generated images by protocols, as often as one likes.

    What can be known of protocols and real images is checked when it is made;
    of the generated ones, by `check`. Networks are made by `prepare`, or when
    the first measurement needs them.

    Args:
        metrics: A list of names, such as ["fid50k_train", "pr50k3_train"].
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
        if isinstance(metrics, str):
            raise ValueError(
                "`metrics` must be a list of names. Received: "
                f"metrics={metrics!r}"
            )
        self.protocols = [named.get(name) for name in metrics]
        self._allow_small = allow_small
        self._progress = progress or (lambda what, done, total: None)
        splits = {"train": real, "test": held_out}
        _check_sources(splits)
        self._networks = Networks(real, weights, statistics, self._progress)
        self._of_sides = {
            "networks": self._networks,
            "taps": _taps(self.protocols),
            "statistics": statistics,
            "progress": self._progress,
        }
        self._sides = {
            split: Side(source, split=split, **self._of_sides)
            for split, source in splits.items()
            if source is not None
        }
        for protocol in self.protocols:
            self._check_real(protocol)
        self._versions = versions()

    def check(self, fake):
        """Raises a ValueError where a generator or a source will not do."""
        source = fake
        if not hasattr(fake, "pixels"):
            source = Generated(fake, count=1)
        side = Side(source, **self._of_sides)
        for protocol in self.protocols:
            self._check_fake(protocol, side)
            if source is fake:
                self._check_count(protocol, side)

    def prepare(self):
        """Makes the networks: reads their weights, trains the classifier.

        Raises:
            FileNotFoundError: Weights of a network are nowhere.
        """
        for key in self._of_sides["taps"]:
            self._networks(*key)

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
        self.check(fake)
        self.prepare()
        if hasattr(fake, "pixels"):
            sources, seeds = [fake], []
        else:
            most = max(protocol.count for protocol in self.protocols)
            sources = [Generated(fake, most, seed) for seed in seeds]
        runs = []
        for seed, source in zip(seeds or [0], sources, strict=True):
            side = Side(source, **self._of_sides)
            comparisons = [self._compare(p, side, seed) for p in self.protocols]
            # The largest first: of what it extracts, the others take a part.
            seconds = {}
            for comparison in sorted(comparisons, key=lambda c: -c.fake_count):
                started = time.monotonic()
                comparison.look_at_fake()
                name = comparison.protocol.name
                seconds[name] = time.monotonic() - started
            runs.append([self._measured(c, seconds) for c in comparisons])
        return [
            self._record(measured, list(seeds), about)
            for measured in zip(*runs, strict=True)
        ]

    def _check_real(self, protocol):
        """Before anything is made, what the real images do not allow."""
        family = protocol.family
        if family.real == "none":
            return
        side = self._sides.get(protocol.split or "train")
        if side is None:
            raise ValueError(
                f"The protocol {protocol.name!r} must have "
                f"{protocol.split or 'train'} images to compare with. "
                "Received: none. Give them, or name another split"
            )
        needs_labels = family.labels or family.network == "classifier"
        if needs_labels and self._sides["train"].source.classes is None:
            raise ValueError(
                f"The protocol {protocol.name!r} must have real images with "
                f"labels. Received: {side.source.name!r}, without. Choose "
                "metrics of another network, such as 'fid10k_train'"
            )
        self._check_px(protocol, side)
        least = min(protocol.real_count(side.count), protocol.count)
        self._check_rank(protocol, least)

    def _check_fake(self, protocol, side):
        family = protocol.family
        if family.generator and not isinstance(side.source, Generated):
            raise ValueError(
                f"The protocol {protocol.name!r} must have the generator "
                "itself. Received: images. Measure a run"
            )
        if family.labels and side.labels(1) is None:
            raise ValueError(
                f"The protocol {protocol.name!r} must have generated images "
                "with labels. Received: none. Take a conditional generator, or "
                "a folder with one folder per class"
            )
        self._check_px(protocol, side)
        real = self._sides.get(protocol.split or "train")
        if family.real != "none" and real.shape != side.shape:
            raise ValueError(
                "Real and generated images must have one size and number of "
                f"channels. Received: {real.shape} and {side.shape}. Load both "
                "with the same `size` and `channels`"
            )

    def _check_count(self, protocol, side):
        real = self._sides.get(protocol.split or "train")
        count = protocol.fake_count(real.count if real else protocol.count)
        if side.count < count:
            raise ValueError(
                f"The protocol {protocol.name!r} must have {count:,} generated "
                f"images. Received: {side.count:,}. With these it is "
                f"{protocol.renamed(side.count)!r}, another number"
            )

    def _check_px(self, protocol, side):
        least = protocol.family.least_px
        if min(side.shape[:2]) < least:
            raise ValueError(
                f"The protocol {protocol.name!r} must have images of {least} "
                f"pixels at least. Received: {side.source.name!r}, of "
                f"{side.shape[0]}x{side.shape[1]}"
            )

    def _check_rank(self, protocol, least):
        """Refuses, or gives the flag of, a covariance that is singular."""
        family = protocol.family
        if not family.full_rank:
            return None
        dimensions = self._networks.dimensions(family.network, family.tap)
        if least > dimensions:
            return None
        text = (
            f"{protocol.name}: {least:,} images for features of {dimensions:,} "
            "dimensions, so that covariances are singular and the distance "
            "says more of the count than of the images"
        )
        if not self._allow_small:
            raise ValueError(
                f"{text}. Use more images, or `allow_small`, which flags it"
            )
        return text

    def _compare(self, protocol, fake, seed):
        real = None
        if protocol.family.real != "none":
            real = self._sides[protocol.split or "train"]
        return Comparison(
            protocol=protocol,
            real=real,
            fake=fake,
            train=self._sides.get("train"),
            held_out=self._sides.get("test"),
            seed=seed,
            networks=self._networks,
            progress=self._progress,
        )

    def _measured(self, comparison, seconds):
        """A comparison -> itself, {name: value}, seconds."""
        protocol = comparison.protocol
        started = time.monotonic()
        least = min(comparison.fake_count, comparison.real_count or np.inf)
        flag = self._check_rank(protocol, least)
        if flag:
            comparison.flag(flag)
        self._progress(f"measuring {protocol.name}", 0, 1)
        values = protocol.family.measure(comparison)
        self._progress(f"measuring {protocol.name}", 1, 1)
        _flag_images(comparison)
        spent = time.monotonic() - started + seconds[protocol.name]
        return comparison, values, spent

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
            flags += network.flags()
        fake = first.fake.describe(first.fake_count)
        return Record(
            protocol=first.protocol.name,
            title=family.title,
            paper=family.paper,
            values=dict(zip(names, table.mean(axis=0).tolist(), strict=True)),
            spread=spread,
            better={name: family.values[name] for name in names},
            real=first.real and first.real.describe(first.real_count),
            fake={**fake, **about, "count": fake["count"]},
            held_out=first.described_held_out,
            features=seen,
            settings={**first.protocol.settings, **first.settings},
            quantisation=QUANTISATION if seeds else "read as uint8",
            seeds=seeds,
            flags=list(dict.fromkeys(flags)),
            seconds=round(sum(seconds), 3),
            versions=self._versions,
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
            wanted = taps.setdefault((family.network, family.resize), set())
            wanted |= set() if family.tap is None else {family.tap}
    return taps


def _check_sources(splits):
    for name, source in zip(("real", "held_out"), splits.values(), strict=True):
        if source is not None and not hasattr(source, "pixels"):
            raise ValueError(
                f"`{name}` must be a source of images, as `kerasgan.data.load` "
                f"makes of files and arrays. Received: {type(source).__name__}"
            )
    prints = [s.fingerprint for s in splits.values() if s is not None]
    if len(prints) == 2 and None not in prints and prints[0] == prints[1]:
        raise ValueError(
            "`held_out` must be images that the generator has not seen. "
            f"Received: those of `real`, {splits['test'].name!r}"
        )


def _flag_images(comparison):
    """What the generated images themselves give away."""
    fake, count = comparison.fake, comparison.fake_count
    asked = comparison.protocol.count
    if count < asked:
        comparison.flag(
            f"{comparison.protocol.name}: {count:,} generated images of "
            f"{asked:,}, since there are no more real ones"
        )
    copies = fake.duplicates(count)
    if copies:
        comparison.flag(
            f"{copies:,} of {count:,} generated images are bit for bit copies "
            "of others"
        )
    clipped = getattr(fake.source, "clipped", 0)
    if clipped:
        comparison.flag(
            f"{clipped / fake.source.numbers:.2%} of the generated numbers "
            "were outside of [-1, 1], and were clipped"
        )
