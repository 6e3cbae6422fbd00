r"""SNGAN (Miyato et al. 2018): spectral norm, and no penalty.

    kerasgan train --recipe=sngan --data=fashion_mnist \
        --data_dir=D --total_images=135296
        135,296 images: cfd10k_train 72.1, precision 0.72, recall 0.65,
        coverage 0.38; 324 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=sngan --data=cifar10 --data_dir=D \
        --set=width=128 --set=generator_width=256 --set=latent_size=128 \
        --set=discriminator_steps=5 --set=batch_size=320 \
        --set=generator_learning_rate=2e-4 \
        --set=discriminator_learning_rate=2e-4 --set=beta_2=0.9 \
        --set=total_images=32000000 \
        --set=rate_decay_images=32000000
        the paper's setting, not measured yet; the paper: FID 21.7
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1802.05957"

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

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import sngan

        gan = GANModel(
            sngan.Generator(
                image_shape,
                latent_size=self.latent_size,
                width=self.generator_width or self.width,
            ),
            sngan.Discriminator(image_shape, width=self.width),
        )
        return self.compile(gan)
