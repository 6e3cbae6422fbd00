r"""The first GAN (Goodfellow et al. 2014): two multilayer perceptrons.

    kerasgan train --recipe=gan
        250,048 images: cfd10k_train 45.5, precision 0.54, recall 0.81,
        coverage 0.55; 3,160 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1406.2661"

    latent_size: int = 64
    width: int = 512  # Units of the generator's two hidden layers.
    label_width: int = 128  # Units of the label's own layer, if there is one.
    dropout: float = 0.5

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import gan

        model = GANModel(
            gan.Generator(
                image_shape,
                latent_size=self.latent_size,
                widths=(self.width, self.width),
                label_width=self.label_width,
                classes=classes,
            ),
            gan.Discriminator(
                image_shape, dropout=self.dropout, classes=classes
            ),
        )
        return self.compile(model)
