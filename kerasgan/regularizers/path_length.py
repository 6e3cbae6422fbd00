"""Path lengths: how far images move with styles."""

import dataclasses
import math
from typing import ClassVar

import keras
from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import gradients, random, schedules
from kerasgan.regularizers.regularizer import Regularizer, is_due
from kerasgan.schedules import Schedule


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class PathLength(Regularizer):
    """Steps in style space change images alike everywhere: the generator's.

        weight * (|J^T y| - a)^2,  y normal, of variance 1 / (height * width)

    with J the Jacobian of images by styles and a the running mean of the
    lengths. Karras et al. 2020, section 3.2 and appendix B,
    https://arxiv.org/abs/1912.04958. For generators with `styles` and
    `synthesize`, such as `models.stylegan2`.

    Args:
        decay: How far the mean moves each time.
        shrink: Every so manieth image of a batch is measured, and its penalty
            stands for its neighbours; official is 2.
    """

    weight: float | Schedule = 2.0
    decay: float = 0.01
    shrink: int = 2
    player: ClassVar[str] = "generator"
    state: ClassVar[dict] = {"mean": 0.0}

    def terms(self, network, function, batch):
        """The weighted penalty, in the steps between zero; moves the mean."""
        del function  # It goes from latents to images, past the styles.
        if not hasattr(network, "synthesize"):
            raise ValueError(
                "`PathLength` must be given a generator with `styles` and "
                "`synthesize`, such as `models.stylegan2.Generator`. "
                f"Received: {type(network).__name__}"
            )
        mean = batch.state[f"{self.name}/mean"]
        weight = schedules.get(self.weight)(batch.images_seen)
        before = ops.convert_to_tensor(mean.value)
        zeros = ops.zeros_like(batch.numbers, dtype="float32")

        def measure():
            with gradients.without_writes(network):
                lengths = self.lengths(network, batch)
            penalty, after = self.penalty(before, lengths)
            rows = ops.arange(ops.shape(batch.numbers)[0]) // self.shrink
            return self.every * weight * ops.take(penalty, rows), after

        if self.every == 1:
            penalty, after = measure()
        else:
            due = is_due(batch, self.every)
            penalty, after = ops.cond(due, measure, lambda: (zeros, before))
        mean.assign(ops.stop_gradient(after))
        return {self.name: penalty}

    def penalty(self, mean, lengths):
        """The mean so far, lengths [batch] -> penalties [batch], the new mean.

        Slopes go through the mean as well, as in the official code.
        """
        mean = mean + self.decay * (ops.mean(lengths) - mean)
        return ops.square(lengths - mean), mean

    def lengths(self, network, batch):
        """|J^T y| of every `shrink`-th image of a `Batch`."""
        latents, labels, draws = keras.tree.map_structure(
            lambda x: x[:: self.shrink],
            (batch.latents, batch.labels, batch.draws.get(self.player)),
            none_is_leaf=False,
        )
        takes_labels = getattr(network, "classes", None) is not None
        styles = network.styles(
            (latents, labels) if takes_labels else latents,
            training=batch.training,
            draws=draws,
        )

        noise = random.normal(
            batch.numbers[:: self.shrink],
            tuple(batch.fake.shape[1:]),
            seed=batch.seed,
            purpose="path_length/noise",
        )
        return path_lengths(
            lambda styles: network.synthesize(styles, draws), styles, noise
        )


def path_lengths(synthesize, styles, noise):
    """|J^T y| [batch] of styles [batch, n, style_size], the n's mean square.

    Args:
        synthesize: Styles -> images [batch, h, w, c].
        noise: Standard normal [batch, h, w, c], of which y is made.
    """
    noise = noise / math.sqrt(math.prod(noise.shape[1:3]))
    slopes = gradients.of_inputs(lambda x: synthesize(x) * noise, styles)
    squares = ops.sum(ops.square(slopes), axis=-1)
    return ops.sqrt(ops.mean(squares, axis=1))
