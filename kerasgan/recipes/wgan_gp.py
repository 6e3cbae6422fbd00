r"""WGAN-GP (Gulrajani et al. 2017): ResNets, and gradients of length one.

    kerasgan train --recipe=wgan_gp
        250,080 images: cfd10k_train 9.1, precision 0.39, recall 0.83,
        coverage 0.51; 1,376 images/s
    kerasgan train --recipe=wgan_gp --data=fashion_mnist \
        --data_dir=D --total_images=94656
        94,720 images: cfd10k_train 97.7, precision 0.70, recall 0.50,
        coverage 0.29; 246 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1704.00028"

    loss: str = "wasserstein"
    penalty: float = 10.0
    batch_size: int = 160
    discriminator_steps: int = 5
    generator_learning_rate: float = 5e-4
    discriminator_learning_rate: float = 5e-4
    beta_1: float = 0.0
    beta_2: float = 0.9
    latent_size: int = 64
    width: int = 24
    dropout: float = 0.0

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import resnet

        gan = GANModel(
            resnet.Generator(
                image_shape, latent_size=self.latent_size, width=self.width
            ),
            resnet.Discriminator(
                image_shape, width=self.width, dropout=self.dropout
            ),
        )
        return self.compile(gan)

    def regularizers(self):
        from kerasgan.regularizers import GradientPenalty

        return [GradientPenalty(self.penalty)]
