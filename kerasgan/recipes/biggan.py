r"""BigGAN (Brock et al. 2019): large batches, shared labels, split latents.

    kerasgan train --recipe=biggan --total_images=232320
        232,320 images: cfd10k_train 6.66, precision 0.70, recall 0.27,
        coverage 0.57; 1,329 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=biggan --data=imagenet2012 --data_dir=D \
        --size=128 --set=width=96 --set=latent_size=120 \
        --set=label_width=128 --set=batch_size=2048 \
        --set=gradient_accumulation_steps=8 \
        --set=generator_learning_rate=1e-4 \
        --set=discriminator_learning_rate=4e-4 --set=beta_2=0.999 \
        --set=epsilon=1e-6 \
        --set=ema_half_life_images=14000000 --set=total_images=307200000
        BigGAN-PyTorch's setting, not measured yet; its log: IS 97.35
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1809.11096"
    conditional = True

    loss: str = "hinge"
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 4e-4
    beta_1: float = 0.0
    beta_2: float = 0.999
    latent_size: int = 64
    width: int = 16  # Channels of the largest stages.
    max_width: int | None = None  # None is 16 times as many.
    label_width: int = 16  # Numbers of a label's embedding.

    def build(self, image_shape, classes):
        from kerasgan.models import biggan

        return self.of_family(biggan, image_shape, classes)

    def of_family(self, family, image_shape, classes):
        """As `build`, with the networks of a module."""
        from kerasgan import GANModel

        shared = {
            "width": self.width,
            "max_width": self.max_width,
            "classes": classes,
        }
        gan = GANModel(
            family.Generator(
                image_shape,
                latent_size=self.latent_size,
                shared_size=self.label_width,
                **shared,
            ),
            family.Discriminator(image_shape, **shared),
        )
        return self.compile(gan)
