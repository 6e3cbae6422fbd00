r"""SAGAN (Zhang et al. 2019): attention, and spectral norm on both sides.

    kerasgan train --recipe=sagan --total_images=110464
        110,464 images: cfd10k_train 40.7, precision 0.33, recall 0.67,
        coverage 0.26; 446 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=sagan --data=imagenet2012 --data_dir=D \
        --size=128 --set=width=64 --set=max_width=1024 \
        --set=attention_px=32 --set=smallest_px=4 --set=last_blocks=1 \
        --set=latent_size=128 --set=batch_size=256 \
        --set=generator_learning_rate=1e-4 \
        --set=discriminator_learning_rate=4e-4 \
        --set=total_images=256000000
        the paper's setting, not measured yet; the paper: FID 18.65
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1805.08318"
    conditional = True

    loss: str = "hinge"
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 8e-4
    beta_1: float = 0.0
    beta_2: float = 0.9
    latent_size: int = 64
    width: int = 24  # Channels of the largest stages.
    max_width: int | None = None  # They double up to it with smaller sizes.
    attention_px: int = 16
    smallest_px: int = 8
    last_blocks: int = 2

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import sagan

        shared = {
            "width": self.width,
            "max_width": self.max_width,
            "attention_px": self.attention_px,
            "classes": classes,
        }
        gan = GANModel(
            sagan.Generator(
                image_shape, latent_size=self.latent_size, **shared
            ),
            sagan.Discriminator(
                image_shape,
                smallest_px=self.smallest_px,
                last_blocks=self.last_blocks,
                **shared,
            ),
        )
        return self.compile(gan)
