"""The same networks and game in PyTorch, written plainly.

They are those of its DCGAN example: a projection, 4x4 convolutions of stride
2, batch norm, Adam. Each update draws latents of its own, as ours does.
"""

import math

import torch
from torch import nn
from torch.nn import functional

LATENT_SIZE = 100


def plain_torch(case, channels_last=False):
    """A `Case` of DCGAN -> a function that trains so many steps."""
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    generator = _generator(case).to(memory_format=layout)
    discriminator = _discriminator(case).to(memory_format=layout)
    adam = {"lr": 2e-4, "betas": (0.5, 0.999)}
    of_generator = torch.optim.Adam(generator.parameters(), **adam)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), **adam)
    height, width, channels = case.image_shape
    shape = (case.batch_size, channels, height, width)
    real = torch.rand(shape).to(memory_format=layout) * 2 - 1

    def draw():
        return torch.randn(case.batch_size, LATENT_SIZE, 1, 1)

    def step():
        with torch.no_grad():
            fake = generator(draw())
        of_discriminator.zero_grad(set_to_none=True)
        _discriminator_loss(case, discriminator, real, fake).backward()
        of_discriminator.step()
        discriminator.requires_grad_(False)
        of_generator.zero_grad(set_to_none=True)
        logits = discriminator(generator(draw()))
        if case.penalty == "GradientPenalty":
            loss = -logits.mean()
        else:
            loss = functional.softplus(-logits).mean()
        loss.backward()
        of_generator.step()
        discriminator.requires_grad_(True)

    def run(steps):
        for _ in range(steps):
            step()

    return run


def _discriminator_loss(case, discriminator, real, fake):
    if case.penalty == "GradientPenalty":
        share = torch.rand(len(real), 1, 1, 1)
        between = (share * real + (1 - share) * fake).requires_grad_(True)
        squares = _squares(discriminator(between), between)
        loss = discriminator(fake).mean() - discriminator(real).mean()
        return loss + 10.0 * ((squares.sqrt() - 1) ** 2).mean()
    real = real.detach().requires_grad_(case.penalty == "R1")
    real_logits = discriminator(real)
    loss = functional.softplus(-real_logits).mean()
    loss = loss + functional.softplus(discriminator(fake)).mean()
    if case.penalty == "R1":
        loss = loss + 5.0 * _squares(real_logits, real).mean()
    return loss


def _squares(logits, images):
    (slopes,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return slopes.square().sum((1, 2, 3))


def _widths(case):
    stages = int(math.log2(case.image_shape[0] / 4))
    return [case.width * 2**i for i in range(stages)]


def _generator(case):
    widths = _widths(case)[::-1]
    layers = [nn.ConvTranspose2d(LATENT_SIZE, widths[0], 4, 1, 0, bias=False)]
    for width, narrower in zip(widths, [*widths[1:], 3], strict=True):
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        layers.append(nn.ConvTranspose2d(width, narrower, 4, 2, 1, bias=False))
    return nn.Sequential(*layers, nn.Tanh())


def _discriminator(case):
    layers, channels, use_bias = [], 3, not case.batch_norm
    for index, width in enumerate(_widths(case)):
        layers.append(nn.Conv2d(channels, width, 4, 2, 1, bias=use_bias))
        if not use_bias and index:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        channels = width
    layers.append(nn.Conv2d(channels, 1, 4, 1, 0, bias=use_bias))
    return nn.Sequential(*layers, nn.Flatten(0))
