"""Image datasets of TensorFlow Datasets, read by index.

TFRecord files have no index; one pass over the lengths makes it. An image is
then decoded as a file's would be, so that memory and disk give the same bits.
"""

import difflib
import hashlib
import io
import mmap
import os
import pathlib
import re
import socket
import struct
import urllib.parse
import urllib.request

import numpy as np
from absl import logging

from kerasgan.data import decoding
from kerasgan.errors import UnknownSplit

_HEADER_BYTES = 12  # Length (8, little endian) and its checksum (4).
_FOOTER_BYTES = 4  # Checksum of the data.


class RecordSource:
    """One split of a prepared dataset."""

    has_names = False

    def __init__(self, name, shards, places, image_key, label_key, features):
        self.name = name
        self.count = len(places)
        self.labels = None
        self.class_names = None
        self.uniform_shape = None
        self._shards = shards
        self._places = places  # Shard, start, length of each record.
        self._image_key = image_key
        shape = features[image_key].shape
        if None not in shape:
            self.uniform_shape = tuple(shape)
        if label_key is not None:
            self._read_labels(label_key, features[label_key].names)

    def item_name(self, index):
        return f"record {index}"

    def header(self, index):
        """The item -> (height, width, is grey)."""
        return decoding.header(io.BytesIO(self._content(index)))

    def image(self, index):
        """The item -> (Pillow image, digest of its bytes)."""
        content = self._content(index)
        digest = hashlib.blake2b(content, digest_size=16).digest()
        return decoding.decode(io.BytesIO(content)), digest

    def _content(self, index):
        values = self._example(index)[self._image_key].bytes_list.value
        if len(values) != 1:
            raise decoding.Unreadable("a record without an image")
        return values[0]

    def _example(self, index):
        import tensorflow as tf

        shard, start, length = self._places[index]
        record = self._shards[shard][start : start + length]
        return tf.train.Example.FromString(record).features.feature

    def _read_labels(self, key, names):
        labels = np.array(
            [
                self._example(index)[key].int64_list.value[0]
                for index in range(self.count)
            ]
        )
        if labels.min() < 0:
            # The usual mark of a test set whose answers are kept secret.
            logging.warning("%s: labels of -1, taken as no labels", self.name)
            return
        self.labels = labels.astype("int32")
        self.class_names = tuple(names)


def dataset(name, split="train", data_dir=None):
    """A dataset by its name in tfds, such as "mnist" or "celeb_a:2.1.0"."""
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        if re.split("[:/]", name)[0] not in known:
            raise _unknown_source(name, data_dir, known) from error
        raise ValueError(
            "`source` must be a version and a configuration that the dataset "
            f"has. Received: source={name!r}. {' '.join(str(error).split())}"
        ) from error
    features = builder.info.features
    image_key, label_key = _keys(name, features)
    if not builder.data_path.exists():
        _prepare(builder)
    try:
        info = builder.info.splits[split]
    except (ValueError, KeyError) as error:
        raise UnknownSplit(
            f"`split` must be one of {', '.join(builder.info.splits)} of "
            f"{name!r}, or a part such as 'train[:80%]'. "
            f"Received: split={split!r}"
        ) from error
    if builder.info.file_format.value != "tfrecord":
        raise ValueError(
            f"{name!r} must be prepared as tfrecord. Received: "
            f"{builder.info.file_format.value} in {builder.data_path}. Prepare "
            "it anew in another `data_dir`"
        )
    shards, places = _index(info.file_instructions)
    return RecordSource(
        builder.name, shards, places, image_key, label_key, features
    )


def _unknown_source(name, data_dir, known):
    nearest = difflib.get_close_matches(name, ["digits", *known], n=3)
    where = "" if data_dir is None else f", nor one in {str(data_dir)!r}"
    return ValueError(
        "`source` must be 'digits', a path that exists, or a dataset of "
        f"TensorFlow Datasets. Received: source={name!r}, which is no path "
        f"that exists and no known dataset{where}"
        + (f". The nearest names: {', '.join(nearest)}" if nearest else "")
    )


def _prepare(builder):
    """Downloads and prepares, or says what can be done instead."""
    try:
        _check_network(builder)
        logging.info("preparing %s in %s", builder.name, builder.data_path)
        builder.download_and_prepare()
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        data_dir = os.fspath(_data_dir(builder))
        raise ValueError(
            f"The dataset {builder.name!r} must be prepared in `data_dir`, or "
            f"be possible to download. Received: data_dir={data_dir!r}, where "
            f"it is not, and: {reason}. Prepare it where there is a network by "
            f"`tfds build {builder.name} --data_dir={data_dir}`, or copy a "
            f"prepared one to {builder.data_path}"
        ) from error


def _check_network(builder):
    """Fails at once where tfds would try again for minutes."""
    downloads = _data_dir(builder) / "downloads"
    hosts = {urllib.parse.urlsplit(url).hostname for url in builder.url_infos}
    at_hand = [downloads.glob("manual/*"), downloads.glob("**/*.INFO")]
    if not hosts or any(map(any, at_hand)) or urllib.request.getproxies():
        return
    for host in sorted(hosts):
        try:
            socket.getaddrinfo(host, None)
            return
        except OSError:
            continue
    raise OSError(f"there is no network that knows {sorted(hosts)[0]}")


def _data_dir(builder):
    # <data_dir>/<name>[/<configuration>]/<version>
    levels = 1 if builder.builder_config is None else 2
    return pathlib.Path(builder.data_path).parents[levels]


def _keys(name, features):
    """The keys of the image, and of the label or None."""
    import tensorflow_datasets as tfds

    images = [
        key
        for key, feature in getattr(features, "items", dict)()
        if isinstance(feature, tfds.features.Image)
    ]
    if not images:
        raise ValueError(
            "`source` must be an image dataset. Received: "
            f"source={name!r}, with the features {features}"
        )
    image_key = "image" if "image" in images else images[0]
    if features[image_key].np_dtype not in (np.uint8, np.uint16):
        raise ValueError(
            "`source` must have images of 8 or 16 bits. Received: "
            f"source={name!r} of {features[image_key].np_dtype}"
        )
    if "label" in features and isinstance(
        features["label"], tfds.features.ClassLabel
    ):
        return image_key, "label"
    return image_key, None


def _index(instructions):
    """The split's records -> memory maps, and int64 [n, 3] places in them."""
    shards, places = [], []
    for shard, instruction in enumerate(instructions):
        with open(instruction.filename, "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        shards.append(content)
        starts = _record_starts(content, instruction.filename)
        first = instruction.skip
        # A negative number takes the rest of the shard.
        last = None if instruction.take < 0 else first + instruction.take
        places += [(shard, *place) for place in starts[first:last]]
    return shards, places


def _record_starts(content, filename):
    """(start, length) of every record's data in a TFRecord file."""
    places = []
    position, end = 0, len(content)
    while position + _HEADER_BYTES <= end:
        (length,) = struct.unpack_from("<Q", content, position)
        start = position + _HEADER_BYTES
        position = start + length + _FOOTER_BYTES
        if position > end:
            break
        places.append((start, length))
    if position != end:
        raise ValueError(
            f"{filename} is cut off or damaged after {len(places):,} records. "
            "Prepare the dataset anew"
        )
    return places
