r"""AC-GAN (Odena et al. 2017): the discriminator also names the class.

    kerasgan train --recipe=acgan
        250,048 images: fidelity 1.32, coverage 1.29,
        10.0 of 10 classes, label accuracy 99.3 %; 4,037 images/s
    kerasgan train --recipe=acgan --data=fashion_mnist \
        --data_dir=D --total_images=120000
        120,000 images: fidelity 1.39, coverage 1.56,
        9.8 of 10 classes, label accuracy 87.1 %; 715 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`, which explains the figures.
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    task = "conditional image generation"
    paper = "https://arxiv.org/abs/1610.09585"
    conditional = True
    conditioning = "classification"

    dropout: float = 0.5
