"""Label losses: what both players learn of labels, beside what is real.

Each reads what the discriminator's `heads` say besides "logits", and gives
terms of a player's loss, one number per example, float32 [batch]. Their weights
are `compile(term_weights={"<player>_<term>": weight})`. Whoever names a class
that is also an input (a projection, a concatenation) needs none of them.
"""

from kerasgan.errors import unknown_name
from kerasgan.label_losses.classification import (
    Classification,
    DiscriminativeClassification,
    Regression,
    TwinClassification,
)
from kerasgan.label_losses.contrast import (
    ConditionalContrast,
    DataToDataCrossEntropy,
)
from kerasgan.label_losses.label_loss import LabelLoss
from kerasgan.label_losses.multi_hinge import MultiHinge

LABEL_LOSSES = {
    "classification": Classification,
    "twin_classification": TwinClassification,
    "discriminative_classification": DiscriminativeClassification,
    "multi_hinge": MultiHinge,
    "conditional_contrast": ConditionalContrast,
    "data_to_data": DataToDataCrossEntropy,
    "regression": Regression,
}


def get(label_loss):
    """A `LabelLoss`, from itself or from its name in `LABEL_LOSSES`."""
    if isinstance(label_loss, LabelLoss):
        return label_loss
    if label_loss not in LABEL_LOSSES:
        raise unknown_name("label_loss", label_loss, LABEL_LOSSES)
    return LABEL_LOSSES[label_loss]()


__all__ = [
    "LABEL_LOSSES",
    "Classification",
    "ConditionalContrast",
    "DataToDataCrossEntropy",
    "DiscriminativeClassification",
    "LabelLoss",
    "MultiHinge",
    "Regression",
    "TwinClassification",
    "get",
]
