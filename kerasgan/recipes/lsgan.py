"""LSGAN (Mao et al. 2017): DCGAN's networks under the least squares loss.

kerasgan train --recipe=lsgan
    not measured yet
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    paper = "https://arxiv.org/abs/1611.04076"

    loss: str = "least_squares"
