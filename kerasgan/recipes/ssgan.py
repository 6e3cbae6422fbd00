r"""SSGAN (Chen et al. 2019): the discriminator also tells rotations.

    kerasgan train --recipe=ssgan --total_images=170880
        170,880 images: cfd10k_train 6.06, precision 0.40, recall 0.70,
        coverage 0.48; 864 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=ssgan --data=cifar10 --data_dir=D \
        --set=width=128 --set=generator_width=256 --set=latent_size=128 \
        --set=discriminator_steps=2 --set=batch_size=128 \
        --set=generator_learning_rate=2e-4 \
        --set=discriminator_learning_rate=2e-4 \
        --set=total_images=12800000 \
        --set=rate_decay_images=12800000
        torch-mimicry's setting, not measured yet
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1811.11212"

    loss: str = "hinge"
    generator_learning_rate: float = 5e-4
    discriminator_learning_rate: float = 5e-4
    beta_1: float = 0.0
    beta_2: float = 0.9
    batch_size: int = 128
    discriminator_steps: int = 2
    latent_size: int = 64
    width: int = 24  # Channels of the discriminator.
    generator_width: int | None = None  # None: as wide.
    generator_rotation: float = 0.2  # Weights of the rotations' losses.
    discriminator_rotation: float = 1.0

    def build(self, image_shape, classes):
        from kerasgan import SelfSupervisedGANModel
        from kerasgan.models import sngan

        gan = SelfSupervisedGANModel(
            sngan.Generator(
                image_shape,
                latent_size=self.latent_size,
                width=self.generator_width or self.width,
            ),
            sngan.Discriminator(image_shape, width=self.width, rotations=True),
        )
        weights = {
            "generator_rotation": self.generator_rotation,
            "discriminator_rotation": self.discriminator_rotation,
        }
        return self.compile(gan, term_weights=weights)
