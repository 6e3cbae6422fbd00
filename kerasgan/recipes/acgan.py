r"""AC-GAN (Odena et al. 2017): the discriminator also names the class.

    kerasgan train --recipe=acgan
        250,048 images: cfd10k_train 2.61, precision 0.88, recall 0.60,
        coverage 0.90; 1,879 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`.

Differs from the paper: no dropout, of which the paper has a half. On these
digits it leaves the discriminator too little to tell by: after 150,016 images
cfd10k_train was 4.98 without, 64 with --set=dropout=0.2.
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    task = "conditional image generation"
    paper = "https://arxiv.org/abs/1610.09585"
    conditional = True
    conditioning = "classification"

    # Weight of what the classifier learns from generated images.
    fake_classification: float = 0.0

    def compile(self, gan, **arguments):
        weights = {
            "discriminator_fake_classification": self.fake_classification
        }
        return super().compile(gan, term_weights=weights, **arguments)
