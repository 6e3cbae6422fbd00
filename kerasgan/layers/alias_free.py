"""Layers that know of frequencies, so that nothing sticks to the pixels.

Karras et al. 2021, https://arxiv.org/abs/2106.12423, section 2.1 and appendix
C. Frequencies are in cycles per side of the image's square, of length 1.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from kerasgan.layers.activations import clip, leaky_relu
from kerasgan.layers.equalized import EqualizedDense
from kerasgan.layers.filters import resample
from kerasgan.layers.image_norm import pixel_norm
from kerasgan.layers.modulation import convolve_modulated
from kerasgan.layers.precision import output_dtype


class Signal:
    """What a layer gives: how it is sampled, and what it may hold."""

    def __init__(self, cutoff, stopband, square, size, channels, margin_px):
        """`size` (h, w) of the image; the last layers have no margin: None."""
        self.cutoff = cutoff
        finest = min(2.0 * stopband, square)
        self.rate = 2 ** math.ceil(math.log2(finest))
        self.half_width = max(stopband, self.rate / 2) - cutoff
        self.channels = channels
        self.size = tuple(size)
        if margin_px is not None:
            # Even, so that the middle of all layers is the same place.
            self.size = tuple(
                2 * (math.ceil(self.rate * side / square / 2) + margin_px)
                for side in size
            )


class Waves(layers.Layer):
    """Waves of random frequencies, turned and moved as a style says.

    In float32 at least. `transform` [3, 3] turns and moves all of them, for
    who wants to see the image from elsewhere.
    """

    def __init__(self, signal, style_size):
        super().__init__(name="waves", dtype=output_dtype())
        self.signal = signal
        channels = signal.channels
        self.frequencies = self._add("frequencies", (channels, 2), self._draw)
        self.phases = self._add(
            "phases", (channels,), keras.initializers.RandomUniform(-0.5, 0.5)
        )
        self.transform = self._add("transform", (3, 3), "identity")
        self.kernel = self._add(
            "raw_kernel",
            (channels, channels),
            keras.initializers.RandomNormal(0.0, 1.0),
            True,
        )
        self.pose_kernel = self._add("pose", (style_size, 4), "zeros", True)
        self.pose_bias = self._add("bias", (4,), _unturned, True)

    def call(self, style):
        """Style [batch, n] -> [batch, h, w, channels]."""
        frequencies, phases = self._posed(style)
        nyquist = self.signal.rate / 2
        length = ops.sqrt(ops.sum(ops.square(frequencies), axis=-1))
        # What the grid cannot hold fades out.
        excess = (length - self.signal.cutoff) / (nyquist - self.signal.cutoff)
        amplitudes = ops.clip(1.0 - excess, 0.0, 1.0)[:, None, None]
        rows, columns = (
            ops.convert_to_tensor(
                (np.arange(side) + 0.5 - side / 2) / self.signal.rate,
                style.dtype,
            )
            for side in self.signal.size
        )
        turns = (
            rows[:, None, None] * frequencies[:, None, None, :, 1]
            + columns[:, None] * frequencies[:, None, None, :, 0]
            + phases[:, None, None]
        )
        waves = ops.sin(2 * math.pi * turns) * amplitudes
        scale = 1.0 / math.sqrt(self.signal.channels)
        return ops.matmul(waves, scale * self.kernel.value)

    def _posed(self, style):
        """Style [batch, n] -> frequencies [batch, c, 2], phases [batch, c]."""
        scale = 1.0 / math.sqrt(style.shape[-1])
        pose = ops.matmul(style, scale * self.pose_kernel.value)
        pose = pose + self.pose_bias.value
        length = ops.sqrt(ops.sum(ops.square(pose[:, :2]), -1, keepdims=True))
        cosine, sine, x, y = ops.split(pose / length, 4, axis=1)
        turn = ops.stack(
            [
                ops.concatenate([cosine, -sine], axis=1),
                ops.concatenate([sine, cosine], axis=1),
            ],
            axis=1,
        )
        outer = self.transform.value
        # First moved by -(x, y), then turned, and all that after `transform`.
        shift = outer[None, :2, 2] - ops.concatenate([x, y], axis=1)
        shift = ops.matmul(turn, shift[..., None])
        turn = ops.matmul(turn, outer[None, :2, :2])
        frequencies = self.frequencies.value[None]
        phases = ops.matmul(frequencies, shift)[..., 0] + self.phases.value
        return ops.matmul(frequencies, turn), phases

    def _add(self, name, shape, initializer, trainable=False):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            autocast=False,
        )

    def _draw(self, shape, dtype=None):
        """Uniform on a disc of the signal's cutoff, or nearly so."""
        values = keras.initializers.RandomNormal(0.0, 1.0)(shape, dtype)
        squares = ops.sum(ops.square(values), axis=-1, keepdims=True)
        return (
            values
            * self.signal.cutoff
            / ops.sqrt(squares * ops.exp(0.5 * squares))
        )


def _unturned(shape, dtype=None):
    return ops.one_hot(0, shape[0], dtype=dtype)


