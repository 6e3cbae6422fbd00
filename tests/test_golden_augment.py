"""Augmenters with given draws, beside the official implementations'."""

import math

import numpy as np
from golden_files import Golden, both_precisions, nhwc, on_tensorflow, tf
from keras import ops
from scipy.special import erfinv

from kerasgan.augment import ada, bands, diffaugment, geometry, places

pytestmark = on_tensorflow


# Official constants are rounded to float32 in its float64 too, and its margin
# is as wide as the batch asks for.
_OF_CONSTANTS = 3e-6


def _check(golden, output, grad, function, x="x", cotangent="cotangent"):
    """An output, and what a gradient by images is."""
    images = tf.constant(nhwc(golden.input(x)))
    with tf.GradientTape() as tape:
        tape.watch(images)
        y = function(images)
        if grad in golden.arrays:
            total = ops.sum(y * nhwc(golden.input(cotangent)))
    golden.check(output, y, nhwc)
    if grad in golden.arrays:
        golden.check(grad, tape.gradient(total, images), nhwc)


@both_precisions
def test_diffaugment(dtype):
    golden = Golden("diffaugment", dtype)
    for name, case in golden.config["cases"].items():
        draws = golden.inputs(name)

        def augmented(images, draws=draws, case=case):
            for step in case["policy"].split(","):
                if step == "color":
                    images = diffaugment.recoloured(
                        images,
                        draws["brightness_u"] - 0.5,
                        2.0 * draws["saturation_u"],
                        draws["contrast_u"] + 0.5,
                    )
                elif step == "translation":
                    images = places.shifted(
                        images, draws["shift_rows"], draws["shift_cols"]
                    )
                else:
                    images = diffaugment.cut_out(
                        images, draws["offset_rows"], draws["offset_cols"]
                    )
            return images

        _check(
            golden,
            f"output/{name}/y",
            f"grad/{name}/x",
            augmented,
            f"{name}/x",
            f"{name}/cotangent",
        )


def _at_percentile(names, percentile, dtype):
    """Parameters as the official code has them for one percentile."""
    drawn = {
        "uniform": percentile,
        # Theirs, without the root of two.
        "normal": erfinv(2.0 * percentile - 1.0),
    }
    parameters = {}
    for name in names:
        operation = ada.OPERATIONS[name]
        shape = (1, operation.count) if operation.count > 1 else (1,)
        draw = tf.constant(np.full(shape, drawn[operation.draws]), dtype)
        parameters[name] = operation.parameter(draw)
    return parameters


@both_precisions
def test_ada_at_percentiles(dtype):
    golden = Golden("ada_augment", dtype, exact_to=_OF_CONSTANTS)
    names = {name for name in golden.arrays if name.startswith("output/")}
    for name in sorted(names - {"output/given/bgc"}):
        kind, _, rest = name.removeprefix("output/").partition("/")
        operation, _, percentile = rest.partition("@")
        operations = [operation]
        if kind == "pipe":
            operations = list(golden.config["bgc"])
            if operation == "bgccut":
                operations += ["imgfilter", "cutout"]
        large = "imgfilter" in operations
        x = "gray" if kind == "gray" else "x_big" if large else "x"
        parameters = _at_percentile(operations, float(percentile), dtype)
        _check(
            golden,
            name,
            name.replace("output/", "grad/"),
            lambda images, p=parameters: ada.changed(images, p),
            x,
            "cotangent_big" if large else "cotangent",
        )
    assert golden.checked >= names - {"output/given/bgc"}


@both_precisions
def test_ada_with_given_draws(dtype):
    golden = Golden("ada_augment", dtype, exact_to=_OF_CONSTANTS)
    probability = golden.config["given_p"]
    parameters = {}
    for name in ada.ADA().shares | {"rotate_post": 1.0}:
        draws = golden.inputs(f"given/{name}")
        chance = probability
        if name.startswith("rotate") and name != "rotate90":
            chance = 1.0 - math.sqrt(1.0 - probability)
        kind = ada.OPERATIONS[name].draws[0]
        parameters[name] = ada.gated(
            name, draws[f"value_{kind}"], draws["gate_u"], chance
        )
    _check(
        golden,
        "output/given/bgc",
        "grad/given/bgc",
        lambda images: ada.changed(images, parameters),
        "xb",
        "cotangent_b",
    )


def test_filters_of_wavelets():
    golden = Golden("ada_augment", "float64")
    theirs = golden.arrays["param/pipe/Hz_geom"]
    ours = geometry.SYMLET_6 / geometry.SYMLET_6.sum()
    np.testing.assert_allclose(ours, theirs, atol=1e-7)
    theirs = golden.arrays["param/pipe/Hz_fbank"]
    np.testing.assert_allclose(bands.filter_bank(), theirs, atol=1e-7)
    # Together the bands are an impulse: images stay what they are.
    total = bands.filter_bank().sum(axis=0)
    np.testing.assert_allclose(total, np.eye(1, 43, 21)[0], atol=1e-12)
