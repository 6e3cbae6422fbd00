r"""FastGAN (Liu et al. 2021): shallow, gated, and not forgetting.

    kerasgan train --recipe=fastgan --total_images=116544
        116,544 images: cfd10k_train 5.28, precision 0.51, recall 0.75,
        coverage 0.65; 418 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)

At 256 px, not measured yet:

    kerasgan train --recipe=fastgan --data=D --size=256 --batch_size=8 \
        --set=width=32 --set=max_width=1024 --set=latent_size=256 \
        --set=flip=true --set=augmenter=diffaugment --total_images=800000
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/2101.04775"

    loss: str = "hinge"
    latent_size: int = 64
    width: int = 32  # Channels at the image's own size.
    max_width: int = 128

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import fastgan

        limit = max(self.width, self.max_width)
        gan = GANModel(
            fastgan.Generator(
                image_shape,
                latent_size=self.latent_size,
                width=self.width,
                max_width=limit,
            ),
            fastgan.Discriminator(
                image_shape, width=self.width, max_width=min(512, limit)
            ),
        )
        return self.compile(gan)
