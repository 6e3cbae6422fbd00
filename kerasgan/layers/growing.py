"""Networks that grow while they train, from small images to large ones.

Progressive growing (Karras et al. 2018, section 2,
https://arxiv.org/abs/1710.10196) of a network whose shapes stay the same: a
level says how many of its finest stages take no part. It is a fraction while
one fades in: 0 is the whole network, 1.25 is without the finest stage, and
with three quarters of the next one. Images always have their full size; those
of level l have the detail of a size 2^l times smaller.
"""

import itertools
import math

import keras
from keras import layers, ops

from kerasgan.layers.activations import leaky_relu
from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.minibatch import MinibatchStdDev
from kerasgan.layers.precision import output_dtype
from kerasgan.layers.resampling import average_pool, crop, upsample
from kerasgan.layers.shapes import halved_sizes

# He et al. 2015: what keeps the scale through a (leaky) ReLU.
HE_GAIN = math.sqrt(2.0)


def growing_stages(image_shape, width, max_width):
    """(height, width, channels) of each stage, the image's own size first.

    Channels double with each halving of the size, up to a limit, and are
    rounded down where `width` is a fraction.
    """
    return [
        (*size, min(int(width * 2**i), max_width))
        for i, size in enumerate(halved_sizes(image_shape))
    ]


class Growing(keras.Model):
    """A network with a level, a variable that is saved and not trained."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.level = self.add_weight(
            name="level",
            shape=(),
            initializer="zeros",
            trainable=False,
            autocast=False,  # A schedule's digits, whatever layers compute in.
        )

    @property
    def scheduled(self):
        """Variables that a schedule may set, by name."""
        return {"level": self.level}


def blend(fine, coarse, share):
    """Two tensors of a shape -> the coarse one's share of them, in [0, 1].

    Args:
        share: [], cut to [0, 1].
    """
    share = ops.clip(ops.cast(share, fine.dtype), 0.0, 1.0)
    return fine + (coarse - fine) * share


def enlarge(x, size):
    """x [batch, h, w, c] -> twice as large, or a pixel less: [batch, *size, c].

    By repetition.
    """
    return crop(upsample(x, "nearest"), size)


def fade(images, level, levels):
    """Images as a network of this level could make them, of the same size.

    Real ones have to look like this, or what they have in detail gives them
    away.

    Args:
        images: [batch, h, w, c].
        level: [], 0 or more.
        levels: How many halvings there are at most.
    """
    halved = [images]
    for _ in range(levels):
        halved.append(average_pool(halved[-1]))
    return merge(halved[::-1], level)


def merge(images, level):
    """Images of every size, the smallest first -> those of a level.

    [batch, h, w, c] of the largest size.
    """
    x, *larger = images
    for number, image in enumerate(larger, start=1):
        coarse = enlarge(x, image.shape[1:3])
        x = blend(image, coarse, level - (len(larger) - number))
    return x


def convolve(channels, kernel_size=3, activation=leaky_relu, **arguments):
    """An equalized convolution with He's gain, and its activation."""
    return EqualizedConv2D(
        channels,
        kernel_size=kernel_size,
        activation=activation,
        gain=HE_GAIN,
        **arguments,
    )


class GrowingTrunk(layers.Layer):
    """Halves images until they are a small grid, and judges that.

    Each stage can begin with an image; the last sees how much images of a
    group differ. Karras et al. 2018, table 2.

    Args:
        image_shape, width, max_width: Of `growing_stages`.
        outputs: How many logits to give.
        group_size: Images that are compared with each other.
        deviation_channels: Channels that tell of them; 0 leaves it out.
        halve: (height, width, channels, channels to give) -> a layer that
            halves the size.
    """

    def __init__(
        self,
        image_shape,
        width,
        max_width,
        outputs,
        group_size,
        deviation_channels,
        halve,
    ):
        super().__init__(name="trunk")
        stages = growing_stages(image_shape, width, max_width)
        last_width = min(int(width * 2 ** len(stages)), max_width)
        grid_height, _, grid_width = stages[-1]
        self.from_images = [
            convolve(channels, kernel_size=1, name=f"from_image_{height}px")
            for height, _, channels in stages
        ]
        self.stages = [
            halve(*stage, wider)
            for stage, (_, _, wider) in itertools.pairwise(stages)
        ]
        self.compare = None
        if deviation_channels:
            self.compare = MinibatchStdDev(group_size, deviation_channels)
        self.last = convolve(grid_width, name=f"stage_{grid_height}px")
        self.flatten = layers.Flatten()
        self.dense = EqualizedDense(
            last_width, activation=leaky_relu, gain=HE_GAIN, name="dense"
        )
        self.to_logits = EqualizedDense(
            outputs, dtype=output_dtype(), name="to_logits"
        )

    def call(self, images, level):
        """Images [batch, h, w, c] -> logits [batch, outputs], features.

        Those are the stages' outputs, first to last.
        """
        x = self.from_images[0](images)
        features = []
        for number, stage in enumerate(self.stages):
            images = average_pool(images)
            coarse = self.from_images[number + 1](images)
            x = blend(stage(x), coarse, level - number)
            features.append(x)
        if self.compare is not None:
            x = self.compare(x)
        x = self.last(x)
        features.append(x)
        return self.to_logits(self.dense(self.flatten(x))), features
