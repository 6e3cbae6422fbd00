"""UnrolledGANModel: the generator looks some of its opponent's steps ahead."""

import math

import keras

from kerasgan import gradients
from kerasgan.training.gan import GANModel


@keras.saving.register_keras_serializable(package="kerasgan.unrolled")
class UnrolledGANModel(GANModel):
    """A `GANModel` whose generator foresees how the discriminator answers.

    In the generator's update, samples are judged by the discriminator as it
    would be after some steps of gradient descent on its own loss, penalties
    included, over the same batch; their gradients flow through these steps.
    So what all samples have in common is punished before it pays. The
    discriminator itself makes its usual update. Metz et al. 2017, equations 7
    to 11, https://arxiv.org/abs/1611.02163.

    Differs from the paper: its experiments unroll Adam, here it is equation
    7's plain gradient descent; its generator minimises the negative of the
    discriminator's whole loss, here that of `compile`'s `loss`.

    Evaluation judges by the discriminator as it is.

    Args:
        unrolling: How many steps to look ahead; 0 is `GANModel`. A step costs
            about two updates of the discriminator.
        unrolling_rate: Learning rate of these steps.
        **kwargs: Those of `GANModel`.
    """

    def __init__(
        self,
        generator,
        discriminator,
        unrolling=5,
        unrolling_rate=0.02,
        **kwargs,
    ):
        if type(unrolling) is not int or unrolling < 0:
            raise ValueError(
                "`unrolling` must be a number of steps, 0 or more. "
                f"Received: unrolling={unrolling!r}"
            )
        if not 0 < unrolling_rate < math.inf:
            raise ValueError(
                "`unrolling_rate` must be positive. "
                f"Received: unrolling_rate={unrolling_rate!r}"
            )
        super().__init__(generator, discriminator, **kwargs)
        self.unrolling = unrolling
        self.unrolling_rate = unrolling_rate

    def generator_objective(self, batch):
        if not (self.unrolling and batch.training):
            return super().generator_objective(batch)
        # Here, so that what the generator writes is kept.
        batch = self._judged(batch)
        with self._discriminator_with(self._unrolled(batch)):
            return super().generator_objective(batch)

    def get_config(self):
        return {
            **super().get_config(),
            "unrolling": self.unrolling,
            "unrolling_rate": self.unrolling_rate,
        }

    def _judged(self, batch):
        # One that has its generated samples is packed already.
        return super()._judged(batch) if batch.fake is None else batch

    def _unrolled(self, batch):
        """The discriminator's trainable values after the steps ahead."""
        player = {p.name: p for p in self.settings.players}["discriminator"]
        scale = self.settings.loss_scale

        def loss(values):
            with self._discriminator_with(values):
                # The scalar beside them is divided by the replicas.
                _, logs = self._evaluate(player, batch)
            return scale * logs["discriminator_loss"]

        values = tuple(v.value for v in player.variables)
        for _ in range(self.unrolling):
            slopes = gradients.of_inputs(loss, values)
            values = tuple(
                value - self.unrolling_rate / scale * slope
                for value, slope in zip(values, slopes, strict=True)
            )
        return values

    def _discriminator_with(self, values):
        """A scope in which it has these trainable values, and writes nothing."""
        variables = self.discriminator.trainable_variables
        return gradients.without_writes(
            self.discriminator, zip(variables, values, strict=True)
        )
