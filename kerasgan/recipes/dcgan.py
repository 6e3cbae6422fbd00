"""DCGAN (Radford et al. 2015): convolutions and batch norm on both sides.

kerasgan train --recipe=dcgan
    not measured yet
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1511.06434"

    latent_size: int = 64
    width: int = 64  # Channels of the stage next to the image.
    dropout: float = 0.0

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import dcgan

        gan = GANModel(
            dcgan.Generator(
                image_shape, latent_size=self.latent_size, width=self.width
            ),
            dcgan.Discriminator(
                image_shape, width=self.width, dropout=self.dropout
            ),
        )
        return self.compile(gan)
