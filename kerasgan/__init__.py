"""kerasgan: the GAN library for Keras 3.

import kerasgan
from kerasgan.models import dcgan

gan = kerasgan.GANModel(dcgan.Generator((28, 28, 1)),
                        dcgan.Discriminator((28, 28, 1)))
gan.compile(loss="hinge")
gan.fit(kerasgan.data.load("digits", size=28).dataset(64, total_images=20000))
"""

import importlib

__version__ = "0.1.0"

# Imported when they are first used: the command line answers at once, and
# TensorFlow stays away where the backend is JAX and nothing needs it.
_MODULES = (
    "augment",
    "callbacks",
    "convert",
    "data",
    "features",
    "label_losses",
    "latents",
    "layers",
    "losses",
    "metrics",
    "models",
    "pictures",
    "presets",
    "random",
    "recipes",
    "reconstruction",
    "regularizers",
    "runs",
    "schedules",
    "strategies",
)
_NAMES = {
    "AdversarialModel": "kerasgan.training.adversarial_model",
    "GANModel": "kerasgan.training.gan",
    "InfoGANModel": "kerasgan.training.info",
    "LatentOptimisationGANModel": "kerasgan.training.latent_optimisation",
    "SelfSupervisedGANModel": "kerasgan.training.self_supervised",
    "UnrolledGANModel": "kerasgan.training.unrolled",
    "load": "kerasgan.serialization",
    "start_from": "kerasgan.training.transfer",
}

__all__ = [*_MODULES, *_NAMES, "__version__"]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"kerasgan.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'kerasgan' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
