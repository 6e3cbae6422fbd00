r"""Conditional GAN (Mirza and Osindero 2014): both networks see the label.

    kerasgan train --recipe=cgan
        400,000 images: fidelity 0.93, coverage 0.96,
        10.0 of 10 classes, label accuracy 99.3 %; 4,079 images/s
    kerasgan train --recipe=cgan --data=fashion_mnist \
        --data_dir=D --total_images=400000
        400,000 images: fidelity 1.05, coverage 1.18,
        9.9 of 10 classes, label accuracy 68.4 %; 2,917 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`, which explains the figures.
"""

import dataclasses

from kerasgan.recipes import gan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(gan.Recipe):
    task = "conditional image generation"
    paper = "https://arxiv.org/abs/1411.1784"
    conditional = True

    # A faster or noisier discriminator wins before it looks at the labels.
    discriminator_learning_rate: float = 1e-4
    dropout: float = 0.0
    total_images: int = 400_000
