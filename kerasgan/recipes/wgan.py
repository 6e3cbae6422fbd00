r"""WGAN (Arjovsky et al. 2017): DCGAN's networks, weights clipped.

    kerasgan train --recipe=wgan
        500,160 images: fidelity 1.40, coverage 1.26,
        9.9 of 10 classes; 7,080 images/s
    kerasgan train --recipe=wgan --data=fashion_mnist \
        --data_dir=D --total_images=500000
        500,160 images: fidelity 1.56, coverage 1.48,
        9.7 of 10 classes; 1,493 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`, which explains the figures.

As in the paper, RMSprop, and five discriminator updates for each of the
generator's.
"""

import dataclasses

from kerasgan.recipes import dcgan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(dcgan.Recipe):
    paper = "https://arxiv.org/abs/1701.07875"

    loss: str = "wasserstein"
    clip: float = 0.01  # Weights of the discriminator stay within it.
    batch_size: int = 320
    discriminator_steps: int = 5
    optimizer: str = "rmsprop"
    generator_learning_rate: float = 5e-4  # The paper's 5e-5 takes longer.
    discriminator_learning_rate: float = 5e-4
    total_images: int = 500_000

    def regularizers(self):
        from kerasgan.regularizers import WeightClipping

        return [WeightClipping(self.clip)]
