"""SelfSupervisedGANModel: the discriminator tells how images are turned."""

import keras
from keras import ops

from kerasgan import losses
from kerasgan.training.gan import GANModel


@keras.saving.register_keras_serializable(package="kerasgan.self_supervised")
class SelfSupervisedGANModel(GANModel):
    """A `GANModel` with rotations, so that the discriminator forgets less.

    A quarter of the images each is turned by 0, 90, 180 and 270 degrees. The
    discriminator learns from real images to tell by how much, the generator
    to make images of which it can tell. An augmenter that turns images, such as
    ADA's "bgc", hides it from them. Chen et al. 2019, SSGAN, section 3,
    https://arxiv.org/abs/1811.11212. Logits are of images that are not turned.

    The term "<player>_rotation" weighs 1 for the discriminator and 0.2 for
    the generator, the paper's beta and alpha.

    Images are square, and `heads` of the discriminator has "rotations", 4
    logits for each: `models.sngan.Discriminator(rotations=True)`.

    Args:
        **kwargs: Those of `GANModel`.
    """

    default_term_weights = {
        **GANModel.default_term_weights,
        "generator_rotation": 0.2,
    }

    def __init__(self, generator, discriminator, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        if len(self.sample_shape) != 3 or len(set(self.sample_shape[:2])) > 1:
            raise ValueError(
                "Images must be square, to be turned. Received: a generator "
                f"of {self.sample_shape}"
            )

    def discriminator_objective(self, batch):
        batch = self._judged(batch)
        terms = super().discriminator_objective(batch)
        return terms | self._rotation(batch.real, batch)

    def generator_objective(self, batch):
        batch = self._judged(batch)
        terms = super().generator_objective(batch)
        return terms | self._rotation(batch.fake, batch)

    def _judged(self, batch):
        return super()._judged(batch) if batch.fake is None else batch

    def _rotation(self, images, batch):
        turned, turns = turn(images)
        heads = self._heads(turned, batch, "turned")
        if "rotations" not in heads:
            raise ValueError(
                "`heads` of the discriminator must have 'rotations', such as "
                "those of `sngan.Discriminator(rotations=True)`. Received: "
                f"{', '.join(heads)}"
            )
        return {
            "rotation": losses.classification(
                labels=turns, logits=heads["rotations"]
            )
        }


def turn(images):
    """Square images [n, s, s, c] -> turned by quarters, and how many int [n].

    Image i by floor(4 i / n), counterclockwise.
    """
    rows = ops.shape(images)[0]
    turns = 4 * ops.arange(rows, dtype="int32") // rows
    places = ops.reshape(turns, (-1, 1, 1, 1))
    turned, result = images, images
    for quarters in range(1, 4):
        turned = ops.flip(ops.transpose(turned, (0, 2, 1, 3)), axis=1)
        result = ops.where(ops.equal(places, quarters), turned, result)
    return result, turns
