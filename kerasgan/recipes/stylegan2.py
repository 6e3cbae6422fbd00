r"""StyleGAN2 (Karras et al. 2020), trained as in StyleGAN2-ADA.

ADA itself is for few images: --set=augmenter=ada.

    kerasgan train --recipe=stylegan2 --data=fashion_mnist \
        --data_dir=D --total_images=54720
        54,720 images: cfd10k_train 120, precision 0.80, recall 0.25, coverage
        0.26; 162 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=stylegan2 --data=D/ffhq --size=256 \
        --total_images=25000000 --set=width=64 --set=max_width=512 \
        --set=latent_size=512 --set=style_size=512 --set=mapping_depth=8 \
        --set=batch_size=64 --set=group_size=8 --set=penalty=1.0 \
        --set=ema_half_life_images=20000 --set=epsilon=1e-8 --set=flip=true
        StyleGAN2-ADA's settings for FFHQ at 256 px; not measured yet. R3GAN's
        paper has FID 3.78 for StyleGAN2 there.

`penalty` is for short runs: on Fashion-MNIST (54,720 images, seed 0) 1.0 gave
the cfd10k_train above, and 0.01, which StyleGAN2-ADA has for 32 px and more
than a thousand times as many images, 299. For long runs, where nothing else is
known, it takes 0.0002 * height * width / batch_size.

R1 is computed in every 16th step, path lengths in every 4th, each weighted by
its interval. The official code shrinks Adam's rate and betas by k / (k + 1)
for that; here penalties share the step of the loss.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/1912.04958"

    labels: bool = False  # Whether the networks are told classes.

    batch_size: int = 32
    generator_learning_rate: float = 2.5e-3
    discriminator_learning_rate: float = 2.5e-3
    beta_1: float = 0.0
    beta_2: float = 0.99
    penalty: float = 1.0  # R1's weight, the paper's gamma.
    penalty_every: int = 16  # Steps.
    path_length: float = 2.0  # Its weight; 0 leaves it out.
    path_length_every: int = 4
    latent_size: int = 64
    style_size: int = 64
    width: int = 16  # Channels at the image's own size.
    max_width: int = 64
    mapping_depth: int = 2
    style_mixing: float = 0.9
    group_size: int = 4

    @property
    def conditional(self):
        return self.labels

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import stylegan2

        shared = {
            "width": self.width,
            "max_width": self.max_width,
            "classes": classes,
        }
        # Activations could leave the range of float16.
        clamp = 256.0 if self.mixed_precision == "float16" else None
        gan = GANModel(
            stylegan2.Generator(
                image_shape,
                latent_size=self.latent_size,
                style_size=self.style_size,
                mapping_depth=self.mapping_depth,
                style_mixing=self.style_mixing,
                clamp=clamp,
                **shared,
            ),
            stylegan2.Discriminator(
                image_shape, group_size=self.group_size, clamp=clamp, **shared
            ),
        )
        return self.compile(gan)

    def regularizers(self):
        from kerasgan.regularizers import R1, PathLength

        found = [R1(self.penalty, every=self.penalty_every)]
        if self.path_length:
            found.append(
                PathLength(self.path_length, every=self.path_length_every)
            )
        return found
