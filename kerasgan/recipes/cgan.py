"""Conditional GAN (Mirza and Osindero 2014): both networks see the label.

kerasgan train --recipe=cgan
    not measured yet
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
