r"""The first GAN (Goodfellow et al. 2014): two multilayer perceptrons.

    kerasgan train --recipe=gan
        250,048 images: fidelity 1.23, coverage 1.15,
        8.1 of 10 classes; 4,608 images/s
    kerasgan train --recipe=gan --data=fashion_mnist \
        --data_dir=D --total_images=400000
        400,000 images: fidelity 1.16, coverage 1.25,
        9.6 of 10 classes; 3,262 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`, which explains the figures.
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
