"""AC-GAN (Odena et al. 2017): the discriminator also names the class.

kerasgan train --recipe=acgan
    not measured yet
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    task = "conditional image generation"
    paper = "https://arxiv.org/abs/1610.09585"
    conditional = True

    dropout: float = 0.5

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import dcgan

        gan = GANModel(
            dcgan.Generator(
                image_shape,
                latent_size=self.latent_size,
                width=self.width,
                classes=classes,
            ),
            dcgan.Discriminator(
                image_shape,
                width=self.width,
                dropout=self.dropout,
                classes=classes,
                conditioning="classification",
            ),
        )
        return self.compile(gan)
