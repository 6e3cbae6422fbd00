r"""WGAN (Arjovsky et al. 2017): DCGAN's networks, weights clipped.

    kerasgan train --recipe=wgan
        500,160 images: cfd10k_train 7.83, precision 0.34, recall 0.86,
        coverage 0.41; 5,432 images/s

Seed 0, two CPU cores, `benchmarks/recipes.py`.

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
