"""Orthogonal regularization: the filters of a layer do not say the same."""

import dataclasses

import keras
from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import schedules
from kerasgan.regularizers.regularizer import Regularizer
from kerasgan.schedules import Schedule


@register_keras_serializable(package="kerasgan.regularizers")
@dataclasses.dataclass(frozen=True)
class Orthogonality(Regularizer):
    """Filters of each layer are drawn to right angles, whatever their lengths.

        weight * sum over layers of |W^T W * (1 - I)|^2

    of a layer's kernel as a matrix with a filter in each column, * by element.
    It makes BigGANs amenable to truncation: Brock et al. 2019, equation 3,
    https://arxiv.org/abs/1809.11096. Of dense and convolutional layers'
    kernels, as they are before spectral normalization; not of tables of labels.

    Args:
        player: Whose networks; the paper's is the generator.
    """

    weight: float | Schedule = 1e-4
    player: str = dataclasses.field(default="generator", kw_only=True)

    def terms(self, network, function, batch):
        """The weighted sum, the same for each example."""
        del function

        def measure():
            weight = schedules.get(self.weight)(batch.images_seen)
            total = sum(overlap(matrix) for matrix in matrices(network))
            rows = ops.ones_like(batch.numbers, dtype="float32")
            return weight * total * rows

        return {self.name: self.lazily(network, batch, measure)}


def matrices(network):
    """The kernels of a network's layers, [inputs, filters] each."""
    for layer in network._flatten_layers():
        kernel = getattr(layer, "kernel", None)
        if kernel is None or getattr(layer, "is_table", False):
            continue
        kernel = ops.convert_to_tensor(kernel)
        if isinstance(layer, keras.layers.Conv2DTranspose):
            kernel = ops.swapaxes(kernel, -1, -2)
        yield ops.reshape(kernel, (-1, kernel.shape[-1]))


def overlap(matrix):
    """[inputs, filters] -> the sum of squared products of unlike filters."""
    matrix = ops.cast(matrix, "float32")
    products = ops.matmul(ops.transpose(matrix), matrix)
    others = 1.0 - ops.eye(matrix.shape[-1], dtype="float32")
    return ops.sum(ops.square(products * others))
