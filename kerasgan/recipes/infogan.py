r"""InfoGAN (Chen et al. 2016): DCGAN with codes that come to mean something.

    kerasgan train --recipe=infogan --total_images=100032
        100,032 images: cfd10k_train 21.7, precision 0.47, recall 0.42,
        coverage 0.49; 2,334 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)

The last latents are `categories` of a one-hot vector, then `continuous` numbers
in [-1, 1]: `gan.with_codes(latents, ...)` sets them. Labels are not used. Of
the ten values, most come to mean one digit or two that look alike.
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    paper = "https://arxiv.org/abs/1606.03657"

    categories: int = 10  # Of one categorical code.
    continuous: int = 2  # Codes that are numbers.
    # Weights of what the discriminator tells of codes.
    categorical_weight: float = 1.0
    continuous_weight: float = 0.1

    def build(self, image_shape, classes):
        from kerasgan import InfoGANModel
        from kerasgan.models import dcgan

        gan = InfoGANModel(
            dcgan.Generator(
                image_shape, latent_size=self.latent_size, width=self.width
            ),
            dcgan.Discriminator(
                image_shape,
                width=self.width,
                dropout=self.dropout,
                codes=self.categories + self.continuous,
            ),
            categories=(self.categories,),
            continuous=self.continuous,
        )
        kinds = ["categorical"] + ["continuous"] * (self.continuous > 0)
        weights = {
            f"{player}_{kind}_codes": getattr(self, f"{kind}_weight")
            for player in ("generator", "discriminator")
            for kind in kinds
        }
        return self.compile(gan, term_weights=weights)
