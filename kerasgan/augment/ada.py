"""ADA (Karras et al. 2020): a pipeline of changes, each with a probability."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import ClassVar

from keras import ops
from keras.saving import register_keras_serializable

from kerasgan import random
from kerasgan.augment import bands, colours, geometry
from kerasgan.augment.augmenter import AdaptiveAugmenter, check_images
from kerasgan.errors import unknown_name


@dataclasses.dataclass(frozen=True)
class Operation:
    """One kind of change, of a parameter that is drawn for each image.

    Args:
        draws: "uniform" in [0, 1), or "normal".
        parameter: From the draw [b, *shape] to the parameter.
        identity: The parameter that changes nothing.
        count: Numbers of a draw; one is a scalar.
        gates: How many open by themselves, each for one of those numbers.
    """

    draws: str
    parameter: Callable
    identity: float = 0.0
    count: int = 1
    gates: int = 1


def _angle(draw):
    return (2.0 * draw - 1.0) * math.pi


def _power(spread):
    return lambda draw: ops.power(2.0, spread * draw)


# Appendix B of the paper, in the order in which they are applied. Distances
# are shares of the size, x first.
OPERATIONS = {
    "xflip": Operation("uniform", lambda u: ops.floor(2.0 * u)),
    "rotate90": Operation("uniform", lambda u: ops.floor(4.0 * u)),
    "xint": Operation("uniform", lambda u: 0.125 * (2.0 * u - 1.0), count=2),
    "scale": Operation("normal", _power(0.2), identity=1.0),
    "rotate": Operation("uniform", _angle),
    "aniso": Operation("normal", _power(0.2), identity=1.0),
    "rotate_post": Operation("uniform", _angle),
    "xfrac": Operation("normal", lambda n: 0.125 * n, count=2),
    "brightness": Operation("normal", lambda n: 0.2 * n),
    "contrast": Operation("normal", _power(0.5), identity=1.0),
    "lumaflip": Operation("uniform", lambda u: ops.floor(2.0 * u)),
    "hue": Operation("uniform", _angle),
    "saturation": Operation("normal", _power(1.0), identity=1.0),
    "imgfilter": Operation(
        "normal",
        _power(1.0),
        identity=1.0,
        count=bands.COUNT,
        gates=bands.COUNT,
    ),
    "noise": Operation("normal", lambda n: 0.1 * ops.abs(n)),
    # Outside of the image, there is nothing to cut.
    "cutout": Operation("uniform", lambda u: u, identity=2.0, count=2),
}
_CUT = 0.5  # Of the side.

_BLIT = ("xflip", "rotate90", "xint")
_GEOMETRY = ("scale", "rotate", "aniso", "xfrac")
_COLOUR = ("brightness", "contrast", "lumaflip", "hue", "saturation")
_PARTS = {
    "blit": _BLIT,
    "geom": _GEOMETRY,
    "color": _COLOUR,
    "filter": ("imgfilter",),
    "noise": ("noise",),
    "cutout": ("cutout",),
}
_PARTS["bg"] = _BLIT + _GEOMETRY
_PARTS["bgc"] = _PARTS["bg"] + _COLOUR
_PARTS["bgcf"] = (*_PARTS["bgc"], "imgfilter")
_PARTS["bgcfn"] = (*_PARTS["bgcf"], "noise")
_PARTS["bgcfnc"] = (*_PARTS["bgcfn"], "cutout")
# Each of the two rotations: that none is made stays as likely as for others.
_ROTATIONS = ("rotate", "rotate_post")


@register_keras_serializable(package="kerasgan.augment")
@dataclasses.dataclass(frozen=True)
class ADA(AdaptiveAugmenter):
    """Changes images in many ways, as often as overfitting asks for.

    Karras et al. 2020, "Training generative adversarial networks with limited
    data", https://arxiv.org/abs/2006.06676.

    Args:
        policy: "blit" (mirror, quarter turns, whole pixels), "geom" (scale,
            turn, stretch, shift), "color", "filter", "noise", "cutout"; "bgc"
            is the first three, the paper's choice, and "bg" to "bgcfnc" as
            many of them. Or {operation: its share of the probability}, of
            `OPERATIONS`.
    """

    changes_images: ClassVar[bool] = True

    policy: str | dict[str, float] = "bgc"

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.policy, str):
            if self.policy not in _PARTS:
                raise unknown_name("policy", self.policy, _PARTS)
            return
        known = [name for name in OPERATIONS if name != "rotate_post"]
        for name, share in self.policy.items():
            if name not in known:
                raise unknown_name("policy", name, known)
            if not 0 <= share <= 1:
                raise ValueError(
                    "`policy` must give shares in [0, 1]. "
                    f"Received: {name}={share!r}"
                )

    @property
    def shares(self):
        """{operation: its share of the probability}."""
        if isinstance(self.policy, str):
            return dict.fromkeys(_PARTS[self.policy], 1.0)
        return dict(self.policy)

    def check(self, sample_shape, packing):
        coloured = any(name in self.shares for name in _COLOUR)
        channels = (1, 3) if coloured else None  # "bg" takes any.
        check_images(self, sample_shape, packing, channels)

    def __call__(self, images, batch, purpose):
        chances = self._chances(batch)
        drawn, gates = _drawn(chances, batch, purpose)
        parameters = {
            name: gated(name, drawn[name], gates[name], chance)
            for name, chance in chances.items()
        }
        noise = None
        if "noise" in parameters:
            noise = random.normal(
                batch.numbers,
                tuple(images.shape[1:]),
                seed=batch.seed,
                purpose=f"{purpose}/pixels",
            )
        return changed(images, parameters, noise)

    def _chances(self, batch):
        """{operation: the probability that it acts on an image}."""
        probability = self.probability_of(batch)
        chances = {}
        for name, share in self.shares.items():
            chances[name] = share * probability
            if name == "rotate":
                none = ops.clip(1.0 - chances[name], 0.0, 1.0)
                chances |= dict.fromkeys(_ROTATIONS, 1.0 - ops.sqrt(none))
        return chances


def _drawn(names, batch, purpose):
    """What operations draw, and their gates: two {operation: [b, ...]}.

    Few draws of many numbers, for many of few take a small network's time.
    """
    key = {"seed": batch.seed, "purpose": purpose}
    columns = {"uniform": 0, "normal": 0}
    places, gates = {}, {}
    for name in names:
        operation = OPERATIONS[name]
        kind = operation.draws
        places[name] = kind, _place(columns, kind, operation.count)
        gates[name] = "uniform", _place(columns, "uniform", operation.gates)
    values = {
        "uniform": random.uniform(batch.numbers, (columns["uniform"],), **key),
        "normal": random.normal(batch.numbers, (columns["normal"],), **key),
    }
    return (
        {name: values[kind][:, at] for name, (kind, at) in found.items()}
        for found in (places, gates)
    )


def _place(columns, kind, count):
    """The next so many columns of a kind: a number, or a slice of several."""
    first = columns[kind]
    columns[kind] += count
    return first if count == 1 else slice(first, first + count)


def gated(name, drawn, gate, chance):
    """An operation's parameter where the gate is open, else the identity.

    Args:
        drawn: [b], or [b, count], as the operation says.
        gate: In [0, 1), [b] or [b, gates]; open below `chance`.
    """
    operation = OPERATIONS[name]
    value = operation.parameter(drawn)
    if len(gate.shape) < len(value.shape):
        gate = gate[:, None]
    identity = ops.full_like(value, operation.identity)
    return ops.where(gate < chance, value, identity)


def changed(images, parameters, noise=None):
    """Images [b, h, w, c] in [-1, 1] -> the same shape.

    Args:
        parameters: {operation: [b, ...]}, as `gated` gives them.
        noise: Standard normal, of the images' shape, where it is wanted.
    """
    inverse = _inverse(parameters, images.shape[1:3])
    if inverse is not None:
        images = geometry.moved(images, inverse)
    matrix = _colours(parameters, images.shape[-1])
    if matrix is not None:
        images = colours.recoloured(images, matrix)
    if "imgfilter" in parameters:
        images = bands.amplified(images, parameters["imgfilter"])
    if "noise" in parameters:
        images += parameters["noise"][:, None, None, None] * noise
    if "cutout" in parameters:
        images = _cut(images, parameters["cutout"])
    return images


def _inverse(parameters, size):
    """All geometry as one matrix [b, 3, 3], from results to images."""
    height, width = size

    def whole(share):
        return geometry.translation(
            ops.round(-share[:, 0] * width), ops.round(-share[:, 1] * height)
        )

    inverses = {
        "xflip": lambda i: geometry.scaling(1.0 - 2.0 * i, ops.ones_like(i)),
        "rotate90": lambda i: geometry.rotation(i * (math.pi / 2.0)),
        "xint": whole,
        "scale": lambda s: geometry.scaling(1.0 / s, 1.0 / s),
        "rotate": geometry.rotation,
        "aniso": lambda s: geometry.scaling(1.0 / s, s),
        "rotate_post": geometry.rotation,
        "xfrac": lambda share: geometry.translation(
            -share[:, 0] * width, -share[:, 1] * height
        ),
    }
    return _product(inverses, parameters, OPERATIONS)


def _colours(parameters, channels):
    """All colour as one matrix [b, 4, 4]."""
    matrices = {
        "brightness": colours.brightness,
        "contrast": colours.contrast,
        "lumaflip": colours.luma_flip,
    }
    if channels > 1:
        matrices |= {"hue": colours.hue, "saturation": colours.saturation}
    # What comes later stands on the left: places go from results to images,
    # colours from images to results.
    return _product(matrices, parameters, reversed(OPERATIONS))


def _product(matrices, parameters, order):
    """Of what the operations' parameters make, in an order; None of nothing."""
    factors = [
        matrices[name](parameters[name])
        for name in order
        if name in matrices and name in parameters
    ]
    return functools.reduce(ops.matmul, factors) if factors else None


def _cut(images, middle):
    """Zeros in a box of half the size around a place, shares (x, y) [b, 2]."""
    _, height, width, _ = images.shape
    inside = []
    for axis, size in ((0, width), (1, height)):
        at = (ops.arange(size, dtype=middle.dtype) + 0.5) / size
        distance = ops.abs(at[None] - middle[:, axis, None])
        inside.append(distance < _CUT / 2.0)
    box = ops.logical_and(inside[0][:, None, :], inside[1][:, :, None])
    return ops.where(box[..., None], ops.zeros_like(images), images)
