"""LPIPS: a distance between two images that agrees with people's.

    sum over layers l of the mean over places of
        sum over channels c of w_lc (a_lc - b_lc)^2

with a and b the two images' activations in VGG16, of length 1 at each place.
Zhang et al. 2018, https://arxiv.org/abs/1801.03924, equation 1; the weights
are version 0.1's.
"""

import keras
import numpy as np
from keras import layers, ops
from keras.saving import register_keras_serializable

from kerasgan import devices
from kerasgan.features import torch_files, vgg
from kerasgan.features import weights as weight_files
from kerasgan.features.network import FeatureNetwork

# Of ImageNet's images, in [-1, 1], as version 0.1 rounds them.
_MEAN = np.array([-0.030, -0.088, -0.188], "float32")
_STD = np.array([0.458, 0.448, 0.450], "float32")

WEIGHTS = weight_files.Source(
    what="LPIPS' linear layers (its VGG16 comes by KERASGAN_VGG16_WEIGHTS)",
    variable="KERASGAN_LPIPS_WEIGHTS",
    url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/"
    "master/lpips/weights/v0.1/vgg.pth",
    sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    others=("kerasgan-lpips-vgg-v0.1.weights.h5",),
)


class LPIPS(FeatureNetwork):
    """Distances between images, and what they are distances of.

    Taps: "relu1" to "relu5", flat, scaled so that the squared distance between
    two images' features is that layer's term of LPIPS. Their widths depend on
    the images' size, which may be any.

    Args:
        weights: A file: the published linear layers (.pth; VGG16 is then
            looked for as well), a state dict of the whole (.pth), or our own
            (.weights.h5). None looks for one.
        vgg_weights: A file of torchvision's VGG16, where it is needed; None
            looks for it.
    """

    name = "lpips_vgg"

    def __init__(self, weights=None, vgg_weights=None):
        path = weight_files.locate(WEIGHTS, weights)
        self.published = weight_files.is_published(WEIGHTS, path)
        super().__init__(_build())

        def from_torch(state):
            return _from_torch(state, vgg_weights)

        weight_files.load(self.model, path, from_torch)
        pair = [keras.Input((None, None, 3)) for _ in range(2)]
        self._pairs = keras.Model(pair, _terms(self.model, *pair))

    def prepare(self, images):
        return images.astype("float32") / 127.5 - 1.0

    def terms(self, *, real, fake):
        """Images [n, h, w, 3] in [-1, 1] -> the layers' terms [n, 5].

        Of `keras.ops` alone: gradients pass, and a loss may use it.
        """
        return _terms(self.model, real, fake)

    def distance(self, *, real, fake):
        """Images [n, h, w, 3] in [-1, 1] -> LPIPS [n], with gradients."""
        return ops.sum(self.terms(real=real, fake=fake), axis=1)

    def distances(self, *, real, fake, batch_size=32):
        """NumPy images [n, h, w, 3] in [-1, 1] -> LPIPS float32 [n].

        Batch by batch, the last one filled up, compiled.
        """
        found = []
        for start in range(0, len(real), batch_size):
            rows = np.arange(start, start + batch_size) % len(real)
            with devices.full_float32():
                terms = self._pairs.predict_on_batch([real[rows], fake[rows]])
            found.append(np.asarray(terms)[: len(real) - start].sum(axis=1))
        return np.concatenate(found)


def _terms(model, real, fake):
    both = model(ops.concatenate([real, fake], axis=0))
    terms = []
    for _, features in sorted(both.items()):
        real, fake = ops.split(features, 2, axis=0)
        terms.append(ops.sum(ops.square(real - fake), axis=1))
    return ops.stack(terms, axis=1)


def _build():
    images = keras.Input((None, None, 3), dtype="float32")
    stages = vgg.convolutions((images - _MEAN) / _STD)
    taps = {
        f"relu{number}": _Weighting(dtype="float32", name=f"lin{number - 1}")(x)
        for number, x in enumerate(stages, 1)
    }
    return keras.Model(images, taps)


def _from_torch(state, vgg_weights):
    """Arrays of a state dict, whole or linear -> {path: array}."""
    if "net.slice1.0.weight" in state:
        place = "net.slice{stage}.{number}"
        arrays = vgg.convolutions_from_torch(state, place)
    else:
        path = weight_files.locate(vgg.WEIGHTS, vgg_weights)
        arrays = vgg.convolutions_from_torch(torch_files.read(path))
    for number in range(len(vgg.STAGES)):
        kernel = state[f"lin{number}.model.1.weight"].reshape(-1)
        if kernel.min() < 0:
            raise ValueError("LPIPS' linear weights must not be negative.")
        arrays[f"lin{number}/kernel"] = kernel
    return arrays


@register_keras_serializable(package="kerasgan.features.lpips")
class _Weighting(layers.Layer):
    """Activations [n, h, w, c] -> [n, h w c], of length 1 at each place, times
    the root of the channel's weight over the number of places."""

    def build(self, shape):
        self.kernel = self.add_weight((shape[-1],), "zeros", name="kernel")

    def call(self, x):
        squared = ops.sum(ops.square(x), axis=-1, keepdims=True)
        # A root has no derivative at 0, where no channel is active.
        lengths = ops.sqrt(ops.maximum(squared, 1e-20)) + 1e-10
        shape = ops.shape(x)
        places = ops.cast(shape[1] * shape[2], "float32")
        x = x / lengths * ops.sqrt(self.kernel / places)
        return ops.reshape(x, (shape[0], -1))

    def compute_output_shape(self, shape):
        return (shape[0], None)
