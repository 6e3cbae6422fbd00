"""Projection: the style, or the latent, whose image is most like a given one.

Karras et al. 2020, appendix D, https://arxiv.org/abs/1912.04958.

Differs from the paper: noise maps, which are constants of our generators, are
not optimised, so nothing regularizes them. By default images are compared as
pyramids of pixels, since LPIPS takes weights from elsewhere: give its
`distance`. Of a generator without styles the latent is sought, from the mean
latent on.
"""

import dataclasses
import math

import numpy as np
from keras import ops

from kerasgan import devices, gradients, random
from kerasgan.layers.resampling import average_pool

_DRAWS = 10_000  # For the mean of styles and their deviation.
_SMALLEST_PX = 4  # Of a pyramid's images.
_NOISE_UNTIL = 0.75  # Shares of all steps.
_WARMUP = 0.05
_SLOWING_FROM = 0.75
_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


@dataclasses.dataclass(frozen=True)
class Projection:
    """What `project` finds, of n images.

    Attributes:
        styles: [n, style_count, style_size], as `GANModel.synthesize` takes
            them; None where the generator has none.
        latents: [n, latent_size], as `GANModel.decode` takes them; None where
            it has styles.
        images: [n, ...], the generator's.
        distances: [steps + 1, n]: in each step, with its noise, and at last.
        history: [stages, n, ...], images on the way, the start and the end
            among them.
        history_steps: [stages], after how many steps.
    """

    styles: np.ndarray | None
    latents: np.ndarray | None
    images: np.ndarray
    distances: np.ndarray
    history: np.ndarray
    history_steps: np.ndarray


def project(
    model,
    images,
    labels=None,
    *,
    steps=1000,
    learning_rate=0.1,
    noise=0.05,
    distance=None,
    stages=8,
    seed=0,
    batch_size=16,
):
    """Images [n, h, w, c] in [-1, 1] -> their `Projection`.

    Adam makes the distance small, from the mean style on (of the image's own
    label, if there are labels), one style for all layers. What it finds for an
    image depends on the seed and on its place, not on the others.

    Args:
        model: A `GANModel` of images.
        labels: One for all, or one for each.
        steps: Of Adam.
        learning_rate: It rises in the first 5 % of the steps, and falls in the
            last 25 %.
        noise: Of styles, at first, as a share of their deviation: it keeps
            the search from the nearest hollow, and ends after 75 %.
        distance: A function (real=images, fake=images) -> [n], of `keras.ops`,
            such as those of `kerasgan.reconstruction`, or
            `kerasgan.features.lpips.LPIPS().distance`; None is
            `pyramid_distance`.
        stages: How many images of the way to keep, at most.
        seed: Of the noise.
        batch_size: How many images at a time.

    Raises:
        ValueError: Wrong shapes, missing labels, or settings out of range.
    """
    images = np.asarray(images, "float32")
    _check(model, images)
    _check_settings(steps, learning_rate, noise, stages, batch_size)
    start, *known = _start(model, images, labels, noise)
    search = _Search(
        model, distance or pyramid_distance, steps, learning_rate, seed
    )
    kept = np.unique(np.linspace(0, steps, stages).round().astype(int))
    parts = []
    for first in range(0, len(images), batch_size):
        part = slice(first, first + batch_size)
        parts.append(search.run(start[part], [x[part] for x in known], kept))
    points, distances, history = zip(*parts, strict=True)
    points, history = np.concatenate(points), np.concatenate(history, axis=1)
    return Projection(
        styles=search.styles(points) if model.has_styles else None,
        latents=None if model.has_styles else points,
        images=history[-1],
        distances=np.concatenate(distances, axis=1),
        history=history,
        history_steps=kept,
    )


def pyramid_distance(*, real, fake):
    """Images [n, h, w, c], twice -> float32 [n].

    The mean squared difference, over an image and its halvings: the coarse
    ones tell where to go when details do not match yet.
    """
    real, fake = ops.cast(real, "float32"), ops.cast(fake, "float32")
    difference = fake - real
    total = ops.mean(ops.square(difference), axis=(1, 2, 3))
    levels = 1
    while min(difference.shape[1:3]) > _SMALLEST_PX:
        difference = average_pool(difference)
        total = total + ops.mean(ops.square(difference), axis=(1, 2, 3))
        levels += 1
    return total / levels


