"""Perceptual path length: how smoothly images follow their latents.

Karras et al. 2019, "A Style-Based Generator Architecture for GANs", section
4.1, https://arxiv.org/abs/1812.04948.
"""

from typing import NamedTuple

import numpy as np

from kerasgan.errors import unknown_name
from kerasgan.metrics.arrays import to_array

_PARALLEL = 1e-6  # A sine below it: the arc is the straight line, or any.


class PathLength(NamedTuple):
    """Of the paths that are left when the extreme 2 % are trimmed.

    Attributes:
        mean: The perceptual path length.
        standard_deviation: Between paths.
    """

    mean: float
    standard_deviation: float


def perceptual_path_length(
    generate,
    distance=None,
    *,
    latent_size,
    count=50_000,
    interpolation="slerp",
    epsilon=1e-4,
    sampling="end",
    latents="normal",
    labels=None,
    seed=0,
    batch_size=64,
    dtype="float32",
):
    """A generator -> `PathLength`, lower if images change evenly.

        mean of d(G(interpolate(z0, z1, t)), G(interpolate(z0, z1, t + e))) / e^2

    Comparable only with the same latents, interpolation, epsilon and size of
    images. Images must be floats: in uint8 small steps measure the rounding.

    Args:
        generate: A function of latents [n, latent_size] -> n images.
        distance: A function of two batches of images -> [n]; None is
            `kerasgan.metrics.perceptual.lpips`, with images in -1..1.
        count: Paths.
        interpolation: A name in `INTERPOLATIONS`. The paper takes "slerp" for
            normal latents and "lerp" for W.
        epsilon: The step, as a share of the path.
        sampling: "end" steps from a path's start, "full" from anywhere.
        latents: A name in `LATENTS`, or a function (`np.random.RandomState`,
            shape) -> [n, d], such as one that maps normal latents to W.
        labels: None, or [count, ...], the second argument of `generate`; the
            same at both ends of a step.
        seed: Of latents, then of t.
        batch_size: Paths at a time; no result depends on it.
        dtype: Of the latents that `generate` is given; they are interpolated
            in float64.

    Raises:
        ValueError: An unknown name, `epsilon` or `count` not above 0, or
            `distance` not giving a number for each path.
    """
    _check(interpolation, sampling, latents, epsilon, count)
    distance = _lpips() if distance is None else distance
    before, after = _ends_of_steps(
        latents, (count, latent_size), interpolation, epsilon, sampling, seed
    )
    lengths = []
    for first in range(0, count, batch_size):
        part = slice(first, first + batch_size)
        conditions = () if labels is None else (labels[part],)
        images = [
            generate(ends[part].astype(dtype), *conditions)
            for ends in (before, after)
        ]
        lengths.append(_measured(distance, *images, len(before[part])))
    kept = trimmed(np.concatenate(lengths) / epsilon**2)
    return PathLength(float(kept.mean()), float(kept.std()))


def lerp(start, end, share):
    """Latents [n, d], twice, share [n, 1] or a number -> on the line [n, d]."""
    return start + (end - start) * share


def slerp(start, end, share):
    """Latents [n, d], twice, share [n, 1] or a number -> on the arc [n, d].

    Shoemake 1985, with the angle between the two and their own lengths. Where
    they are parallel, opposite or zero, the line.
    """
    lengths = np.linalg.norm(start, axis=1) * np.linalg.norm(end, axis=1)
    lengths = np.where(lengths == 0, 1.0, lengths)
    cosines = np.clip(np.sum(start * end, axis=1) / lengths, -1.0, 1.0)
    angles = np.arccos(cosines)[:, None]
    straight = (np.sin(angles) < _PARALLEL) | np.all(
        (start == 0) | (end == 0), axis=1, keepdims=True
    )
    sines = np.where(straight, 1.0, np.sin(angles))
    arc = (
        np.sin((1.0 - share) * angles) * start + np.sin(share * angles) * end
    ) / sines
    return np.where(straight, lerp(start, end, share), arc)


def unit_slerp(start, end, share):
    """As `slerp`, then of length 1 (zero stays zero)."""
    return _unit(slerp(start, end, share))


def normal_latents(random, shape):
    """Normal latents float32, of an `np.random.RandomState`."""
    return random.randn(*shape).astype("float32")


def unit_latents(random, shape):
    """Latents float32 [n, d] of length 1, evenly on the sphere."""
    return _unit(normal_latents(random, shape))


def positive_unit_latents(random, shape):
    """Latents float32 [n, d] of length 1 without a negative number.

    What torch-fidelity calls unit: uniform in 0..1, then brought to length 1.
    """
    return _unit(random.rand(*shape).astype("float32"))


def trimmed(lengths):
    """Lengths [n] -> those from the 1st to the 99th percentile, both kept.

    As NVIDIA's code does: percentiles are lengths that occur, the lower and
    the higher of the two around them.
    """
    low = np.percentile(lengths, 1, method="lower")
    high = np.percentile(lengths, 99, method="higher")
    return lengths[(lengths >= low) & (lengths <= high)]


INTERPOLATIONS = {"lerp": lerp, "slerp": slerp, "unit_slerp": unit_slerp}
LATENTS = {
    "normal": normal_latents,
    "unit": unit_latents,
    "positive_unit": positive_unit_latents,
}


def _check(interpolation, sampling, latents, epsilon, count):
    if interpolation not in INTERPOLATIONS:
        raise unknown_name("interpolation", interpolation, INTERPOLATIONS)
    if sampling not in ("end", "full"):
        raise unknown_name("sampling", sampling, ("end", "full"))
    if not callable(latents) and latents not in LATENTS:
        raise unknown_name("latents", latents, LATENTS)
    if not (epsilon > 0 and count > 0):
        raise ValueError(
            "`epsilon` and `count` must be above 0. Received: "
            f"epsilon={epsilon!r}, count={count!r}"
        )


def _ends_of_steps(latents, shape, interpolation, epsilon, sampling, seed):
    """Latents before and after each step, float64 [count, latent_size]."""
    random = np.random.RandomState(seed)
    draw = latents if callable(latents) else LATENTS[latents]
    starts, ends = (to_array(draw(random, shape)) for _ in range(2))
    full = sampling == "full"
    places = random.rand(len(starts), 1) if full else np.zeros((len(starts), 1))
    interpolate = INTERPOLATIONS[interpolation]
    return (
        interpolate(starts, ends, places),
        interpolate(starts, ends, places + epsilon),
    )


def _unit(latents):
    lengths = np.linalg.norm(latents, axis=1, keepdims=True)
    return latents / np.where(lengths == 0, 1.0, lengths).astype(latents.dtype)


def _measured(distance, before, after, count):
    """Distances of images before and after a step, float64 [count]."""
    lengths = to_array(distance(before, after))
    if lengths.shape != (count,):
        raise ValueError(
            "`distance` must give one number for each pair of images. "
            f"Received: shape={lengths.shape} for {count} pairs"
        )
    return lengths


def _lpips():
    # Its network needs weights; other distances do without.
    from kerasgan.metrics.perceptual import lpips

    return lambda before, after: lpips(real=before, fake=after)
