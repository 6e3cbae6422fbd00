"""The families' tiny networks, as tests of what all of them promise want them."""

import functools
import importlib
import pathlib

import keras
import numpy as np
import pytest

from kerasgan import presets
from kerasgan.layers.label_heads import LABEL_HEADS
from kerasgan.layers.spectral import SpectralLayer

ROOT = pathlib.Path(__file__).parents[1]
ODD_SHAPE = (9, 12, 2)
CLASSES = 3
LABELS = np.array([0, 2, 1, 1])

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow"
)
every_family = pytest.mark.parametrize("family", presets.FAMILIES)
# Every family is compiled, by XLA and by JAX, and takes any shape; all but these
# do with the slow tests.
QUICK = ("dcgan", "gan", "resnet", "sngan", "stylegan2")
quick_families = pytest.mark.parametrize(
    "family",
    [
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
        for name in presets.FAMILIES
    ],
)
both_roles = pytest.mark.parametrize("role", ["Generator", "Discriminator"])


def network_class(family, role):
    return getattr(_module(family), role)


def network(family, role, **arguments):
    """The family's tiny network, with some arguments changed."""
    tiny = next(iter(_module(family).PRESETS.values()))[role.lower()]
    return network_class(family, role)(**{**tiny, **arguments})


def _module(family):
    return importlib.import_module(f"kerasgan.models.{family}")


def example(model, labels=None, seed=0, dtype="float32"):
    """Four latents or images, and labels where the model is told them."""
    shape = getattr(model, "latent_size", None)
    shape = model.image_shape if shape is None else (shape,)
    x = np.random.default_rng(seed).uniform(-1, 1, (4, *shape)).astype(dtype)
    return (
        x
        if model.classes is None
        else (x, LABELS if labels is None else labels)
    )


@functools.cache
def conditionings(family):
    """The ways in which a family's discriminator uses labels."""
    known = []
    for conditioning in (
        "concatenation",
        *LABEL_HEADS,
        "projection",
        "selection",
    ):
        try:
            network(
                family,
                "Discriminator",
                classes=CLASSES,
                conditioning=conditioning,
            )
        except ValueError:
            continue
        known.append(conditioning)
    return known


def outputs_of(model, inputs, training=False):
    """All numbers that a network gives: images, or all logits."""
    if not hasattr(model, "heads"):
        return [model(inputs, training=training)]
    heads = model.heads(inputs, training=training)
    names = ("logits", "classes", "codes", "reconstruction")
    return [heads[name] for name in names if name in heads]


def randomize(model, seed=0):
    """Weights that hide no term: biases, gains and statistics too."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        value = random.standard_normal(weight.shape)
        if weight.name == "kernel":
            value *= np.sqrt(2 / np.prod(weight.shape[:-1]))
        elif weight.name == "raw_kernel":  # Scaled when it is used.
            value *= _mapping_scale(weight)
        elif weight.name in ("moving_variance", "moving_square"):
            value = 1 + np.abs(value)
        elif weight.name == "level":  # All stages take part of two.
            value = 0.5
        else:
            value = 0.3 * value + (weight.name == "gain")
            if weight.name == "bias":
                value *= _mapping_scale(weight)
        weight.assign(value)
    for layer in model._flatten_layers():
        if isinstance(layer, SpectralLayer):
            converge(layer)


def converge(layer):
    """Gives a layer of spectral norm its singular vectors.

    Where they have converged, to hold them constant changes no derivative.
    """
    left, _, right = np.linalg.svd(np.asarray(layer._matrix()))
    layer.u.assign(right[0])
    if layer.stored_vectors:
        layer.v.assign(left[:, 0])


def _mapping_scale(weight):
    """Mapping networks use a hundredth of their dense layers' weights."""
    return 100 if "/dense_" in weight.path and "mapping" in weight.path else 1


def odd_network(family, role, **arguments):
    """Sides that need cropping, labels, and the rarer of two upsamplings."""
    if (family, role) == ("resnet", "Generator"):
        arguments["upsampling"] = "bilinear"
    model = network(
        family, role, image_shape=ODD_SHAPE, classes=CLASSES, **arguments
    )
    randomize(model)
    return model
