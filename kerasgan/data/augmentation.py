"""Random flips and moves of images, each drawn from its place in the stream.

The draw that belongs to position k is a function of the seed and k alone:
positions are cut into fixed blocks, and a block's draws come from one call. So
it does not matter where a run resumes, nor how its batches are cut.
"""

import math

import tensorflow as tf

_BLOCK = 256  # Positions whose draws come from one call.
_DRAWS = 5  # flip, rotation, vertical move, horizontal move, zoom


def augment(images, position, seed, flip, rotate_degrees, translate, zoom):
    """Images [b, h, w, c] -> the same, moved; float32 in [-1, 1].

    What comes in from beyond an edge is the image mirrored.

    Args:
        position: Place in the stream of the first image; the others follow.
        flip: Mirror left to right every second image, by chance.
        rotate_degrees: Turn by up to so many degrees, either way.
        translate: Move by up to this share of height and of width.
        zoom: Enlarge or shrink by a factor of up to 1 + zoom.
    """
    batch_size, height, width, _ = images.shape
    first = position // _BLOCK
    blocks = [
        _block(
            first + block, seed, height, width, rotate_degrees, translate, zoom
        )
        for block in range(math.ceil((batch_size - 1) / _BLOCK) + 1)
    ]
    start = position - first * _BLOCK
    flips, transforms = (
        tf.concat(parts, 0)[start : start + batch_size]
        for parts in zip(*blocks, strict=True)
    )
    if flip:
        mirrored = tf.reverse(images, axis=[2])
        # By whole images; `tf.where` would repeat the choice for each number.
        images = tf.raw_ops.Select(condition=flips, x=mirrored, y=images)
    if rotate_degrees or translate or zoom:
        images = tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=transforms,
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="REFLECT",
        )
    return images


def _block(block, seed, height, width, rotate_degrees, translate, zoom):
    """One block's flips, bool [block], and transforms, [block, 8].

    Worked out for whole blocks: a sine of the same number may differ in its
    last bit with its place in a vector.
    """
    # Odd, where the permutations of epochs take the even numbers.
    key = tf.stack([tf.constant(seed, tf.int64), 2 * block + 1])
    draws = tf.random.stateless_uniform(
        [_BLOCK, _DRAWS], key, minval=-1.0, alg="philox"
    )
    angle = draws[:, 1] * math.radians(rotate_degrees)
    scale = tf.exp(draws[:, 4] * -math.log1p(zoom))
    cosine, sine = tf.cos(angle) * scale, tf.sin(angle) * scale
    # From the place in the result to the place in the image, about the centre.
    x, y = (width - 1) / 2, (height - 1) / 2
    x_offset = x - (cosine * x - sine * y) + draws[:, 3] * translate * width
    y_offset = y - (sine * x + cosine * y) + draws[:, 2] * translate * height
    zero = tf.zeros_like(angle)
    rows = [cosine, -sine, x_offset, sine, cosine, y_offset, zero, zero]
    return draws[:, 0] < 0, tf.stack(rows, axis=1)
