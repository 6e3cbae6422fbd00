"""Adversarial losses: what each player minimises, one number per example.

Every loss takes logits [batch, ...] (the discriminator's output, without a
sigmoid) and returns float32 [batch]. Only the training step averages over the
batch, so patch discriminators, several heads and per-example clipping need no
special case. D(x) are the logits of real data, D(G(z)) of generated ones.
"""

import abc
import dataclasses

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import devices, schedules
from kerasgan.errors import unknown_name
from kerasgan.serialization import Saveable


class AdversarialLoss(Saveable, abc.ABC):
    """Scores real and generated logits for each of the two players."""

    # Whether the generator's loss reads `real`, which costs a pass.
    compares_with_real = False
    # Whether it needs the logits of other replicas.
    synchronized = False
    # Whether real samples' logits are to be positive, and others' negative.
    splits_at_zero = True

    def at(self, images_seen):
        """The loss as it is then: its schedules have become numbers."""
        del images_seen
        return self

    @abc.abstractmethod
    def discriminator(self, *, real, fake):
        """Logits [batch, ...] of both kinds -> float32 [batch]."""

    @abc.abstractmethod
    def generator(self, *, real, fake):
        """Logits [batch, ...] of both kinds -> float32 [batch]."""


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class Minimax(AdversarialLoss):
    """The game of the first GAN, as its theory has it.

        discriminator:  -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z))))
        generator:       log(1 - sigmoid(D(G(z))))

    Goodfellow et al. 2014, equation 1, https://arxiv.org/abs/1406.2661. The
    generator's gradient vanishes where it is losing: see `NonSaturating`.

    Args:
        real_target: The probability that the discriminator should give real
            data; 0.9 is one-sided label smoothing (Salimans et al. 2016,
            section 3.4, https://arxiv.org/abs/1606.03498).
    """

    real_target: float = 1.0

    def discriminator(self, *, real, fake):
        real, fake = _float32(real), _float32(fake)
        # -t log s - (1 - t) log(1 - s), for s = sigmoid(real).
        real_loss = ops.softplus(real) - self.real_target * real
        return per_example(real_loss) + per_example(ops.softplus(fake))

    def generator(self, *, real, fake):
        del real
        return per_example(-ops.softplus(_float32(fake)))


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class NonSaturating(AdversarialLoss):
    """The first GAN's game as it is played: strong gradients when losing.

        discriminator:  -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z))))
        generator:      -log sigmoid(D(G(z)))

    Goodfellow et al. 2014, section 3, https://arxiv.org/abs/1406.2661.

    Args:
        real_target: As in `Minimax`.
    """

    real_target: float = 1.0

    def discriminator(self, *, real, fake):
        minimax = Minimax(self.real_target)
        return minimax.discriminator(real=real, fake=fake)

    def generator(self, *, real, fake):
        del real
        return per_example(ops.softplus(-_float32(fake)))


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class Wasserstein(AdversarialLoss):
    """The earth mover's distance, if the discriminator is 1-Lipschitz.

        discriminator:  D(G(z)) - D(x)
        generator:      -D(G(z))

    Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, which calls the
    discriminator a critic. Needs `WeightClipping` or `GradientPenalty`.
    """

    splits_at_zero = False

    def discriminator(self, *, real, fake):
        return per_example(fake) - per_example(real)

    def generator(self, *, real, fake):
        del real
        return -per_example(fake)


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class LeastSquares(AdversarialLoss):
    """LSGAN: logits are drawn to targets, also those already on their side.

        discriminator:  (D(x) - b)^2 / 2 + (D(G(z)) - a)^2 / 2
        generator:      (D(G(z)) - c)^2 / 2

    Mao et al. 2017, equations 2 and 9, https://arxiv.org/abs/1611.04076; its
    a, b, c are `fake_target`, `real_target`, `generator_target`.
    """

    fake_target: float = 0.0
    real_target: float = 1.0
    generator_target: float = 1.0

    @property
    def splits_at_zero(self):
        return self.real_target == -self.fake_target

    def discriminator(self, *, real, fake):
        real, fake = _float32(real), _float32(fake)
        real_loss = per_example(ops.square(real - self.real_target))
        fake_loss = per_example(ops.square(fake - self.fake_target))
        return (real_loss + fake_loss) / 2.0

    def generator(self, *, real, fake):
        del real
        miss = _float32(fake) - self.generator_target
        return per_example(ops.square(miss)) / 2.0


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class Hinge(AdversarialLoss):
    """Stops rewarding the discriminator once a logit clears the margin.

        discriminator:  max(0, m - D(x)) + max(0, m + D(G(z)))
        generator:      -D(G(z))

    Lim and Ye, "Geometric GAN", 2017, https://arxiv.org/abs/1705.02894.
    """

    margin: float = 1.0

    def discriminator(self, *, real, fake):
        real, fake = _float32(real), _float32(fake)
        real_loss = per_example(ops.relu(self.margin - real))
        return real_loss + per_example(ops.relu(self.margin + fake))

    def generator(self, *, real, fake):
        del real
        return -per_example(fake)


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class Relativistic(AdversarialLoss):
    """RpGAN: is this real sample more real than this generated one?

        discriminator:  -log sigmoid(D(x) - D(G(z)))
        generator:      -log sigmoid(D(G(z)) - D(x))

    Pairs real and generated samples by their place in the batch.
    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, equation 10;
    the loss of R3GAN, https://arxiv.org/abs/2501.05441, section 2.
    """

    compares_with_real = True
    splits_at_zero = False

    def discriminator(self, *, real, fake):
        return per_example(ops.softplus(_float32(fake) - _float32(real)))

    def generator(self, *, real, fake):
        return self.discriminator(real=fake, fake=real)


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class RelativisticAverage(AdversarialLoss):
    """RaGAN: is this sample more real than the other kind is on average?

        logistic:       -log sigmoid(D(x) - mean D(G(z)))
                        -log sigmoid(mean D(x) - D(G(z)))
        least_squares:  (D(x) - mean D(G(z)) - 1)^2
                      + (D(G(z)) - mean D(x) + 1)^2

    These are the discriminator's; the generator's swap D(x) and D(G(z)). Both
    means carry gradients and run over the batch (of one replica).
    Jolicoeur-Martineau 2018, section 4, https://arxiv.org/abs/1807.00734.

    Args:
        kind: "logistic" or "least_squares".
    """

    kind: str = "logistic"
    compares_with_real = True
    synchronized = True
    splits_at_zero = False

    def __post_init__(self):
        if self.kind not in ("logistic", "least_squares"):
            raise unknown_name("kind", self.kind, ["logistic", "least_squares"])

    def discriminator(self, *, real, fake):
        real, fake = _float32(real), _float32(fake)
        real_margin = real - devices.mean(fake, (0,))
        fake_margin = devices.mean(real, (0,)) - fake
        return self._lack(real_margin) + self._lack(fake_margin)

    def generator(self, *, real, fake):
        return self.discriminator(real=fake, fake=real)

    def _lack(self, margin):
        if self.kind == "logistic":
            return per_example(ops.softplus(-margin))
        return per_example(ops.square(margin - 1.0))


