"""WGAN-GP's and SNGAN's networks and steps as torch-mimicry has them.

Its package no longer imports (it wants TensorFlow, torchvision and an old
NumPy for what it measures with); its networks do, by themselves.
"""

import importlib.util
import sys
import types

import torch


def mimicry(case):
    """A case at 32 px that mimicry plays -> trains so many steps."""
    family, prefix, width = case.mimicry
    nets = _networks(family)
    torch.manual_seed(0)
    generator = getattr(nets, f"{prefix}Generator32")(nz=128, ngf=width)
    discriminator = getattr(nets, f"{prefix}Discriminator32")(ndf=128)
    adam = {"lr": 2e-4, "betas": (0.5, 0.999)}
    of_generator = torch.optim.Adam(generator.parameters(), **adam)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), **adam)
    steps, rows = case.discriminator_steps, case.batch_size
    images = torch.rand(rows, 3, 32, 32) * 2 - 1

    def step():
        for index in range(steps):
            discriminator.train_step(
                (images[index::steps], None),
                netG=generator,
                optD=of_discriminator,
                log_data=_NoLog(),
                device="cpu",
            )
        generator.train_step(
            (images[::steps], None),
            netD=discriminator,
            optG=of_generator,
            log_data=_NoLog(),
            device="cpu",
        )

    def run(count):
        for _ in range(count):
            step()

    return run


class _NoLog:
    def add_metric(self, *_, **__):
        """Drops it."""


def _networks(family):
    """The module of networks, without what the packages around it import."""
    found = importlib.util.find_spec("torch_mimicry")
    (folder,) = found.submodule_search_locations
    for name, path in (
        ("torch_mimicry", folder),
        ("torch_mimicry.nets", f"{folder}/nets"),
    ):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [path]
    return importlib.import_module(f"torch_mimicry.nets.{family}.{family}_32")
