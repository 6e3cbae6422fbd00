r"""DCGAN (Radford et al. 2015): convolutions and batch norm on both sides.

    kerasgan train --recipe=dcgan
        250,048 images: cfd10k_train 3.33, precision 0.59, recall 0.77,
        coverage 0.78; 2,723 images/s
    kerasgan train --recipe=dcgan --data=fashion_mnist \
        --data_dir=D --total_images=209664
        209,664 images: cfd10k_train 50.6, precision 0.68, recall 0.77,
        coverage 0.49; 441 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1511.06434"

    conditioning = "concatenation"  # How the discriminator uses labels.

    latent_size: int = 64
    width: int = 64  # Channels of the stage next to the image.
    dropout: float = 0.0

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import dcgan

        gan = GANModel(
            dcgan.Generator(
                image_shape,
                latent_size=self.latent_size,
                width=self.width,
                classes=classes,
            ),
            dcgan.Discriminator(
                image_shape,
                width=self.width,
                dropout=self.dropout,
                classes=classes,
                conditioning=self.conditioning,
            ),
        )
        return self.compile(gan)
