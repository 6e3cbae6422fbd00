r"""Progressive GAN (Karras et al. 2018): small images first, then larger ones.

    kerasgan train --recipe=progan --total_images=65024
        65,024 images: cfd10k_train 33.3, precision 0.28, recall 0.57,
        coverage 0.23; 579 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=progan --data=D/celeba_hq --size=1024 \
        --batch_size=16 --total_images=12000000 --set=flip=true \
        --set=latent_size=512 --set=width=16 --set=max_width=512 \
        --set=epsilon=1e-8 \
        --set=stable_images=600000 --set=fade_images=600000
        The paper's settings for CelebA-HQ; not measured yet. The Fréchet
        distance there, as StyleGAN's authors measured it (their table 1), is
        7.79.

Differs from the paper: one size of batches for all levels, and optimizers keep
their moments when a stage joins, where the authors' code begins them anew.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1710.10196"

    loss: str = "wasserstein"
    penalty: float = 10.0
    drift: float = 0.001  # Of real logits from 0, squared; 0 leaves it out.
    batch_size: int = 32
    generator_learning_rate: float = 1e-3
    discriminator_learning_rate: float = 1e-3
    beta_1: float = 0.0
    beta_2: float = 0.99
    ema_half_life_images: int = 10_000
    latent_size: int = 64
    width: int = 16  # Channels at the image's own size.
    max_width: int = 64
    group_size: int = 4  # Images that the discriminator compares.
    stable_images: int = 20_000  # For each level, before the next one fades in
    fade_images: int = 20_000  # for so long.

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import progan
        from kerasgan.schedules import Growth

        widths = {"width": self.width, "max_width": self.max_width}
        generator = progan.Generator(
            image_shape, latent_size=self.latent_size, **widths
        )
        gan = GANModel(
            generator,
            progan.Discriminator(
                image_shape, group_size=self.group_size, **widths
            ),
        )
        growth = Growth(
            len(generator.stages) - 1,
            stable_images=self.stable_images,
            fade_images=self.fade_images,
        )
        drift = {"discriminator_drift": self.drift} if self.drift else None
        return self.compile(
            gan, schedules={"level": growth}, term_weights=drift
        )

    def regularizers(self):
        from kerasgan.regularizers import GradientPenalty

        return [GradientPenalty(self.penalty)]
