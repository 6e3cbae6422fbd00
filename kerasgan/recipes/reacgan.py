r"""ReACGAN (Kang et al. 2021): SNGAN's networks, told classes by contrast.

    kerasgan train --recipe=reacgan --total_images=100096
        100,096 images: cfd10k_train 15.2, precision 0.33, recall 0.71,
        coverage 0.32; 2,042 images/s
    kerasgan train --recipe=reacgan --data=fashion_mnist --data_dir=D \
        --total_images=120064
        120,064 images: cfd10k_train 67.6; a classifier of its images finds
        0.45 of the test images' classes (cas10k_test), one of real images 0.86
        (seed 0, two CPU cores, `benchmarks/recipes.py`)

The same networks with other label losses:

    --set=label_loss=conditional_contrast
        ContraGAN (Kang and Park 2020), https://arxiv.org/abs/2006.12681
    --set=label_loss=classification
        AC-GAN (Odena et al. 2017), https://arxiv.org/abs/1610.09585
    --set=label_loss=twin_classification
        TAC-GAN (Gong et al. 2019), https://arxiv.org/abs/1907.02690
    --set=label_loss=discriminative_classification
        ADC-GAN (Hou et al. 2022), https://arxiv.org/abs/2107.10060
    --set=label_loss=multi_hinge
        MHGAN (Kavalerov et al. 2021), https://arxiv.org/abs/1912.04216
    --set=label_loss=none
        labels are projected, and nothing asks for them (Miyato and Koyama
        2018), https://arxiv.org/abs/1802.05637

Differs from the paper: its networks are BigGAN's.
"""

import dataclasses
import typing

from kerasgan.recipes import sngan
from kerasgan.recipes.recipe import BaseRecipe

# Label loss -> what the discriminator tells of labels.
_CONDITIONINGS = {
    "data_to_data": "contrast",
    "conditional_contrast": "contrast",
    "classification": "classification",
    "twin_classification": "twin_classification",
    "discriminative_classification": "discriminative_classification",
    "multi_hinge": "classification",
    "none": "projection",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(sngan.Recipe):
    task = "conditional image generation"
    paper = "https://arxiv.org/abs/2111.01118"
    conditional = True

    label_loss: str = "data_to_data"
    # Of "data_to_data" and "conditional_contrast"; None: 0.5, 1.
    contrast_weight: float | None = None

    _CHOICES: typing.ClassVar[dict] = {
        **BaseRecipe._CHOICES,
        "label_loss": tuple(_CONDITIONINGS),
    }
    _POSITIVE: typing.ClassVar[tuple] = (
        *BaseRecipe._POSITIVE,
        "contrast_weight",
    )

    def __post_init__(self):
        super().__post_init__()
        idle = _CONDITIONINGS[self.label_loss] != "contrast"
        if idle and self.contrast_weight is not None:
            raise ValueError(
                "`contrast_weight` must be None where nothing reads it. "
                f"Received: contrast_weight={self.contrast_weight}, with "
                f"label_loss={self.label_loss!r}"
            )

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import sngan

        conditioning = _CONDITIONINGS[self.label_loss]
        gan = GANModel(
            sngan.Generator(
                image_shape,
                latent_size=self.latent_size,
                width=self.generator_width or self.width,
                classes=classes,
            ),
            sngan.Discriminator(
                image_shape,
                width=self.width,
                classes=classes,
                conditioning=conditioning,
            ),
        )
        arguments = {}
        if conditioning == "contrast":
            weight = self.contrast_weight
            if weight is None:
                weight = {"data_to_data": 0.5}.get(self.label_loss, 1.0)
            arguments["term_weights"] = {
                f"{player}_contrast": weight
                for player in ("generator", "discriminator")
            }
        if conditioning != "projection":
            arguments["label_loss"] = self.label_loss
        return self.compile(gan, **arguments)
