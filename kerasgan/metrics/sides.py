"""The two sides of a comparison: images, and what networks see in them.

A source has `count`, `image_shape`, `name`, `fingerprint` (None: that of its
pixels is used), `classes`, `pixels(indices)` -> uint8 [n, h, w, c] and
`labels(indices)` -> int [n] or None. `kerasgan.data.load` gives one, and
`Generated` makes one of a generator.
"""

import functools
import hashlib

import numpy as np

from kerasgan import pictures
from kerasgan.metrics.frechet import moments

QUANTISATION = "rounded to uint8: (x + 1) * 127.5"

_CHUNK = 256  # Images that are handled at a time.
_KEPT_BYTES = 2 * 2**30  # Of pixels, in memory.
# Larger than any rounding of a tanh makes; networks that are `bounded = False`
# may say 10 at first; those for 0 to 255 say more.
_FAR_OUT = 2.0
_FAR_OUT_UNBOUNDED = 30.0


class Generated:
    """A generator as a source of images: sample i depends on seed and i.

    Args:
        model: Has `latents(count, seed)`, `labels(count, seed)` and
            `decode(latents, labels)`, as `GANModel` does. Where its
            `generator` says `bounded = False`, no tanh limits its images.
        count: How many will be asked for at most.
        seed: Of latents and labels.
        name: For records.
    """

    fingerprint = None

    def __init__(self, model, count, seed=0, name="generated"):
        self.model = model
        self.count = count
        self.seed = seed
        self.name = name
        self.classes = model.classes
        self._latents = model.latents(count, seed)
        self._labels = model.labels(count, seed)
        self.averaged = hasattr(model, "averaged_generator")
        network = getattr(model, "generator", model)
        bounded = getattr(network, "bounded", True)
        self.largest = _FAR_OUT if bounded else _FAR_OUT_UNBOUNDED
        self.clipped = 0  # Numbers outside of [-1, 1].
        self.numbers = 0

    def labels(self, indices):
        return None if self._labels is None else self._labels[indices]

    @functools.cached_property
    def image_shape(self):
        return self._decode(np.arange(1)).shape[1:]

    def pixels(self, indices):
        images = self._decode(indices)
        largest = np.abs(images).max()
        if not np.isfinite(largest):
            raise FloatingPointError(
                "Generated images must be finite. Received: NaN or infinity in "
                f"images {indices[0]:,} to {indices[-1]:,}"
            )
        if largest > self.largest:
            raise ValueError(
                "Generated images must be in [-1, 1]. Received: a value of "
                f"{largest:.3g}. End the generator in a tanh, or scale its "
                "output; one that is meant to go a little further says so by "
                "an attribute, `bounded = False`"
            )
        self.clipped += int((np.abs(images) > 1.0).sum())
        self.numbers += images.size
        return pictures.to_uint8(images)

    def _decode(self, indices):
        return self.model.decode(
            self._latents[indices], self.labels(indices), batch_size=_CHUNK
        )


