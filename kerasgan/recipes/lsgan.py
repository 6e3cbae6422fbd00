r"""LSGAN (Mao et al. 2017): DCGAN's networks under the least squares loss.

    kerasgan train --recipe=lsgan
        250,048 images: fidelity 1.19, coverage 1.05,
        10.0 of 10 classes; 3,227 images/s
    kerasgan train --recipe=lsgan --data=fashion_mnist \
        --data_dir=D --total_images=120000
        120,000 images: fidelity 1.54, coverage 1.48,
        9.5 of 10 classes; 946 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`, which explains the figures.
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    paper = "https://arxiv.org/abs/1611.04076"

    loss: str = "least_squares"