class _Search:
    """Adam for points, styles or latents, whose images are to be alike."""

    def __init__(self, model, distance, steps, learning_rate, seed):
        self.model = model
        self.network = model.averaged_generator
        self.distance = distance
        self.steps = steps
        self.learning_rate = learning_rate
        self.seed = seed
        variables = self.network.variables
        self._improved = devices.compiled(self._improve, variables)
        self._measured = devices.compiled(self._measure, variables)

    def run(self, points, known, kept):
        """Points [n, d] -> improved ones, distances [steps + 1, n], history.

        Args:
            known: Arrays of n rows: numbers, images, the noise's deviations,
                and labels where the generator takes them.
            kept: Steps whose images are the history, the last one's too.
        """
        points, *known = map(ops.convert_to_tensor, (points, *known))
        state = (points, ops.zeros_like(points), ops.zeros_like(points))
        distances, history = [], []
        for step in range(self.steps):
            if step in kept:
                history.append(self._images(state[0], known))
            # Values stay on the device: nobody waits for a step's.
            state, found = self._improved(state, np.array(step, "int32"), known)
            distances.append(found)
        distances.append(self._measured(state[0], known))
        history.append(self._images(state[0], known))
        return (
            np.array(state[0]),
            np.stack([np.array(found) for found in distances]),
            np.stack(history),
        )

    def styles(self, points):
        """Points [n, style_size] -> the same for each layer."""
        return points[:, None].repeat(self.network.style_count, axis=1)

    def _improve(self, state, step, known):
        """One step of Adam -> the new state, and distances [n] before it."""
        points, mean, square = state
        step = ops.cast(step, "float32")
        share = step / self.steps
        noisy = points + self._noise(points, step, known)
        # Slopes with respect to factors of 1 are the distances themselves.
        slopes, distances = gradients.of_inputs(
            lambda x: x[1] * self._measure(x[0], known),
            (noisy, ops.ones_like(points[:, 0])),
        )
        first, second = _BETAS
        mean = first * mean + (1.0 - first) * slopes
        square = second * square + (1.0 - second) * ops.square(slopes)
        unbiased = mean / (1.0 - ops.power(first, step + 1.0))
        size = ops.sqrt(square / (1.0 - ops.power(second, step + 1.0)))
        rate = self.learning_rate * _rate(share)
        points = points - rate * unbiased / (size + _EPSILON)
        if not self.model.has_styles:
            points = self._possible(points)
        return (points, mean, square), distances

    def _noise(self, points, step, known):
        """Like points [n, d]; none after three quarters of the steps."""
        numbers, _, deviations, *_ = known
        left = ops.maximum(0.0, 1.0 - step / self.steps / _NOISE_UNTIL)
        draws = random.normal(
            numbers * self.steps + ops.cast(step, "int32"),
            points.shape[1:],
            seed=self.seed,
            purpose="project/noise",
        )
        return draws * deviations[:, None] * ops.square(left)

    def _measure(self, points, known):
        """Points [n, d] -> how far their images are from the given ones."""
        _, images, _, *labels = known
        found = self._images_of(points, labels)
        return self.distance(real=images, fake=found)

    def _images_of(self, points, labels):
        if not self.model.has_styles:
            inputs = (points, *labels) if labels else points
            return self.network(inputs, training=False)
        # Not repeated: of that, XLA takes no derivative in some places.
        zeros = ops.zeros((self.network.style_count, 1), points.dtype)
        return self.network.synthesize(points[:, None] + zeros)

    def _images(self, points, known):
        """Points [n, d] -> their images, as a NumPy array."""
        points = np.array(points)
        if self.model.has_styles:
            return self.model.synthesize(self.styles(points))
        return self.model.decode(points, *known[3:])

    def _possible(self, latents):
        """Uniform latents stay in their range; normal ones have none."""
        if self.model.latent_distribution == "uniform":
            return ops.clip(latents, -1.0, 1.0)
        return latents


def _rate(share):
    """The learning rate's part, after this share of the steps."""
    slowing = ops.minimum(1.0, (1.0 - share) / (1.0 - _SLOWING_FROM))
    slowing = 0.5 - 0.5 * ops.cos(math.pi * slowing)
    return slowing * ops.minimum(1.0, share / _WARMUP)


def _start(model, images, labels, noise):
    """Where to begin [n, d], and what `_Search.run` calls known."""
    count = len(images)
    if labels is not None:
        labels = model.labels_for(count, labels)
    if model.has_styles:
        points, deviations = model.style_statistics(labels, _DRAWS)
    else:
        latents = model.latents(_DRAWS)
        points = latents.mean(axis=0, keepdims=True)
        deviations = np.sqrt(latents.var(axis=0).sum(keepdims=True))
    return (
        np.broadcast_to(points, (count, points.shape[1])),
        np.arange(count, dtype="int32"),
        images,
        np.broadcast_to(noise * deviations, (count,)).astype("float32"),
        *([] if labels is None else [labels]),
    )


def _check(model, images):
    if images.shape[1:] != model.sample_shape or not len(images):
        raise ValueError(
            "`images` must have the shape of the generator's, "
            f"{('n', *model.sample_shape)}. Received: shape={images.shape}"
        )


def _check_settings(steps, learning_rate, noise, stages, batch_size):
    if steps < 1 or stages < 2 or batch_size < 1:
        raise ValueError(
            "`steps` and `batch_size` must be 1 or more, `stages` 2 or more. "
            f"Received: steps={steps!r}, batch_size={batch_size!r}, "
            f"stages={stages!r}"
        )
    if not (learning_rate > 0 and noise >= 0):
        raise ValueError(
            "`learning_rate` must be positive, and `noise` not negative. "
            f"Received: learning_rate={learning_rate!r}, noise={noise!r}"
        )
