r"""LSGAN (Mao et al. 2017): DCGAN's networks under the least squares loss.

    kerasgan train --recipe=lsgan
        250,048 images: cfd10k_train 3.18, precision 0.59, recall 0.78,
        coverage 0.77; 2,705 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`.
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    paper = "https://arxiv.org/abs/1611.04076"

    loss: str = "least_squares"
