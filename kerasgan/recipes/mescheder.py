r"""Mescheder et al. 2018: residual networks, and R1 alone to keep them stable.

    kerasgan train --recipe=mescheder --total_images=79936
        79,936 images: cfd10k_train 29.2, precision 0.25, recall 0.55,
        coverage 0.21; 479 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)

At 256 px, with the official code's rates and batch, not measured yet:

    kerasgan train --recipe=mescheder --data=D --size=256 --batch_size=64 \
        --set=width=64 --set=max_width=1024 --set=latent_size=256 \
        --set=optimizer=rmsprop --set=rho=0.99 --set=epsilon=1e-16 \
        --set=ema_half_life_images=44000 --set=generator_learning_rate=1e-4 \
        --set=discriminator_learning_rate=1e-4 --total_images=20000000

`penalty` multiplies half the squared gradient, as everywhere here: 20 is the
official code's 10, which multiplies all of it.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1801.04406"

    penalty: float = 20.0
    beta_1: float = 0.0
    beta_2: float = 0.99
    latent_size: int = 64
    width: int = 32  # Channels at the image's own size.
    max_width: int = 64

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import mescheder

        sizes = {
            "width": self.width,
            "max_width": max(self.width, self.max_width),
        }
        gan = GANModel(
            mescheder.Generator(
                image_shape, latent_size=self.latent_size, **sizes
            ),
            mescheder.Discriminator(image_shape, **sizes),
        )
        return self.compile(gan)

    def regularizers(self):
        from kerasgan.regularizers import R1

        return [R1(self.penalty)]
