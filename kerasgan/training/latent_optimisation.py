"""LatentOptimisationGANModel: latents first move to where samples look real."""

import keras
from keras import ops

from kerasgan import gradients, losses, random
from kerasgan.training.gan import GANModel


@keras.saving.register_keras_serializable(
    package="kerasgan.latent_optimisation"
)
class LatentOptimisationGANModel(GANModel):
    """A `GANModel` whose latents take a step up the discriminator's slope.

        z + d,  d = a g / (b + |g|^2),  g = the gradient of D(G(z)) by z

    in both players' updates, whose gradients flow through d as well; the term
    "<player>_latent_step" is |d|^2. LOGAN, Wu et al. 2019, section 4 and
    equation 12, https://arxiv.org/abs/1912.00953. Latents that are uniform stay
    in [-1, 1], as the paper's are, and defaults are those of its DCGAN. An
    update takes about twice the time. Samples, after the training and for the
    average, are of latents as they are drawn.

    Args:
        step_size: a.
        damping: b.
        share: Of the latents that move, in [0, 1]; the others stay.
        **kwargs: Those of `GANModel`.
    """

    default_term_weights = {
        **GANModel.default_term_weights,
        "discriminator_latent_step": 0.1,
        "generator_latent_step": 0.1,
    }

    def __init__(
        self,
        generator,
        discriminator,
        step_size=0.9,
        damping=0.1,
        share=0.8,
        **kwargs,
    ):
        super().__init__(generator, discriminator, **kwargs)
        if not (step_size > 0 and damping > 0 and 0 <= share <= 1):
            raise ValueError(
                "`step_size` and `damping` must be positive, and `share` in "
                f"[0, 1]. Received: step_size={step_size!r}, "
                f"damping={damping!r}, share={share!r}"
            )
        self.step_size = step_size
        self.damping = damping
        self.share = share

    def discriminator_objective(self, batch):
        batch, terms = self._moved(batch)
        return terms | super().discriminator_objective(batch)

    def generator_objective(self, batch):
        batch, terms = self._moved(batch)
        return terms | super().generator_objective(batch)

    def _moved(self, batch):
        """A `Batch` with other latents, and the term of how far they went."""
        slopes = gradients.of_inputs(
            lambda latents: self._score(batch, latents), batch.latents
        )
        square = ops.sum(ops.square(slopes), axis=1, keepdims=True)
        step = self.step_size * slopes / (self.damping + square)
        gate = random.uniform(
            batch.numbers,
            (1,),
            seed=batch.seed,
            purpose=f"{batch.player}/latent_step",
        )
        step = ops.where(gate < self.share, step, 0.0)
        latents = batch.latents + step
        if self.latent_distribution == "uniform":
            latents = ops.clip(latents, -1.0, 1.0)
        length = ops.sum(ops.square(latents - batch.latents), axis=1)
        return batch.replace(latents=latents), {"latent_step": length}

    def _score(self, batch, latents):
        """D(G(z)) [batch]; passes that leave nothing behind."""
        with gradients.without_writes(self):
            batch = self._judged(batch.replace(latents=latents))
            return losses.per_example(
                self._heads(batch.fake, batch, "fake")["logits"]
            )

    def get_config(self):
        return {
            **super().get_config(),
            "step_size": self.step_size,
            "damping": self.damping,
            "share": self.share,
        }
