"""Penalties on gradients of the discriminator with respect to samples."""

import abc
import dataclasses

import keras
from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import devices, gradients, random, schedules
from kerasgan.regularizers.regularizer import Regularizer
from kerasgan.schedules import Schedule


class Penalty(Regularizer):
    """A term of the discriminator's loss, or of another player's."""

    @abc.abstractmethod
    def __call__(self, function, batch):
        """The penalty without its weight, float32 [batch].

        Args:
            function: The discriminator, samples [batch, ...] -> logits.
            batch: A `Batch` with real and fake samples, image numbers, seed.
        """

    def terms(self, network, function, batch):
        """The weighted penalty: in the steps between, zero."""
        weight = schedules.get(self.weight)(batch.images_seen)
        return {
            self.name: self.lazily(
                network, batch, lambda: weight * self(function, batch)
            )
        }


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class GradientPenalty(Penalty):
    """WGAN-GP: gradients of length 1 between real and generated samples.

        weight * (|grad D(a x + (1 - a) G(z))| - target)^2,  a uniform in [0, 1)

    Gulrajani et al. 2017, equation 3, https://arxiv.org/abs/1704.00028. The
    discriminator must not use batch norm (section 4 there).

    Args:
        target: The wanted length; 0 gives the zero-centred penalty of
            Thanh-Tung et al. 2019, https://arxiv.org/abs/1902.03984.
        one_sided: Punish longer gradients only (WGAN-LP, Petzka et al. 2018,
            https://arxiv.org/abs/1709.08894).
    """

    weight: float | Schedule = 10.0
    target: float = 1.0
    one_sided: bool = False

    def __call__(self, function, batch):
        share = _uniform_like(batch.real, batch, "gradient_penalty/share")
        between = share * batch.real + (1.0 - share) * batch.fake
        length = _gradient_length(function, between)
        return _off_target(length, self.target, self.one_sided)


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class DRAGAN(Penalty):
    """Gradients of length 1 around the data.

        weight * (|grad D(x + a s std(x) u)| - 1)^2,  a, u uniform in [0, 1)

    Kodali et al. 2017, https://arxiv.org/abs/1705.07215; a is drawn for each
    example, u for each of its values, and std is of the whole batch, with the
    unbiased variance.

    Args:
        spread: The formula's s.
    """

    synchronized = True

    weight: float | Schedule = 10.0
    target: float = 1.0
    spread: float = 0.5

    def __call__(self, function, batch):
        share = _uniform_like(batch.real, batch, "dragan/share")
        noise = random.uniform(
            batch.numbers,
            tuple(batch.real.shape[1:]),
            seed=batch.seed,
            purpose="dragan/noise",
        )
        rows, *others = ops.shape(batch.real)
        axes = tuple(range(1 + len(others)))
        count = ops.cast(ops.prod((devices.total(rows), *others)), "float32")
        mean = devices.mean(batch.real, axes)
        variance = devices.mean(ops.square(batch.real - mean), axes)
        variance *= count / (count - 1.0)
        near = batch.real + share * self.spread * ops.sqrt(variance) * noise
        length = _gradient_length(function, near)
        return _off_target(length, self.target, one_sided=False)


@dataclasses.dataclass(frozen=True)
class _ZeroCentred(Penalty):
    """Half the squared gradient at samples, exact or by a difference."""

    weight: float | Schedule = 10.0
    finite_difference: float | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.finite_difference is not None and self.finite_difference <= 0:
            raise ValueError(
                "`finite_difference` must be None or positive. Received: "
                f"finite_difference={self.finite_difference!r}"
            )

    def terms(self, network, function, batch):
        dtype = keras.backend.standardize_dtype(network.compute_dtype)
        if self.finite_difference is not None and dtype.endswith("float16"):
            raise ValueError(
                "`finite_difference` must be None in mixed precision, whose "
                "rounding such a step drowns in. Received: "
                f"finite_difference={self.finite_difference!r}, and a "
                f"discriminator in {dtype}"
            )
        return super().terms(network, function, batch)

    def __call__(self, function, batch):
        samples = self._samples(batch)
        if self.finite_difference is None:
            return _squared_gradient(function, samples) / 2.0
        noise = random.normal(
            batch.numbers,
            tuple(samples.shape[1:]),
            seed=batch.seed,
            purpose=f"{self.name}/noise",
        )
        step = self.finite_difference
        change = function(samples + step * noise) - function(samples)
        return _sum_by_example(ops.square(change / step)) / 2.0

    @abc.abstractmethod
    def _samples(self, batch):
        """Where the gradient is taken."""


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class R1(_ZeroCentred):
    """Small gradients at real samples.

        weight / 2 * |grad D(x)|^2

    Mescheder et al. 2018, equation 9, https://arxiv.org/abs/1801.04406.

    Args:
        finite_difference: None takes the exact gradient, which is then
            differentiated a second time. A number s estimates it instead by
            ((D(x + s e) - D(x)) / s)^2 with e standard normal, at the price
            of one more pass; 0.01 is usual, in float32.
    """

    def _samples(self, batch):
        return batch.real


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class R2(_ZeroCentred):
    """Small gradients at generated samples.

        weight / 2 * |grad D(G(z))|^2

    Mescheder et al. 2018, section 4.1, https://arxiv.org/abs/1801.04406.

    Args:
        finite_difference: As in `R1`.
    """

    def _samples(self, batch):
        return batch.fake


def _uniform_like(samples, batch, purpose):
    """One draw per example, [batch, 1, ...] in [0, 1)."""
    shape = (1,) * (len(samples.shape) - 1)
    return random.uniform(
        batch.numbers, shape, seed=batch.seed, purpose=purpose
    )


def _squared_gradient(function, samples):
    gradient = gradients.of_inputs(function, samples)
    return _sum_by_example(ops.square(ops.cast(gradient, "float32")))


def _gradient_length(function, samples):
    squared = _squared_gradient(function, samples)
    # A root has no finite slope at zero: a flat discriminator would be NaN.
    return ops.sqrt(ops.maximum(squared, 1e-24))


def _off_target(length, target, one_sided):
    excess = length - target
    return ops.square(ops.relu(excess) if one_sided else excess)


def _sum_by_example(values):
    values = ops.cast(values, "float32")
    if len(values.shape) == 1:
        return values
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))
