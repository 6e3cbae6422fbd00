"""Sizes and widths of the stages of a network, and what each of them has.

The first stage is the one of the smallest grid, in generators' order.
"""

import math

from kerasgan.layers.shapes import halved_sizes


def stage_sizes(image_shape, count=None):
    """(height, width) of each stage, the last one the image's.

    Args:
        image_shape: (height, width, ...).
        count: How many; by default, until the shorter side of the smallest
            grid is 4 to 8 px. Odd sides are halved upwards.
    """
    if count is None:
        return halved_sizes(image_shape)[::-1]
    height, width, *_ = image_shape
    return [
        (math.ceil(height / 2**i), math.ceil(width / 2**i))
        for i in reversed(range(count))
    ]


def stage_widths(width, max_width, count):
    """Channels of each stage: `width` at the image's size.

    They double with each halving of the size, up to `max_width` if that is
    given.
    """
    limit = max_width or math.inf
    return [min(width * 2**i, limit) for i in reversed(range(count))]


def per_stage(name, value, count):
    """A positive number for each stage, of one for all or of a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value,) * count
    if len(values) != count or min(values) < 1:
        raise ValueError(
            f"`{name}` must be a positive number, or one for each of the "
            f"{count} stages. Received: {name}={value!r}"
        )
    return tuple(values)


def plain(value):
    """A number, or a tuple of them, which JSON may have made a list."""
    return tuple(value) if isinstance(value, (list, tuple)) else value
