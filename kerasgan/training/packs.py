"""Packs: several samples that the discriminator judges together.

Whether one sample looks real says nothing of how varied samples are; a pack
of them does. PacGAN, Lin et al. 2018, https://arxiv.org/abs/1712.04086.
"""

from keras import ops


def check(packing, classes):
    """`packing` itself, or an error before any work."""
    if type(packing) is not int or packing < 1:
        raise ValueError(
            "`packing` must be a positive number of samples. "
            f"Received: packing={packing!r}"
        )
    if packing > 1 and classes is not None:
        raise ValueError(
            "`packing` must be 1 where networks take labels, since samples "
            "of a pack would differ in theirs. Received: "
            f"packing={packing}, classes={classes}"
        )
    return packing


def shape(sample_shape, packing):
    """The shape of a sample (..., c) -> that of a pack (..., packing * c)."""
    return (*sample_shape[:-1], packing * sample_shape[-1])


def build(build, discriminator, sample_shape, packing):
    """Makes the discriminator's weights on packs, by `build(network, shape)`.

    Raises:
        ValueError: It was made for single samples.
    """
    packed_shape = shape(sample_shape, packing)
    try:
        build(discriminator, packed_shape)
    except ValueError as error:
        if packing == 1:
            raise
        raise ValueError(
            f"`discriminator` must take packs of {packing} samples, joined "
            f"along the last axis: shape {packed_shape}. Received one that "
            f"does not: {error}"
        ) from error


def pack(batch, packing):
    """A `Batch` of real and fake samples -> one of packs.

    Samples [n, ..., c] become [n / packing, ..., packing * c], and a pack has
    the number of its first sample. What is left over by a whole number of
    packs is dropped; fewer samples than one pack lend themselves repeatedly.
    """
    if packing == 1:
        return batch
    return batch.replace(
        real=_packs(batch.real, packing),
        fake=_packs(batch.fake, packing),
        numbers=_whole_packs(batch.numbers, packing)[::packing],
    )


def _packs(samples, packing):
    *middle, channels = samples.shape[1:]
    samples = _whole_packs(samples, packing)
    samples = ops.reshape(samples, (-1, packing, *middle, channels))
    samples = ops.moveaxis(samples, 1, -2)
    return ops.reshape(samples, (-1, *middle, packing * channels))


def _whole_packs(rows, packing):
    """Rows [n, ...] -> as many of them as fill packs, at least one."""
    count = ops.shape(rows)[0]
    if isinstance(count, int) and count and count % packing == 0:
        return rows
    larger = max if isinstance(count, int) else ops.maximum
    packs = larger(count // packing, 1)
    places = ops.arange(packs * packing) % count
    return ops.take(rows, places, axis=0)
