"""A torch DataLoader as its guide writes it: reads batches when it is told to.

    python torch_loader.py SOURCE SIZE BATCH_SIZE WORKERS

For each number on stdin it takes so many more batches, and prints their
seconds.
"""

import json
import pathlib
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch.utils import data


class Folder(data.Dataset):
    def __init__(self, path, size):
        self.files = sorted(path.glob("*.jpg"))
        self.size = size

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as file:
            image = file.convert("RGB").resize(
                (self.size, self.size), Image.Resampling.LANCZOS
            )
        return augmented(np.asarray(image))


class Array(data.Dataset):
    def __init__(self, path):
        self.pixels = np.load(path)

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return augmented(self.pixels[index])


def augmented(pixels):
    """uint8 [h, w, c] -> float32 [c, h, w] in [-1, 1], flipped by chance."""
    image = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
    if torch.rand(()) < 0.5:
        image = image.flip(2)
    return image.float() / 127.5 - 1.0


def main(source, size, batch_size, workers):
    path = pathlib.Path(source)
    images = Folder(path, int(size)) if path.is_dir() else Array(path)
    loader = data.DataLoader(
        images,
        batch_size=int(batch_size),
        # Endless: an epoch's end would start new processes.
        sampler=data.RandomSampler(images, replacement=True, num_samples=10**9),
        num_workers=int(workers),
        drop_last=True,
    )
    iterator = iter(loader)
    next(iterator)
    print(json.dumps({"ready": True}), flush=True)
    for batches in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(batches)):
            next(iterator)
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
