"""What keeps a network smooth: penalties on it, and limits to it.

A penalty is a term of its player's loss, the discriminator's for most, one
number per example. Those on a discriminator are taken with respect to the
images as they are before any augmentation. Each has a weight, and an interval
`every`: it is computed in every k-th step only, with k times the weight ("lazy
regularization", Karras et al. 2020, section 3.1,
https://arxiv.org/abs/1912.04958). Weights may be schedules.
"""

from kerasgan.regularizers.clipping import WeightClipping
from kerasgan.regularizers.consistency import Consistency
from kerasgan.regularizers.latent_consistency import (
    LatentConsistency,
    LatentDiversity,
)
from kerasgan.regularizers.lecam import LeCam, lecam
from kerasgan.regularizers.orthogonality import Orthogonality
from kerasgan.regularizers.path_length import PathLength, path_lengths
from kerasgan.regularizers.penalties import (
    DRAGAN,
    R1,
    R2,
    GradientPenalty,
    Penalty,
)
from kerasgan.regularizers.regularizer import Regularizer

__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "Consistency",
    "GradientPenalty",
    "LatentConsistency",
    "LatentDiversity",
    "LeCam",
    "Orthogonality",
    "PathLength",
    "Penalty",
    "Regularizer",
    "WeightClipping",
    "lecam",
    "path_lengths",
]
