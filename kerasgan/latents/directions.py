"""Directions along which images change most: SeFa.

Shen and Zhou 2021, https://arxiv.org/abs/2007.06600. The first layer multiplies
a latent z by A, so moving z by a n changes what it gives by a A n, whatever z
is. The unit vectors that change it most are the first eigenvectors of A^T A.

Differs from the paper: StyleGAN's layers beyond the convolutions, which draw
images or begin with waves, count where they read a chosen style.
"""

import numpy as np
from keras import ops

from kerasgan import gradients
from kerasgan.latents.mixing import styles_of

_SAME = 1e-3  # Of what the images differ by otherwise: it is rounding.


def sefa(model, count=5, layers=None):
    """The directions that change a generator's first layer most.

    Where it has styles, these are directions for styles, and its layers are
    those that read them; elsewhere they are directions for latents, and its
    layer is the dense one that latents enter.

    Args:
        model: A `GANModel`.
        count: How many directions.
        layers: The numbers of styles whose layers are looked at, from 0, such
            as range(4) for coarse ones; None takes all.

    Returns:
        Directions float32 [count, d] of length 1, and their eigenvalues
        [count], the largest first. Each one's largest number is positive.

    Raises:
        ValueError: `count` or `layers` are out of range, or latents enter the
            generator in another way than by a single dense layer.
    """
    network = model.averaged_generator
    kernels = getattr(network, "style_kernels", None)
    if kernels is None:
        if layers is not None:
            raise _no_layers(layers)
        return principal_directions(_latent_kernel(model), count)
    chosen = _checked_layers(layers, len(kernels))
    kernel = [np.array(kernels[layer], "float64") for layer in chosen]
    return principal_directions(np.concatenate(kernel, axis=1), count)


def principal_directions(kernel, count):
    """A kernel [d, n], for x [batch, d] -> x kernel, as `sefa` has them."""
    kernel = np.asarray(kernel, "float64")
    if not 1 <= count <= len(kernel):
        raise ValueError(
            f"`count` must be from 1 to {len(kernel)}, the numbers per latent "
            f"or style. Received: count={count!r}"
        )
    values, vectors = np.linalg.eigh(kernel @ kernel.T)
    values, vectors = values[::-1][:count], vectors.T[::-1][:count]
    largest = np.abs(vectors).argmax(axis=1)[:, None]
    signs = np.sign(np.take_along_axis(vectors, largest, axis=1))
    return (signs * vectors).astype("float32"), np.maximum(values, 0.0)


def edit(
    model,
    latents,
    direction,
    amounts,
    labels=None,
    layers=None,
    truncation=None,
    truncation_center="all",
):
    """Moves samples along a direction -> images [n, amounts, ...].

    Args:
        model: A `GANModel`.
        latents: [n, latent_size]; or styles [n, style_count, style_size],
            such as a projection's.
        direction: [d], as long as a style where the generator has them, and
            else as a latent.
        amounts: [a], how far to go; 0 is the sample itself.
        labels: One for all, or one for each of the n.
        layers: The numbers of the styles that move; None moves all.
        truncation, truncation_center: As in `GANModel.decode`. Styles are
            truncated before they move, latents after it.
    """
    size = model.latent_size
    if model.has_styles:
        size = model.averaged_generator.style_size
    elif layers is not None:
        raise _no_layers(layers)
    direction = np.asarray(direction, "float32")
    if direction.shape != (size,):
        raise ValueError(
            f"`direction` must have the shape ({size},). Received: "
            f"shape={direction.shape}"
        )
    amounts = np.asarray(amounts, "float32").reshape(-1, 1)
    moves = amounts * direction
    if not model.has_styles:
        latents = np.asarray(latents, "float32")
        points = (latents[:, None] + moves).reshape(-1, latents.shape[1])
        if labels is not None:
            labels = model.labels_for(len(latents), labels)
            labels = np.repeat(labels, len(amounts), axis=0)
        images = model.decode(
            points,
            labels,
            truncation=truncation,
            truncation_center=truncation_center,
        )
    else:
        styles = styles_of(
            model, latents, labels, truncation, truncation_center
        )
        chosen = _checked_layers(layers, styles.shape[1])
        styles = np.repeat(styles[:, None], len(amounts), axis=1)
        styles[:, :, chosen] += moves[:, None]
        images = model.synthesize(styles.reshape(-1, *styles.shape[2:]))
    return images.reshape(-1, len(amounts), *images.shape[1:])


def _no_layers(layers):
    return ValueError(
        "`layers` must be None for a generator without styles. "
        f"Received: layers={layers!r}"
    )


def _checked_layers(layers, count):
    layers = list(range(count) if layers is None else layers)
    if not layers or min(layers) < 0 or max(layers) >= count:
        raise ValueError(
            f"`layers` must be numbers from 0 to {count - 1}, for there are "
            f"{count} layers with styles. Received: layers={layers!r}"
        )
    return layers


def _latent_kernel(model):
    """The matrix [latent_size, n] that multiplies latents first.

    It is found by what only that one has: reorder the latents, and its rows in
    the same way, and images stay. Labels may stand beside latents, and
    further latents may go elsewhere: their rows are 0.
    """
    network, size = model.averaged_generator, model.latent_size
    latents = model.latents(2)
    labels = model.labels(2) if model.takes_labels else None

    def images(latents, replaced=()):
        inputs = latents if labels is None else (latents, labels)
        with gradients.without_writes(network, replaced):
            return np.array(network(inputs, training=False))

    original = images(latents)
    for kernel in network.weights:
        if len(kernel.shape) != 2:
            continue
        # By way of a tensor: NumPy warns of TensorFlow's variables.
        values = ops.convert_to_numpy(ops.copy(kernel.value))
        rows = min(len(values), size)
        other = latents.copy()
        other[:, :rows] = latents[:, :rows][:, ::-1]
        change = np.abs(images(other) - original).max()
        for start in {0, len(values) - rows}:
            own = slice(start, start + rows)
            moved = values.copy()
            moved[own] = values[own][::-1]
            rest = np.abs(images(other, [(kernel, moved)]) - original).max()
            if rest < _SAME * change:
                return np.pad(values[own], ((0, size - rows), (0, 0)))
    raise ValueError(
        "The generator must take latents by a single dense layer. Received: "
        f"{type(network).__module__}.{type(network).__name__}, in which none "
        "was found. Give the layer's kernel to `principal_directions`."
    )
