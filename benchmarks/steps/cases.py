"""Each family at its usual size, compiled as its recipe or paper trains it.

No Keras at import: PyTorch's process reads this too.
"""

import dataclasses

from kerasgan.errors import unknown_name


@dataclasses.dataclass(frozen=True)
class Case:
    """A GAN to build, and the batch that its paper takes for one step."""

    preset: str
    image_shape: tuple[int, int, int]
    batch_size: int = 64
    discriminator_steps: int = 1
    loss: str = "non_saturating"
    penalty: str | None = None  # A name in `kerasgan.regularizers`.
    width: int | None = None  # None: the preset's.
    batch_norm: bool | None = None  # Of DCGAN's discriminator.

    def build(self, jit_compile="auto"):
        """A compiled `GANModel` with new weights."""
        from kerasgan import GANModel, regularizers

        penalty = self.penalty and getattr(regularizers, self.penalty)
        model = GANModel(*self.networks())
        model.compile(
            loss=self.loss,
            regularizers=[penalty()] if penalty else [],
            discriminator_steps=self.discriminator_steps,
            jit_compile=jit_compile,
        )
        return model

    def networks(self):
        """The preset's networks with what this case changes of them."""
        from kerasgan import presets

        changes = {"image_shape": self.image_shape}
        if self.width is not None:
            changes["width"] = self.width
        networks = []
        for network in presets.get(self.preset):
            config = {**network.get_config(), **changes}
            if self.batch_norm is not None and "batch_norm" in config:
                config["batch_norm"] = self.batch_norm
            networks.append(type(network).from_config(config))
        return networks


_WGAN_GP = {
    "loss": "wasserstein",
    "penalty": "GradientPenalty",
    "batch_size": 320,  # 64 for each update.
    "discriminator_steps": 5,
}
_DCGAN = "dcgan_lsun_64px"
CASES = {
    "gan_28px": Case("gan_mnist_28px", (28, 28, 1)),
    # Half the paper's width, as in PyTorch's example and our recipe.
    "dcgan_32px": Case(_DCGAN, (32, 32, 3), width=64),
    "dcgan_64px": Case(_DCGAN, (64, 64, 3), width=64),
    "dcgan_64px_wide": Case(_DCGAN, (64, 64, 3), batch_size=128),
    "resnet_32px": Case("resnet_cifar10_32px", (32, 32, 3), **_WGAN_GP),
    "resnet_64px": Case("resnet_lsun_64px", (64, 64, 3), **_WGAN_GP),
}
# What a penalty adds, where nothing else differs.
PENALTIES = {
    f"dcgan_{size}px_{name}": Case(
        _DCGAN,
        (size, size, 3),
        width=64,
        batch_norm=False,
        loss=loss,
        penalty=penalty,
    )
    for size in (32, 64)
    for name, loss, penalty in (
        ("plain", "non_saturating", None),
        ("r1", "non_saturating", "R1"),
        ("gradient_penalty", "wasserstein", "GradientPenalty"),
    )
}
TINY = {
    "dcgan_tiny": Case("dcgan_tiny", (16, 16, 3)),
    "resnet_tiny": Case("resnet_tiny", (8, 8, 3), **_WGAN_GP),
}


def get(names):
    """Names of cases -> {name: `Case`}."""
    known = CASES | PENALTIES | TINY
    for name in names:
        if name not in known:
            raise unknown_name("cases", name, known)
    return {name: known[name] for name in names}
