r"""Dense blocks up and down (after Huang et al. 2017), kept stable by R1.

    kerasgan train --recipe=densenet --total_images=51712
        51,712 images: cfd10k_train 18.8, precision 0.31, recall 0.69,
        coverage 0.29; 397 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)

A starting point of this library's own: no paper trains such a pair.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1608.06993"

    penalty: float = 1.0  # R1's.
    beta_1: float = 0.0
    beta_2: float = 0.99
    latent_size: int = 64
    generator_width: int = 128  # Channels of the generator's smallest grid.
    width: int = 24  # Channels of the discriminator's first layer.
    growth: int = 16  # Channels that a layer adds.
    depth: int = 3  # Layers of a block.

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import densenet

        blocks = {"growth": self.growth, "depth": self.depth}
        gan = GANModel(
            densenet.Generator(
                image_shape,
                latent_size=self.latent_size,
                width=self.generator_width,
                **blocks,
            ),
            densenet.Discriminator(image_shape, width=self.width, **blocks),
        )
        return self.compile(gan)

    def regularizers(self):
        from kerasgan.regularizers import R1

        return [R1(self.penalty)]
