"""What is in a set of images, before days are spent on training with it."""

import collections
import dataclasses
import hashlib
import json

import numpy as np

from kerasgan.data import decoding

ALL_UP_TO = 60_000  # Of larger sets, and slower ones, a sample is looked at.
SAMPLE = 20_000
NEAR_CONSTANT_STD = 2.0  # Of 255.

_THUMBNAIL_PX = 16
_COMPONENTS = 16
_FEWEST = 20  # Images; among fewer, none is called unlike the others.
# Robust deviations of the log distance. Found on digits, clothes, faces and
# photos: up to 4 for the oddest of the images, 3.6 to 12 for images planted
# among them (inverted, black, white, noise).
_OUTLYING = 3.5
_SHOWN = 5
_CHUNK_BYTES = 2**25


@dataclasses.dataclass(frozen=True)
class Report:
    """Facts about the images; `str` of it is a page to read.

    Items are named by their files where they are files, or else by index.

    Attributes:
        sizes: Before preparation: `{"min": (h, w), "median": (h, w), "max":
            (h, w), "distinct": number}`; min and max of each side by itself.
        modes: Pillow's colour modes, before preparation -> images.
        unreadable: (name, reason) of every item that is left out.
        duplicates: Groups of names of images equal to the last bit.
        near_constant: Names of images of (nearly) one colour.
        outliers: (name, distance) of those unlike all others, farthest first.
        class_counts: Class -> images, or None without labels.
        examined: Images that pixels were looked at of.
    """

    name: str
    count: int
    image_shape: tuple
    sizes: dict
    modes: dict
    unreadable: tuple
    duplicates: tuple
    near_constant: tuple
    outliers: tuple
    class_counts: dict | None
    examined: int

    def to_dict(self):
        """As dicts, lists, strings and numbers only."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def to_json(self, indent=2):
        return json.dumps(self.to_dict(), indent=indent)

    def __str__(self):
        rows = [
            ("images", f"{self.count:,}"),
            ("prepared as", _by(self.image_shape)),
            ("found sizes", f"{self._sizes_text()} (height x width)"),
            ("found colours", _counts_text(self.modes)),
            ("classes", self._classes_text()),
            ("unreadable", self._unreadable_text()),
        ]
        if self.examined < self.count:
            rows += [("examined", f"a sample of {self.examined:,} images")]
        rows += [
            ("duplicates", self._duplicates_text()),
            ("near constant", _names_text(self.near_constant)),
            ("outliers", _names_text([name for name, _ in self.outliers])),
        ]
        lines = [f"data  {self.name}"]
        lines += [f"  {title:<14} {text}" for title, text in rows]
        return decoding.printable("\n".join(lines))

    def _sizes_text(self):
        if self.sizes["distinct"] == 1:
            return _by(self.sizes["min"])
        return (
            f"{_by(self.sizes['min'])} to {_by(self.sizes['max'])}, median "
            f"{_by(self.sizes['median'])}, {self.sizes['distinct']:,} sizes"
        )

    def _classes_text(self):
        if self.class_counts is None:
            return "no labels"
        counts = self.class_counts.values()
        text = f"{len(counts):,}, of {min(counts):,} to {max(counts):,} images"
        if len(counts) <= 2 * _SHOWN:
            text += f": {_counts_text(self.class_counts)}"
        return text

    def _unreadable_text(self):
        return _names_text(
            [f"{name} ({reason})" for name, reason in self.unreadable]
        )

    def _duplicates_text(self):
        if not self.duplicates:
            return "none"
        copies = sum(len(group) - 1 for group in self.duplicates)
        groups = [" = ".join(_shown(group)) for group in self.duplicates]
        return f"{copies:,} copies of others: {'; '.join(_shown(groups))}"


def make_report(data, found):
    """ImageData, and what its loading found -> Report."""
    indices = _indices(data)
    seen = [_look(data.pixels(part)) for part in _parts(data, indices)]
    digests = [digest for part in seen for digest in part[0]]
    deviations = np.concatenate([part[1] for part in seen])
    thumbnails = np.concatenate([part[2] for part in seen])
    names = data.item_names or tuple(str(i) for i in range(data.count))
    names = [names[index] for index in indices]
    return Report(
        name=data.name,
        count=data.count,
        image_shape=data.image_shape,
        sizes=_sizes(found),
        modes=found.modes,
        unreadable=data.unreadable,
        duplicates=_duplicates(digests, names),
        near_constant=tuple(
            names[place]
            for place in np.flatnonzero(deviations < NEAR_CONSTANT_STD)
        ),
        outliers=_outliers(thumbnails, names),
        class_counts=_class_counts(found),
        examined=len(indices),
    )


def _indices(data):
    limit = ALL_UP_TO if data.in_memory else SAMPLE
    if data.count <= limit:
        return np.arange(data.count)
    chosen = np.random.default_rng(0).choice(data.count, SAMPLE, replace=False)
    return np.sort(chosen)


def _parts(data, indices):
    step = max(1, _CHUNK_BYTES // int(np.prod(data.image_shape)))
    for start in range(0, len(indices), step):
        yield indices[start : start + step]


def _look(pixels):
    """uint8 [n, h, w, c] -> digests, deviations [n], thumbnails [n, size]."""
    digests = [
        hashlib.blake2b(image, digest_size=16).digest() for image in pixels
    ]
    values = pixels.astype("float32")
    # A picture of one strong colour is constant in each of its channels.
    deviations = values.std(axis=(1, 2)).max(axis=-1)
    rows = _averaging(pixels.shape[1])
    columns = _averaging(pixels.shape[2])
    thumbnails = np.einsum(
        "rh,nhwc,sw->nrsc", rows, values, columns, optimize=True
    )
    return digests, deviations, thumbnails.reshape(len(pixels), -1)


def _averaging(size):
    """float32 [thumbnail size, size]: means of equal parts of an axis."""
    parts = min(size, _THUMBNAIL_PX)
    edges = np.arange(parts + 1) * size / parts
    places = np.arange(size)
    overlap = np.minimum(edges[1:, None], places + 1) - np.maximum(
        edges[:-1, None], places
    )
    return (np.clip(overlap, 0, 1) * parts / size).astype("float32")


def _duplicates(digests, names):
    groups = collections.defaultdict(list)
    for digest, name in zip(digests, names, strict=True):
        groups[digest].append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _outliers(thumbnails, names):
    """Far from the rest along the main directions, or far outside of them.

    Median and median deviation, not mean and variance, which the outliers
    themselves would move.
    """
    from sklearn.decomposition import PCA

    if len(thumbnails) < _FEWEST or thumbnails.std(axis=0).max() == 0:
        return ()
    components = min(_COMPONENTS, thumbnails.shape[1], len(thumbnails) // 4)
    pca = PCA(components, svd_solver="randomized", random_state=0)
    places = pca.fit_transform(thumbnails)
    rest = thumbnails - pca.inverse_transform(places)
    residual = np.sqrt((rest**2).mean(axis=1, keepdims=True))
    scores = _robust_scores(np.concatenate([places, residual], axis=1), 1.0)
    distances = np.sqrt((scores**2).mean(axis=1))
    # The logarithm, since distances of ordinary images have a long tail.
    logarithms = np.log(np.maximum(distances, 1e-3))[:, None]
    beyond = _robust_scores(logarithms, 0.1)[:, 0]
    order = np.argsort(-beyond, kind="stable")
    return tuple(
        (names[place], round(float(beyond[place]), 1))
        for place in order[: 2 * _SHOWN]
        if beyond[place] > _OUTLYING
    )


def _robust_scores(values, smallest_scale):
    """[n, k] -> distances from each column's median in robust deviations."""
    deviations = values - np.median(values, axis=0)
    scale = 1.4826 * np.median(np.abs(deviations), axis=0)
    # Where most images are alike, the smallest difference is no outlier.
    return deviations / np.maximum(scale, smallest_scale)


def _sizes(found):
    sides = np.stack([found.heights, found.widths], axis=1)
    return {
        "min": tuple(sides.min(axis=0).tolist()),
        "median": tuple(np.median(sides, axis=0).astype(int).tolist()),
        "max": tuple(sides.max(axis=0).tolist()),
        "distinct": len(np.unique(sides, axis=0)),
    }


def _class_counts(found):
    if found.labels is None:
        return None
    counts = np.bincount(found.labels, minlength=found.classes).tolist()
    names = found.class_names or tuple(str(i) for i in range(len(counts)))
    return dict(zip(names, counts, strict=True))


def _by(sides):
    return "x".join(f"{side}" for side in sides)


def _shown(names):
    more = ["..."] if len(names) > _SHOWN else []
    return [*names[:_SHOWN], *more]


def _names_text(names):
    if not names:
        return "none"
    return f"{len(names):,}: {', '.join(_shown(names))}"


def _counts_text(counts):
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