class Side:
    """Images of a source, and their features, each computed once.

    Args:
        source: See above.
        split: "train", "test" or None, for records.
        networks: A function (name, resize) -> `FeatureNetwork`.
        taps: {(name, resize): set of taps} that will be asked for; they are
            computed in one pass.
        statistics: A `Statistics` to keep features in, or None.
        progress: A function (what, done, total) that is told, or None.
    """

    def __init__(
        self,
        source,
        *,
        networks,
        taps,
        split=None,
        statistics=None,
        progress=None,
    ):
        self.source = source
        self.split = split
        self._networks = networks
        self._taps = taps
        self._statistics = statistics
        self._progress = progress or (lambda what, done, total: None)
        self._features = {}
        self._pixels = None
        self._digests = {}
        self.order = np.arange(source.count)
        # What was generated would cost as much again; data are there anyway.
        self._keeps = _KEPT_BYTES if isinstance(source, Generated) else 0
        if not isinstance(source, Generated):
            # Folders come class by class: any first part must be a fair one.
            self.order = np.random.RandomState(0).permutation(source.count)

    @property
    def count(self):
        return self.source.count

    @property
    def shape(self):
        """(h, w, c) of its images."""
        return tuple(self.source.image_shape)

    def labels(self, count):
        """int [count], in the order of `features` and `images`; or None."""
        return self.source.labels(self.order[:count])

    def images(self, count):
        """uint8 [count, h, w, c]: the source's, in an order of its own."""
        return np.concatenate([part for _, part in self._parts(count)])

    def features(self, name, tap, resize=None, count=None):
        """float32 [count, d]: what a network sees at a tap."""
        count = self.count if count is None else count
        key = (name, resize, tap)
        found = self._features.get(key)
        if found is None or len(found) < count:
            self._extract(name, resize, count)
        return self._features[key][:count]

    def moments(self, name, tap, resize=None, count=None):
        """Mean and covariance of the features."""
        return moments(self.features(name, tap, resize, count))

    def describe(self, count):
        """What a record says of this side."""
        described = {
            "name": self.source.name,
            "split": self.split,
            "count": count,
            "fingerprint": self.source.fingerprint or self._hash(count),
        }
        if isinstance(self.source, Generated):
            described["averaged"] = self.source.averaged
        return described

    def duplicates(self, count):
        """How many images are equal to an earlier one, to the last bit.

        None where the images were not looked at.
        """
        digests = self._digests_of(count)
        return None if digests is None else count - len(set(digests))

    def shared(self, other, count):
        """How many of the first images are, bit for bit, among another side's.

        None where the images of either were not looked at.
        """
        ours, theirs = self._digests_of(count), other._digests_of(other.count)
        if ours is None or theirs is None:
            return None
        theirs = set(theirs)
        return sum(digest in theirs for digest in ours)

    def _hash(self, count):
        digests = self._digests_of(count)
        if digests is None:
            return None
        return hashlib.sha256(b"".join(digests)).hexdigest()

    def _digests_of(self, count):
        if len(self._digests) < count:
            return None
        return [self._digests[i] for i in range(count)]

    def _extract(self, name, resize, count):
        network = self._networks(name, resize)
        taps = sorted(self._taps[name, resize])
        description = self._description(network, taps, count)
        keeps = not (
            self._statistics is None or description is None or network.is_cheap
        )
        kept = self._statistics.load(description) if keeps else None
        if kept is not None:
            rows = kept.pop("digests")
            self._digests |= dict(enumerate(row.tobytes() for row in rows))
        else:
            parts = []
            what = f"{self.source.name} {self.split or ''}".strip()
            for done, images in self._parts(count):
                parts.append(network.features(images, taps))
                self._progress(f"{what}: {name}", done, count)
            kept = {
                tap: np.concatenate([part[tap] for part in parts])
                for tap in taps
            }
            if keeps:
                digests = b"".join(self._digests_of(count))
                rows = np.frombuffer(digests, "uint8").reshape(count, -1)
                self._statistics.save(description, digests=rows, **kept)
        for tap in taps:
            if not np.isfinite(kept[tap]).all():
                raise FloatingPointError(
                    f"Features must be finite. Received: NaN in tap {tap!r} of "
                    f"{name!r} on {self.source.name!r}"
                )
            self._features[name, resize, tap] = kept[tap]

    def _description(self, network, taps, count):
        """Under what features are kept; None of what has no fingerprint."""
        if self.source.fingerprint is None:
            return None
        return {
            "format": 2,
            "images": self.source.fingerprint,
            "count": count,
            "of": self.count,
            "taps": taps,
            "features": network.describe(),
        }

    def _parts(self, count):
        """(images until here, uint8 [n, h, w, c]) of the first `count`."""
        if self._pixels is not None and len(self._pixels) >= count:
            for start in range(0, count, _CHUNK):
                stop = min(start + _CHUNK, count)
                yield stop, self._pixels[start:stop]
            return
        kept, size = [], 0
        for start in range(0, count, _CHUNK):
            images = self.source.pixels(
                self.order[start : min(start + _CHUNK, count)]
            )
            for place, image in enumerate(images, start):
                digest = hashlib.blake2b(image.tobytes(), digest_size=16)
                self._digests[place] = digest.digest()
            size += images.nbytes
            if size <= self._keeps:
                kept.append(images)
            yield start + len(images), images
        if size <= self._keeps:
            self._pixels = np.concatenate(kept)