class FilteredConvolution(layers.Layer):
    """A modulated convolution; its activation between two filters.

    The activation makes frequencies that the signal may not have. It acts on
    twice as many samples, which hold most of them until a filter takes them
    away: section 2.1.
    """

    def __init__(
        self,
        name,
        old,
        new,
        style_size,
        kernel_size,
        draws,
        radial,
        taps,
        oversampling,
        magnitude_decay,
        clamp,
    ):
        super().__init__(name=name, autocast=False)
        self.draws = draws
        self.magnitude_decay = magnitude_decay
        self.clamp = clamp
        self.kernel_size = kernel_size
        self.old_channels = old.channels
        self.signal = new
        self._design(old, new, radial, taps, oversampling)
        self.to_scales = EqualizedDense(
            old.channels,
            initial_bias=1.0,
            dtype=output_dtype(),
            name="to_scales",
        )
        self.to_scales.build((None, style_size))
        self.kernel = self.add_weight(
            name="raw_kernel",
            shape=(kernel_size, kernel_size, old.channels, new.channels),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            autocast=False,
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(new.channels,),
            initializer="zeros",
            autocast=False,
        )
        self.magnitude = self.add_weight(
            name="moving_square",
            shape=(),
            initializer="ones",
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def call(self, x, style, training=False):
        """x [batch, h, w, c], style [batch, n] -> [batch, h', w', c']."""
        gain = ops.rsqrt(self._measure(x) if training else self.magnitude.value)
        scales, kernel = self.to_scales(style), self.kernel.value
        if self.draws:
            scales = scales / math.sqrt(self.old_channels)
        else:
            squares = ops.mean(ops.square(kernel), (0, 1, 2))
            kernel = kernel * ops.rsqrt(squares)
            scales = pixel_norm(scales, epsilon=0.0)
        dtype = kernel.dtype if self.draws else self.compute_dtype
        x = ops.pad(ops.cast(x, dtype), self.margins)
        x = convolve_modulated(
            x, kernel, scales, demodulate=not self.draws, padding="valid"
        )
        x = x * ops.cast(gain, dtype) + ops.cast(self.bias.value, dtype)
        if self.draws:
            return clip(x, self.clamp)
        return filtered_leaky_relu(
            x,
            self.up_taps,
            self.down_taps,
            self.up,
            self.down,
            self.padding,
            self.clamp,
        )

    def _design(self, old, new, radial, taps, oversampling):
        """Filters, and the padding that keeps the middle where it is."""
        margin = (self.kernel_size - 1,) * 2
        self.margins = ((0, 0), margin, margin, (0, 0))
        self.up = self.down = 1
        self.up_taps = self.down_taps = np.ones(1)
        self.padding = ((0, 0), (0, 0))
        if self.draws:
            return
        rate = oversampling * max(old.rate, new.rate)
        self.up, self.down = rate // old.rate, rate // new.rate
        self.up_taps, self.down_taps = (
            lowpass(
                taps * factor if factor > 1 else 1,
                signal.cutoff,
                2 * signal.half_width,
                rate,
            )
            for factor, signal in ((self.up, old), (self.down, new))
        )
        sides = []
        for before, after in zip(old.size, new.size, strict=True):
            total = (after - 1) * self.down + 1
            total -= (before + self.kernel_size - 1) * self.up
            total += len(self.up_taps) + len(self.down_taps) - 2
            low = (total + self.up) // 2
            sides.append((low, total - low))
        self.padding = tuple(sides)
        if radial and self.down > 1:
            self.down_taps = lowpass(
                len(self.down_taps),
                new.cutoff,
                2 * new.half_width,
                rate,
                radial=True,
            )

    def _measure(self, x):
        """Moves the average square towards that of x -> where it is then."""
        old = self.magnitude.value
        new = ops.mean(ops.square(ops.cast(x, old.dtype)))
        new = ops.stop_gradient(new)
        new = new + self.magnitude_decay * (old - new)
        self.magnitude.assign(new)
        return new


def filtered_leaky_relu(
    x, up_taps, down_taps, up=1, down=1, padding=0, clamp=None
):
    """x [b, h, w, c] -> finer, times sqrt(2) through the activation, coarser.

    Args:
        up, down, padding: As in `filters.resample`, the padding before the
            first filter.
        clamp: Activations are cut to [-clamp, clamp].
    """
    x = resample(x, up_taps, up=up, padding=padding, gain=float(up**2))
    x = clip(leaky_relu(x, gain=math.sqrt(2.0)), clamp)
    return resample(x, down_taps, down=down)


def lowpass(taps, cutoff, width, rate, radial=False):
    """Taps of a Kaiser-windowed filter that sum to 1.

    Args:
        taps: How many, even where the filter is radial.
        cutoff: The frequency where half of the amplitude passes.
        width: Of the band from what passes to what does not.
        rate: Samples per unit of length.
        radial: A matrix that is alike in all directions, with jinc, instead
            of a sequence for both axes, with sinc.
    """
    places = (np.arange(taps) - (taps - 1) / 2) / rate
    # Kaiser's estimate of the attenuation, in decibels.
    attenuation = 2.285 * (taps - 1) * math.pi * width / (rate / 2) + 7.95
    excess = attenuation - 21.0
    if attenuation > 50.0:
        beta = 0.1102 * (attenuation - 8.7)
    else:
        beta = 0.5842 * max(excess, 0) ** 0.4 + 0.07886 * max(excess, 0)
    window = np.kaiser(taps, beta)
    if radial:
        distance = np.hypot(places[:, None], places[None, :])
        values = _bessel_1(2 * math.pi * cutoff * distance) / distance
        values = values * np.outer(window, window)
    else:
        values = np.sinc(2 * cutoff * places) * window
    return values / values.sum()


def _bessel_1(x):
    """The Bessel function J1: the mean of cos(t - x sin t), t in [0, pi]."""
    # Midpoints of a periodic function: exact to rounding for x below 100.
    t = (np.arange(400) + 0.5) * math.pi / 400
    return np.cos(t - np.asarray(x)[..., None] * np.sin(t)).mean(axis=-1)
