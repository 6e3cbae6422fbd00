r"""StyleGAN3-T (Karras et al. 2021): details move with what they are of.

    kerasgan train --recipe=stylegan3 --total_images=12096
        12,096 images: cfd10k_train 224, precision 0.04, recall 0.00,
        coverage 0.02; 61 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=stylegan3 --data=D/ffhqu --size=256 --set=flip=true \
        --total_images=25000000 --set=width=64 --set=max_width=512 \
        --set=discriminator_width=64 --set=latent_size=512 \
        --set=style_size=512 --set=depth=14 --set=critical_layers=2 \
        --set=margin_px=10 --set=penalty=1 --set=batch_size=64 \
        --set=discriminator_learning_rate=2.5e-3 \
        --set=ema_half_life_images=20000 --set=epsilon=1e-8
        StyleGAN3-T's settings for FFHQ-U at 256 px; not measured yet. For R,
        width=128, max_width=1024, discriminator_max_width=512, kernel_size=1
        and radial=true. At 1024 px half the widths, batch_size=32, penalty=32
        and discriminator_learning_rate=2e-3.

The paper's Fréchet distances are of 1024 px (table 1): on FFHQ-U 3.67 for T and
3.66 for R.

Differs from the paper: R's discriminator sees no blurred images at first.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/2106.12423"

    batch_size: int = 32
    generator_learning_rate: float = 2.5e-3
    discriminator_learning_rate: float = 2e-3
    beta_1: float = 0.0
    beta_2: float = 0.99
    penalty: float = 0.5  # R1's weight, the paper's gamma.
    penalty_every: int = 16  # Steps.
    ema_half_life_images: int = 10_000
    latent_size: int = 64
    style_size: int = 64
    width: int = 16  # Channels at the image's own cutoff frequency.
    max_width: int = 64
    depth: int = 6  # Layers, without the one that draws the image.
    critical_layers: int = 1
    margin_px: int = 4
    kernel_size: int = 3
    radial: bool = False
    discriminator_width: int = 16
    discriminator_max_width: int | None = None  # None: `max_width`.
    group_size: int = 4

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import stylegan3

        gan = GANModel(
            stylegan3.Generator(
                image_shape,
                latent_size=self.latent_size,
                style_size=self.style_size,
                width=self.width,
                max_width=self.max_width,
                depth=self.depth,
                critical_layers=self.critical_layers,
                margin_px=self.margin_px,
                kernel_size=self.kernel_size,
                radial=self.radial,
            ),
            stylegan3.Discriminator(
                image_shape,
                width=self.discriminator_width,
                max_width=self.discriminator_max_width or self.max_width,
                group_size=self.group_size,
            ),
        )
        return self.compile(gan)

    def regularizers(self):
        from kerasgan.regularizers import R1

        return [R1(self.penalty, every=self.penalty_every)]