@register_keras_serializable(package="kerasgan.losses")
@dataclasses.dataclass(frozen=True)
class TopK(AdversarialLoss):
    """The generator learns from its best samples alone.

        discriminator:  that of `loss`
        generator:      that of `loss`, of the k samples whose D(G(z)) are the
                        highest, divided by k

    What the discriminator holds for worst has a gradient that leads away from
    the data. Sinha et al. 2020, section 3, https://arxiv.org/abs/2002.06224,
    where the share falls from 1 by 0.99 in each epoch, to no less than 0.5.

    Args:
        loss: An `AdversarialLoss` or its name.
        share: Of what is computed at once (a replica's batch, or its part
            where gradients are accumulated) that counts, in (0, 1], or a
            `Schedule`; at least one sample does.
    """

    loss: AdversarialLoss | str = "non_saturating"
    share: float | schedules.Schedule = 0.5

    def __post_init__(self):
        object.__setattr__(self, "loss", get(self.loss))
        if isinstance(self.share, (int, float)) and not 0 < self.share <= 1:
            raise ValueError(
                "`share` must be in (0, 1], or a schedule. "
                f"Received: share={self.share!r}"
            )

    @property
    def compares_with_real(self):
        return self.loss.compares_with_real

    @property
    def synchronized(self):
        return self.loss.synchronized

    @property
    def splits_at_zero(self):
        return self.loss.splits_at_zero

    def at(self, images_seen):
        share = schedules.get(self.share)(images_seen)
        return dataclasses.replace(
            self, loss=self.loss.at(images_seen), share=share
        )

    def discriminator(self, *, real, fake):
        return self.loss.discriminator(real=real, fake=fake)

    def generator(self, *, real, fake):
        scores = ops.stop_gradient(per_example(fake))
        rows = ops.cast(ops.shape(scores)[0], "float32")
        counted = ops.maximum(ops.floor(self.share * rows), 1.0)
        # How many are better; of equals, those that come first.
        places = ops.argsort(ops.argsort(-scores))
        chosen = ops.cast(places, "float32") < counted
        weights = ops.where(chosen, rows / counted, 0.0)
        return weights * self.loss.generator(real=real, fake=fake)


LOSSES = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "wasserstein": Wasserstein,
    "least_squares": LeastSquares,
    "hinge": Hinge,
    "relativistic": Relativistic,
    "relativistic_average": RelativisticAverage,
    "top_k": TopK,
}


def get(loss):
    """An `AdversarialLoss`, from itself or from its name in `LOSSES`."""
    if isinstance(loss, AdversarialLoss):
        return loss
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    return LOSSES[loss]()


def classification(*, labels, logits):
    """Labels, logits [batch, classes] -> cross-entropy, float32 [batch].

    Integer labels [batch] name one class (softmax); float labels
    [batch, classes] hold a probability for each (sigmoid, averaged).
    """
    logits = ops.cast(logits, "float32")
    if len(labels.shape) == 1:
        return ops.sparse_categorical_crossentropy(
            labels, logits, from_logits=True
        )
    return per_example(
        ops.binary_crossentropy(labels, logits, from_logits=True)
    )


def per_example(values):
    """Values [batch, ...] -> their mean by example, float32 [batch]."""
    values = _float32(values)
    if len(values.shape) == 1:
        return values
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _float32(logits):
    """Eight bits of a bfloat16 would leave nothing of small losses."""
    return ops.cast(logits, "float32")
