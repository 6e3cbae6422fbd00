r"""StyleGAN (Karras et al. 2019): layers scaled by styles, growing.

    kerasgan train --recipe=stylegan --total_images=101408
        101,408 images: cfd10k_train 48, precision 0.35, recall 0.10,
        coverage 0.22; 731 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=stylegan --data=D/ffhq --size=1024 \
        --batch_size=32 --total_images=25000000 --set=flip=true \
        --set=latent_size=512 --set=style_size=512 --set=mapping_width=512 \
        --set=mapping_depth=8 --set=width=16 --set=max_width=512 \
        --set=generator_learning_rate=0.003 \
        --set=discriminator_learning_rate=0.003 --set=penalty=10 \
        --set=epsilon=1e-8 \
        --set=stable_images=600000 --set=fade_images=600000
        The authors' settings for FFHQ; not measured yet. The paper's Fréchet
        distance there is 4.40 (its table 1).

Differs from the paper: one size of batches and one learning rate for all
levels (the authors' are 0.001 below 128 px, 0.0015 there, 0.002 at 256 px), and
optimizers keep their moments when a stage joins.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1812.04948"

    batch_size: int = 32
    # The authors' of large images: at 0.001 digits are blurs after 100,000.
    generator_learning_rate: float = 3e-3
    discriminator_learning_rate: float = 3e-3
    beta_1: float = 0.0
    beta_2: float = 0.99
    penalty: float = 1.0  # R1's weight, the paper's gamma.
    ema_half_life_images: int = 10_000
    latent_size: int = 64
    style_size: int = 64
    mapping_width: int = 64
    mapping_depth: int = 4
    style_mixing: float = 0.9
    width: int = 16  # Channels at the image's own size.
    max_width: int = 64
    group_size: int = 4  # Images that the discriminator compares.
    initial_stages: int = 2  # Of the networks: as in the paper, not just one.
    stable_images: int = 20_000  # For each level, before the next one fades in
    fade_images: int = 20_000  # for so long.

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import stylegan
        from kerasgan.schedules import Growth

        widths = {"width": self.width, "max_width": self.max_width}
        generator = stylegan.Generator(
            image_shape,
            latent_size=self.latent_size,
            style_size=self.style_size,
            mapping_width=self.mapping_width,
            mapping_depth=self.mapping_depth,
            style_mixing=self.style_mixing,
            **widths,
        )
        gan = GANModel(
            generator,
            stylegan.Discriminator(
                image_shape, group_size=self.group_size, **widths
            ),
        )
        growth = Growth(
            max(len(generator.stages) - self.initial_stages, 0),
            stable_images=self.stable_images,
            fade_images=self.fade_images,
        )
        return self.compile(gan, schedules={"level": growth})

    def regularizers(self):
        from kerasgan.regularizers import R1

        return [R1(self.penalty)]
