"""Each family at its usual size, compiled as its recipe or paper trains it.

No Keras at import: PyTorch's process reads this too.
"""

import dataclasses

from kerasgan import recipes
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
    # The same game in torch-mimicry: module, prefix of its names, width of G.
    mimicry: tuple[str, str, int] | None = None
    classes: int | None = None  # The presets have none.

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


@dataclasses.dataclass(frozen=True)
class RecipeCase:
    """A recipe's GAN, with some settings changed as `--set` changes them."""

    recipe: str
    image_shape: tuple[int, int, int]
    settings: dict = dataclasses.field(default_factory=dict)
    few_classes: int = 10  # Of conditional ones.
    mimicry: tuple[str, str, int] | None = None  # As for `Case`.

    @property
    def changed(self):
        return recipes.get(self.recipe).override(self.settings)

    @property
    def classes(self):
        return self.few_classes if self.changed.conditional else None

    @property
    def batch_size(self):
        return self.changed.batch_size

    @property
    def discriminator_steps(self):
        return self.changed.discriminator_steps

    def build(self, jit_compile="auto"):
        """A compiled model with new weights."""
        names = {"auto": "auto", True: "on", False: "off"}
        recipe = self.changed.replace(jit_compile=names[jit_compile])
        return recipe.build(self.image_shape, self.classes)


def data_of(case, rows=None):
    """Random images, or (images, labels), as `train_step` takes them."""
    import numpy as np

    rng, rows = np.random.default_rng(0), rows or case.batch_size
    images = rng.uniform(-1, 1, (rows, *case.image_shape)).astype("float32")
    if case.classes is None:
        return images
    return images, rng.integers(case.classes, size=rows, dtype="int32")


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
    "resnet_32px": Case(
        "resnet_cifar10_32px",
        (32, 32, 3),
        mimicry=("wgan_gp", "WGANGP", 128),
        **_WGAN_GP,
    ),
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
# As a recipe trains on two cores, at 32 px. Growing networks have grown.
_GROWN = {"stable_images": "1", "fade_images": "1"}
SMALL = {
    f"{name}_small": RecipeCase(
        name, (32, 32, 3), _GROWN if name in ("progan", "stylegan") else {}
    )
    for name in recipes.NAMES
}
_IMAGENET = {"image_shape": (128, 128, 3), "few_classes": 1000}
_STYLES = {
    "latent_size": "512",
    "style_size": "512",
    "max_width": "512",
    "batch_size": "64",
}
# As published: the settings in the recipe's own words, at these sizes.
PUBLISHED = {
    "sngan_32px": RecipeCase(
        "sngan",
        (32, 32, 3),
        {
            "width": "128",
            "generator_width": "256",
            "latent_size": "128",
            "discriminator_steps": "5",
            "batch_size": "320",
        },
        mimicry=("sngan", "SNGAN", 256),
    ),
    "sagan_128px": RecipeCase(
        "sagan",
        settings={
            "width": "64",
            "max_width": "1024",
            "attention_px": "32",
            "smallest_px": "4",
            "last_blocks": "1",
            "latent_size": "128",
            "batch_size": "256",
        },
        **_IMAGENET,
    ),
    "biggan_128px": RecipeCase(
        "biggan",
        settings={
            "width": "96",
            "latent_size": "120",
            "label_width": "128",
            "batch_size": "256",  # An eighth: what is accumulated at once.
        },
        **_IMAGENET,
    ),
    "biggan_deep_128px": RecipeCase(
        "biggan_deep",
        settings={
            "width": "128",
            "latent_size": "128",
            "label_width": "128",
            "batch_size": "256",
        },
        **_IMAGENET,
    ),
    "densenet_32px": RecipeCase(
        "densenet",
        (32, 32, 3),
        {
            "generator_width": "256",
            "width": "64",
            "growth": "32",
            "depth": "4",
            "latent_size": "128",
        },
    ),
    "mescheder_256px": RecipeCase(
        "mescheder",
        (256, 256, 3),
        {
            "width": "64",
            "max_width": "1024",
            "latent_size": "256",
            "optimizer": "rmsprop",
        },
    ),
    "fastgan_256px": RecipeCase(
        "fastgan",
        (256, 256, 3),
        {"max_width": "1024", "latent_size": "256", "batch_size": "8"},
    ),
    "r3gan_32px": RecipeCase(
        "r3gan",
        (32, 32, 3),
        {
            "labels": "true",
            "width": "768",
            "max_width": "768",
            "blocks": "2",
            "label_width": "768",
            "batch_size": "512",
        },
    ),
    "progan_256px": RecipeCase(
        "progan",
        (256, 256, 3),
        {
            **_GROWN,
            "width": "64",
            "max_width": "512",
            "latent_size": "512",
            "batch_size": "64",
        },
    ),
    "stylegan_256px": RecipeCase(
        "stylegan",
        (256, 256, 3),
        {
            **_GROWN,
            **_STYLES,
            "width": "64",
            "mapping_width": "512",
            "mapping_depth": "8",
        },
    ),
    "stylegan2_256px": RecipeCase(
        "stylegan2",
        (256, 256, 3),
        {**_STYLES, "width": "64", "mapping_depth": "8", "group_size": "8"},
    ),
    "stylegan3_256px": RecipeCase(
        "stylegan3",
        (256, 256, 3),
        {
            **_STYLES,
            "width": "64",
            "discriminator_width": "64",
            "depth": "14",
            "critical_layers": "2",
            "margin_px": "10",
        },
    ),
}
TINY = {
    "dcgan_tiny": Case("dcgan_tiny", (16, 16, 3)),
    "resnet_tiny": Case("resnet_tiny", (8, 8, 3), **_WGAN_GP),
    "cgan_tiny": RecipeCase("cgan", (8, 8, 3), {"width": "8"}),
}


def get(names):
    """Names of cases -> {name: `Case` or `RecipeCase`}."""
    known = CASES | PENALTIES | SMALL | PUBLISHED | TINY
    for name in names:
        if name not in known:
            raise unknown_name("cases", name, known)
    return {name: known[name] for name in names}
