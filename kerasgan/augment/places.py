"""Values of images at places that are computed: gathers, and zeros around."""

from keras import ops


def at(images, rows, columns):
    """Images [b, h, w, c] at integer rows, columns [b, h', w'] of them.

    -> [b, h', w', c]. Places must be inside.
    """
    count = ops.shape(images)[0]
    _, height, width, channels = images.shape
    first = ops.reshape(ops.arange(count, dtype="int32"), (-1, 1, 1))
    index = (first * height + rows) * width + columns
    values = ops.reshape(images, (-1, channels))
    return ops.take(values, index, axis=0)


def shifted(images, rows, columns):
    """Images [b, h, w, c] moved by int32 [b] pixels, zeros where none were.

    A pixel [i, j] is that which was at [i + rows, j + columns].
    """
    (rows, inside_rows), (columns, inside_columns) = (
        _moved(shift, size)
        for shift, size in zip((rows, columns), images.shape[1:3], strict=True)
    )
    found = at(images, rows[:, :, None], columns[:, None, :])
    inside = ops.logical_and(
        inside_rows[:, :, None], inside_columns[:, None, :]
    )
    return ops.where(inside[..., None], found, ops.zeros_like(found))


def _moved(shift, size):
    """Indices [b, size] that are inside, and whether they were before."""
    places = ops.arange(size, dtype="int32") + ops.cast(shift, "int32")[:, None]
    inside = ops.logical_and(places >= 0, places < size)
    return ops.clip(places, 0, size - 1), inside
