r"""AC-GAN (Odena et al. 2017): the discriminator also names the class.

    kerasgan train --recipe=acgan
        250,048 images: cfd10k_train 1.88, precision 0.89, recall 0.61,
        coverage 0.92; 2,407 images/s
    kerasgan train --recipe=acgan --data=fashion_mnist --data_dir=D \
        --total_images=100032
        100,032 images: cfd10k_train 32.8; a classifier of its images finds
        0.66 of the test images' classes (cas10k_test), one of real images 0.86

Seed 0, two CPU cores, `benchmarks/recipes.py`.

Differs from the paper: the classifier learns from real images alone; with the
paper's `fake_classification=1` the digits' cfd10k_train was 2.61, and that of
150,016 images of clothes 61.6. No dropout, of which the paper has a half: with
--set=dropout=0.2 the digits' was 64 after 150,016 images.
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
