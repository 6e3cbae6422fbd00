"""The same seeded images as a folder of JPEGs, a zip, a tfds dataset, arrays."""

import pathlib
import zipfile

import numpy as np
from PIL import Image

SMALLEST_PX, LARGEST_PX = 64, 96


def folder(root, count, seed=0):
    """Writes `count` JPEGs of 64 to 96 px below root, once -> their folder."""
    path = pathlib.Path(root) / f"jpegs{count}"
    if not path.exists():
        part = path.with_suffix(".part")
        part.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        for index in range(count):
            _picture(rng).save(part / f"{index:06d}.jpg", quality=90)
        part.rename(path)
    return path


def _picture(rng):
    """Smooth colours with some noise: a JPEG of it weighs about 3 kB."""
    height, width = rng.integers(SMALLEST_PX, LARGEST_PX + 1, 2)
    colours = rng.integers(0, 256, (8, 8, 3), "uint8")
    smooth = Image.fromarray(colours).resize(
        (int(width), int(height)), Image.Resampling.BICUBIC
    )
    noise = rng.integers(-12, 13, (height, width, 3))
    pixels = np.asarray(smooth, "int16") + noise
    return Image.fromarray(pixels.clip(0, 255).astype("uint8"))


def archive(images):
    """A folder of images -> a zip of them beside it, made once."""
    path = images.with_suffix(".zip")
    if not path.exists():
        part = path.with_suffix(".part")
        with zipfile.ZipFile(part, "w") as opened:
            for file in sorted(images.iterdir()):
                opened.write(file, file.name)
        part.rename(path)
    return path


def tfds_dataset(images):
    """A folder of images -> (name, data_dir) of a dataset of them, made once."""
    import tensorflow_datasets as tfds

    class BenchJpegs(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {"image": tfds.features.Image(shape=(None, None, 3))}
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for index, file in enumerate(sorted(images.iterdir())):
                yield index, {"image": str(file)}

    data_dir = images.with_suffix(".tfds")
    BenchJpegs(data_dir=data_dir).download_and_prepare()
    return "bench_jpegs", data_dir


def arrays(images, size):
    """A folder of images -> uint8 [n, size, size, 3]."""
    pixels = []
    for file in sorted(images.iterdir()):
        with Image.open(file) as image:
            pixels.append(np.asarray(image.resize((size, size))))
    return np.stack(pixels)
