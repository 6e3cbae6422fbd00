"""Protocols by name: what is compared, in which features, with how many images.

    fid50k_train        FID of 50,000 generated images and all training images
    fid10k_train        the same of 10,000: another number, so another name
    pr50k3_train        improved precision and recall with 3 neighbours
    cfd10k_test         classifier Fréchet distance to the test images

A name is a family, a count of generated images, a number of neighbours where
the family has them ("cdc10k7_train", "cdc897n7_train"), and the split of the
real images. Without a split it is the one that the generator learned from.
"""

import dataclasses
import re
from collections.abc import Callable

from kerasgan.errors import unknown_name
from kerasgan.metrics import measures

_NAME = re.compile(
    r"(?P<family>[a-z][a-z0-9_]*?)_?"
    r"(?P<count>[1-9]\d*)(?P<thousand>k?)"
    r"(?:(?:(?<=k)|n)(?P<neighbours>[1-9]\d*))?"
    r"(?:_(?P<split>train|test))?"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """A metric, and the features in which it is taken.

    Attributes:
        title: In words.
        paper: Where it is defined.
        values: {name: "lower", "higher" or ""}, what `measure` gives.
        measure: A function of a `measures.Comparison` -> {name: number}.
        network: The name of a feature network; None looks at images.
        tap: The network's output that is compared.
        resize: How images come to the network's size, where one may choose.
        real: "all" real images; as many as there are of both sides ("equal");
            always those that were learned from ("train"); or "none".
        neighbours: The k of metrics that have one.
        full_rank: Needs more images than features have dimensions.
        labels: Needs labels of both sides.
        generator: Needs the generator itself, not just its images.
        least_px: Of the images' shorter side.
        settings: What else the definition leaves open, for records.
    """

    title: str
    paper: str
    values: dict
    measure: Callable
    network: str | None = None
    tap: str | None = None
    resize: str | None = None
    real: str = "all"
    neighbours: int | None = None
    full_rank: bool = False
    labels: bool = False
    generator: bool = False
    least_px: int = 1
    settings: dict = dataclasses.field(default_factory=dict)


_INCEPTION = {"network": "inception_2015", "tap": "2048"}
_CLASSIFIER = {"network": "classifier", "tap": "features"}
_VGG = {"network": "vgg16_fc2", "tap": "fc2_relu"}

_FRECHET = {
    "paper": "https://arxiv.org/abs/1706.08500",
    "measure": measures.frechet,
    "full_rank": True,
    "settings": {"covariance": "divided by n - 1"},
}
_KERNEL = {
    "paper": "https://arxiv.org/abs/1801.01401",
    "measure": measures.kernel,
    "settings": {
        "kernel": "(x.y / d + 1)^3",
        "estimate": "unbiased",
        "subsets": 100,
        "subset_size": 1000,
    },
}
_PRECISION_RECALL = {
    "paper": "https://arxiv.org/abs/1904.06991",
    "values": {"precision": "higher", "recall": "higher"},
    "measure": measures.precision_recall,
    "neighbours": 3,
    "settings": {"inside": "distance <= radius"},
}
_DENSITY_COVERAGE = {
    "paper": "https://arxiv.org/abs/2002.09797",
    "values": {"density": "higher", "coverage": "higher"},
    "measure": measures.density_coverage,
    "neighbours": 5,
    "real": "equal",
    "settings": {"inside": "distance < radius"},
}
_MEMORISATION = {
    "paper": "https://arxiv.org/abs/2004.05675",
    "values": {
        "closer_share": "",
        "z": "",
        "copies": "lower",
        "authenticity": "higher",
    },
    "measure": measures.memorisation,
    "real": "train",
}

FAMILIES = {
    "fid": Family(
        title="Fréchet Inception distance",
        values={"fid": "lower"},
        resize="legacy_tf",
        **_INCEPTION,
        **_FRECHET,
    ),
    "torch_fid": Family(
        title="FID with PyTorch's resize (pytorch-fid)",
        values={"torch_fid": "lower"},
        resize="legacy_torch",
        **_INCEPTION,
        **_FRECHET,
    ),
    "clean_fid": Family(
        title="FID with antialiased resize (clean-fid)",
        values={"clean_fid": "lower"},
        resize="clean",
        **_INCEPTION,
        **_FRECHET,
    ),
    "sfid": Family(
        title="FID of spatial features (sFID)",
        values={"sfid": "lower"},
        network="inception_2015",
        tap="sfid",
        resize="legacy_tf",
        **_FRECHET,
    ),
    "kid": Family(
        title="kernel Inception distance",
        values={"kid": "lower", "kid_standard_deviation": ""},
        resize="legacy_tf",
        **_INCEPTION,
        **_KERNEL,
    ),
    "clean_kid": Family(
        title="KID with antialiased resize (clean-fid)",
        values={"clean_kid": "lower", "clean_kid_standard_deviation": ""},
        resize="clean",
        **_INCEPTION,
        **_KERNEL,
    ),
    "is": Family(
        title="Inception score",
        paper="https://arxiv.org/abs/1606.03498",
        values={
            "inception_score": "higher",
            "inception_score_standard_deviation": "",
        },
        measure=measures.inception_score,
        settings={"splits": 10},
        network="inception_2015",
        tap="logits_unbiased",
        resize="legacy_tf",
        real="none",
    ),
    "pr": Family(
        title="improved precision and recall, VGG16 fc2",
        **_VGG,
        **_PRECISION_RECALL,
    ),
    "inception_pr": Family(
        title="improved precision and recall, Inception",
        resize="legacy_tf",
        **_INCEPTION,
        **_PRECISION_RECALL,
    ),
    "dc": Family(
        title="density and coverage, VGG16 fc2",
        **_VGG,
        **_DENSITY_COVERAGE,
    ),
    "inception_dc": Family(
        title="density and coverage, Inception",
        resize="legacy_tf",
        **_INCEPTION,
        **_DENSITY_COVERAGE,
    ),
    "fd_dinov2": Family(
        title="Fréchet distance between DINOv2 features",
        values={"fd_dinov2": "lower"},
        network="dinov2_large",
        tap="cls",
        **{**_FRECHET, "paper": "https://arxiv.org/abs/2306.04675"},
    ),
    "cmmd": Family(
        title="CLIP maximum mean discrepancy",
        paper="https://arxiv.org/abs/2401.09603",
        values={"cmmd": "lower"},
        measure=measures.clip_mmd,
        network="clip_vit_large_patch14_336",
        tap="image",
    ),
    "cfd": Family(
        title="classifier Fréchet distance",
        values={"classifier_frechet_distance": "lower"},
        **_CLASSIFIER,
        **_FRECHET,
    ),
    "ckd": Family(
        title="classifier kernel distance",
        values={
            "classifier_kernel_distance": "lower",
            "classifier_kernel_distance_standard_deviation": "",
        },
        **_CLASSIFIER,
        **_KERNEL,
    ),
    "cpr": Family(
        title="improved precision and recall, classifier",
        **_CLASSIFIER,
        **_PRECISION_RECALL,
    ),
    "cdc": Family(
        title="density and coverage, classifier",
        **_CLASSIFIER,
        **_DENSITY_COVERAGE,
    ),
    "cas": Family(
        title="classification accuracy scores",
        paper="https://arxiv.org/abs/1905.10887",
        values={
            "synthetic_to_real": "higher",
            "real_to_synthetic": "higher",
            "real_to_real": "",
            "gain": "higher",
        },
        measure=measures.classification,
        labels=True,
        settings={"classifier_seeds": [0, 1, 2], "classifier_steps": 500},
    ),
    "memorisation": Family(
        title="memorising, nearest training images by pixels",
        network="pixels",
        tap="pixels",
        **_MEMORISATION,
    ),
    "inception_memorisation": Family(
        title="memorising, nearest training images by Inception",
        resize="legacy_tf",
        **_INCEPTION,
        **_MEMORISATION,
    ),
    "swd": Family(
        title="sliced Wasserstein distance",
        least_px=16,
        paper="https://arxiv.org/abs/1710.10196",
        values={"sliced_wasserstein_x1000": "lower"},
        measure=measures.sliced_wasserstein,
        real="equal",
    ),
    "ms_ssim": Family(
        title="mean MS-SSIM between generated images",
        least_px=16,
        paper="https://arxiv.org/abs/1610.09585",
        values={"ms_ssim_of_pairs": "lower"},
        measure=measures.ms_ssim_of_pairs,
        real="none",
    ),
    "ppl": Family(
        title="perceptual path length, LPIPS-VGG",
        paper="https://arxiv.org/abs/1812.04948",
        values={"perceptual_path_length": "lower"},
        measure=measures.path_length,
        network="lpips_vgg",
        real="none",
        generator=True,
        least_px=16,
        settings={"epsilon": 1e-4, "sampling": "end", "trimmed": "1 % at ends"},
    ),
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """A family with its counts. `get` makes one of a name."""

    name: str
    family: Family
    count: int  # Of generated images.
    split: str | None
    neighbours: int | None

    def renamed(self, count):
        """What this protocol is called with so many generated images."""
        match = _NAME.fullmatch(self.name)
        text, separator = f"{count}", "n"
        if count % 1000 == 0:
            text, separator = f"{count // 1000}k", ""
        if match["neighbours"]:
            text += f"{separator}{match['neighbours']}"
        start, end = match.start("count"), match.end()
        split = f"_{self.split}" if self.split else ""
        return f"{self.name[:start]}{text}{split}{self.name[end:]}"

    @property
    def settings(self):
        """{what: how}, all that the name and the features do not say."""
        settings = dict(self.family.settings)
        if self.neighbours is not None:
            settings["neighbours"] = self.neighbours
        return settings

    def real_count(self, available):
        """How many of so many real images take part."""
        if self.family.real == "equal":
            return min(self.count, available)
        return available

    def fake_count(self, available):
        """How many of the generated, where so many real ones are there."""
        if self.family.real == "equal":
            return min(self.count, available)
        return self.count


def get(name):
    """A name such as "fid50k_train" -> its `Protocol`.

    Raises:
        ValueError: No such family, or no such form of a name.
    """
    match = None if name in FAMILIES else _NAME.fullmatch(name)
    if match is None and name in FAMILIES:
        raise ValueError(
            "`metrics` must be names such as 'fid50k_train': a family, a count "
            f"of images and a split. Received: {name!r}, without a count"
        )
    if match is None or match["family"] not in FAMILIES:
        family = match["family"] if match else name
        raise unknown_name("metrics", family, FAMILIES)
    family = FAMILIES[match["family"]]
    if match["split"] and family.real in ("none", "train"):
        compares = "no real" if family.real == "none" else "the training"
        raise ValueError(
            f"The family {match['family']!r} compares with {compares} images, "
            f"and takes no split. Received: metrics={name!r}"
        )
    neighbours = family.neighbours
    if match["neighbours"]:
        if neighbours is None:
            raise ValueError(
                f"The family {match['family']!r} has no neighbours to count. "
                f"Received: metrics={name!r}"
            )
        neighbours = int(match["neighbours"])
    return Protocol(
        name=name,
        family=family,
        count=int(match["count"]) * (1000 if match["thousand"] else 1),
        split=match["split"],
        neighbours=neighbours,
    )
