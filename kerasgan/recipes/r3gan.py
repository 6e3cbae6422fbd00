r"""R3GAN (Huang et al. 2024): residual networks, pairs, and two penalties.

    kerasgan train --recipe=r3gan --data=fashion_mnist \
        --data_dir=D --total_images=43520
        43,520 images: cfd10k_train 136, precision 0.72, recall 0.32, coverage
        0.24; 152 images/s
        (seed 0, two CPU cores, `benchmarks/recipes.py`)

Rates, penalties and the average's memory change along half a cosine wave, over
`decay_images`. Published for CIFAR-10 with classes, not measured yet (its
paper: FID 1.96 after 250 million images):

    kerasgan train --recipe=r3gan --data=cifar10 --data_dir=D \
        --batch_size=512 --total_images=250000000 --set=labels=true \
        --set=width=768 --set=max_width=768 --set=group_size=16 \
        --set=blocks=2 --set=label_width=768 --set=latent_size=64 \
        --set=generator_learning_rate=2e-4 --set=flip=true \
        --set=discriminator_learning_rate=2e-4 \
        --set=final_learning_rate=5e-5 --set=epsilon=1e-8 \
        --set=penalty=0.05 --set=final_penalty=0.005 \
        --set=final_augmentation=0.55 \
        --set=decay_images=20000000 --set=ema_half_life_images=5000000

At FFHQ's 64 px width=384, batch_size=256, penalty=2, final_penalty=0.2,
final_augmentation=0.3 and ema_half_life_images=500000; at 256 px width=96,
penalty=150 and final_penalty=15. ImageNet: max_width=1536, width=1536,
group_size=32, label_width=1536, batch_size=4096, decay_images=200000000,
ema_half_life_images=50000000, penalty=0.5 (32 px) or 1 (64 px), and a tenth,
final_augmentation=0.5 or 0.4.

Differs from the paper: both players see the same real images in a step.
"""

import dataclasses

from kerasgan.recipes.recipe import BaseRecipe

# Of ADA's operations, those that act as often as it says, and half as often.
_PLACES = (
    "xflip",
    "rotate90",
    "xint",
    "scale",
    "rotate",
    "aniso",
    "xfrac",
    "cutout",
)
_COLOURS = ("brightness", "contrast", "lumaflip", "hue", "saturation")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(BaseRecipe):
    paper = "https://arxiv.org/abs/2501.05441"

    labels: bool = False  # Whether the networks are told classes.

    loss: str = "relativistic"
    penalty: float = 0.05  # Of R1 and of R2, halved; at first.
    final_penalty: float = 0.005
    decay_images: int = 200_000  # Until everything has its final value.
    # Five times the paper's, whose batches are sixteen times as large and
    # sixty times as many: at its rates nothing shows after 43,000 images.
    batch_size: int = 32
    generator_learning_rate: float = 1e-3  # At first.
    discriminator_learning_rate: float = 1e-3
    final_learning_rate: float = 2.5e-4  # Of both.
    beta_1: float = 0.0
    beta_2: float = 0.9  # At first.
    final_beta_2: float = 0.99
    ema_half_life_images: int = 5_000  # At the end; 0 at first.
    final_augmentation: float = 0.0  # ADA's probability then; 0 at first.

    latent_size: int = 64
    width: int = 16  # Channels at the image's own size.
    max_width: int = 64
    group_size: int = 16
    blocks: int = 1  # In each stage.
    label_width: int = 64

    def __post_init__(self):
        super().__post_init__()
        if self.final_augmentation and self.augmenter is not None:
            raise ValueError(
                "`augmenter` must be None where `final_augmentation` names "
                f"the paper's. Received: augmenter={self.augmenter!r}, "
                f"final_augmentation={self.final_augmentation}"
            )

    @property
    def conditional(self):
        return self.labels

    def build(self, image_shape, classes):
        from kerasgan import GANModel
        from kerasgan.models import r3gan

        sizes = {
            "width": self.width,
            "max_width": max(self.width, self.max_width),
            "group_size": self.group_size,
            "blocks": self.blocks,
            "classes": classes,
        }
        gan = GANModel(
            r3gan.Generator(
                image_shape,
                latent_size=self.latent_size,
                # As in every published setting.
                label_width=min(64, self.label_width),
                **sizes,
            ),
            r3gan.Discriminator(
                image_shape, label_width=self.label_width, **sizes
            ),
        )
        rates = {
            "generator_learning_rate": self._over(
                self.generator_learning_rate, self.final_learning_rate
            ),
            "discriminator_learning_rate": self._over(
                self.discriminator_learning_rate, self.final_learning_rate
            ),
            "generator_beta_2": self._over(self.beta_2, self.final_beta_2),
            "discriminator_beta_2": self._over(self.beta_2, self.final_beta_2),
            "ema_half_life_images": self._over(0.0, self.ema_half_life_images),
        }
        return self.compile(gan, **rates)

    def regularizers(self):
        from kerasgan.regularizers import R1, R2

        weight = self._over(self.penalty, self.final_penalty)
        return [R1(weight), R2(weight)]

    def _augmenter(self):
        if not self.final_augmentation:
            return super()._augmenter()
        from kerasgan.augment import ADA

        operations = dict.fromkeys(_PLACES, 1.0) | dict.fromkeys(_COLOURS, 0.5)
        return ADA(
            operations, probability=self._over(0.0, self.final_augmentation)
        )

    def _over(self, start, end):
        from kerasgan.schedules import Cosine

        return Cosine(start, end, over_images=self.decay_images)
