r"""Conditional GAN (Mirza and Osindero 2014): both networks see the label.

    kerasgan train --recipe=cgan
        400,000 images: cfd10k_train 1.93, precision 0.90, recall 0.55,
        coverage 0.88; 3,090 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`.
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
