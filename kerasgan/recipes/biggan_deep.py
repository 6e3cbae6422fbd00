r"""BigGAN-deep (Brock et al. 2019, appendix B): twice the blocks, bottlenecks.

    kerasgan train --recipe=biggan_deep --total_images=159936
        159,936 images: cfd10k_train 24.9, precision 0.43, recall 0.24,
        coverage 0.33; 676 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)
    kerasgan train --recipe=biggan_deep --data=imagenet2012 --data_dir=D \
        --size=128 --set=width=128 --set=latent_size=128 \
        --set=label_width=128 --set=batch_size=2048 \
        --set=gradient_accumulation_steps=8 \
        --set=generator_learning_rate=1e-4 \
        --set=discriminator_learning_rate=4e-4 --set=beta_2=0.999 \
        --set=epsilon=1e-6 \
        --set=ema_half_life_images=14000000 --set=total_images=307200000
        the widths of the paper's table, the rest as for `biggan`; not
        measured yet
"""

import dataclasses

from kerasgan.recipes import biggan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(biggan.Recipe):
    def build(self, image_shape, classes):
        from kerasgan.models import biggan_deep

        return self.of_family(biggan_deep, image_shape, classes)
