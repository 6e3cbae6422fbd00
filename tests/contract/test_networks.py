"""What the networks of every family promise, and that no family escapes."""

import functools
import inspect
import itertools
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from family_networks import (
    CLASSES,
    LABELS,
    ODD_SHAPE,
    QUICK,
    ROOT,
    both_roles,
    conditionings,
    every_family,
    example,
    network,
    network_class,
    on_tensorflow,
    outputs_of,
    quick_families,
    randomize,
)
from keras import ops
from unfilled_networks import unfilled

import kerasgan.models
from kerasgan import presets
from kerasgan.layers import labels as label_layers
from kerasgan.layers import resampling, shapes
from kerasgan.layers.label_heads import LABEL_HEADS, takes_labels
from kerasgan.layers.normalization import BatchNormalization

SHAPES = [(8, 8, 1), (28, 28, 1), (32, 48, 3), (23, 37, 4), (3, 2, 1)]
HEADS = {
    "classification": {"classes": CLASSES},
    "twin_classification": {"classes": CLASSES, "twin_classes": CLASSES},
    "discriminative_classification": {"real_and_fake_classes": 2 * CLASSES},
    "contrast": {"embeddings": 512, "proxies": 512},
}
# A value that is nobody's default, for every argument that there is.
OTHER_ARGUMENTS = {
    "image_shape": ODD_SHAPE,
    "latent_size": 7,
    "width": 3,
    "max_width": 5,
    "widths": (5, 7),
    "pieces": 2,
    "label_width": 3,
    "classes": CLASSES,
    "conditioning": "classification",
    "batch_norm": False,
    "dropout": 0.25,
    "upsampling": "bilinear",
    "rectified_shortcuts": True,
    "group_size": 3,
    "blocks": (1, 3),
    "expansion": 3,
    "kernel_size": 5,
    "taps": (1.0, 2.0, 2.0, 1.0),
    "route": "matmul",
    "excited_stages": 2,
    "growth": 5,
    "compression": 0.75,
    "stored_vectors": True,
    "smallest_px": 3,
    "last_blocks": 3,
    "rotations": True,
    "codes": 5,
    "attention_px": 5,
    "attention": (),
    "stage_widths": (4, 3, 5),
    "halvings": 1,
    "depth": 3,
    "wide": False,
    "shared_size": 3,
    "hierarchical": False,
    "spectral_epsilon": 1e-4,
    "norm_epsilon": 1e-3,
    "pools_rectified": False,
    "style_size": 9,
    "mapping_depth": 3,
    "mapping_width": 4,
    "style_mixing": 0.5,
    "architecture": "original",
    "label_size": 4,
    "average_decay": 0.9,
    "clamp": 256.0,
    "deviation_channels": 0,
    "mapping_learning_rate_multiplier": 0.1,
    "embedding_size": 5,
    "noise": False,
    "normalize_latents": False,
    "normalize_features": False,
    "doublings": 2,
    "first_cutoff": 1.5,
    "first_stopband": 3.5,
    "last_stopband": 1.5,
    "filter_taps": 4,
    "oversampling": 4,
    "output_scale": 0.5,
    "critical_layers": 0,
    "margin_px": 3,
    "radial": True,
    "magnitude_decay": 0.5,
}
# Of which images are not bounded by a tanh.
UNBOUNDED = {"progan", "r3gan", "stylegan", "stylegan2", "stylegan3"}
# Where an argument of one name means something else.
OTHER_ARGUMENTS_OF = {
    ("sngan", "Discriminator", "stored_vectors"): ("heads",),
    # Shortcuts drop channels, or append some.
    ("biggan_deep", "Generator", "stage_widths"): (5, 4, 3),
    ("biggan_deep", "Discriminator", "stage_widths"): (3, 4, 5),
    ("stylegan3", "Generator", "kernel_size"): 1,
}


def test_every_family_is_in_the_table():
    folder = pathlib.Path(kerasgan.models.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == set(presets.FAMILIES)
    names = presets.names()
    assert len(names) == len(set(names))
    for family in presets.FAMILIES:
        own = [name for name in names if name.startswith(f"{family}_")]
        assert own[0] == f"{family}_tiny"


@pytest.mark.slow  # Seconds each; most families count some of their own.
@pytest.mark.parametrize("name", presets.names())
def test_presets_fit_together(name):
    generator, discriminator = unfilled(name)
    assert generator.image_shape == discriminator.image_shape
    assert generator.classes == discriminator.classes
    assert generator.built and discriminator.built


def test_unknown_presets_list_the_known_ones_nearest_first():
    with pytest.raises(
        ValueError, match="must be one of dcgan_tiny.*gan_mnist"
    ):
        presets.get("dcgan_tinny")


def test_listing_presets_is_cheap():
    code = "import sys, kerasgan.presets; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    "family, shape",
    [
        pytest.param(
            family,
            shape,
            # The others' oddest shape is with every run.
            marks=[]
            if family in QUICK or shape == SHAPES[3]
            else pytest.mark.slow,
        )
        for family in presets.FAMILIES
        for shape in SHAPES
    ],
)
def test_shapes_and_ranges(family, shape):
    generator = network(family, "Generator", image_shape=shape)
    discriminator = network(family, "Discriminator", image_shape=shape)
    assert generator.built and discriminator.built
    counts = len(generator.weights), len(discriminator.weights)
    randomize(generator)
    for training in (False, True):
        images = generator(example(generator), training=training)
        assert images.shape == (4, *shape)
        assert np.std(images) > 0.01
        assert getattr(generator, "bounded", True) == (family not in UNBOUNDED)
        assert np.abs(images).max() <= 1 or family in UNBOUNDED
        heads = discriminator.heads(images, training=training)
        assert heads["logits"].shape == (4,)
        assert len(heads["features"]) > 0
        for values in (images, heads["logits"]):
            assert keras.backend.standardize_dtype(values.dtype) == "float32"
    np.testing.assert_array_equal(
        discriminator(images), discriminator.heads(images)["logits"]
    )
    # Weights exist once the network does.
    assert counts == (len(generator.weights), len(discriminator.weights))


def test_sizes_halve_to_a_grid_of_4_to_8_px():
    square = {8: [8, 4], 16: [16, 8, 4], 28: [28, 14, 7], 31: [31, 16, 8]}
    square |= {32: [32, 16, 8, 4], 1: [1, 1], 2: [2, 1], 7: [7, 4]}
    square |= {64: [64, 32, 16, 8, 4], 128: [128, 64, 32, 16, 8, 4]}
    for side, sides in square.items():
        assert shapes.halved_sizes((side, side)) == [(n, n) for n in sides]
    assert shapes.halved_sizes((23, 37, 3)) == [(23, 37), (12, 19), (6, 10)]
    assert shapes.halved_sizes((8, 6), at_least=2) == [(8, 6), (4, 3), (2, 2)]


@pytest.mark.parametrize(
    "side, grids",
    [(8, [4, 4, 4]), (28, [14, 7, 7, 7]), (32, [16, 8, 8, 8])]
    + [(64, [32, 16, 8, 8, 8])],
)
def test_resnet_discriminators_halve_to_8_px(side, grids):
    model = network("resnet", "Discriminator", image_shape=(side, side, 3))
    features = model.heads(example(model))["features"]
    assert [x.shape[1] for x in features] == grids


@every_family
@both_roles
@pytest.mark.parametrize("shape", [8, (8, 8), (0, 8, 3), (8, 8.0, 3)])
def test_impossible_arguments_are_refused(family, role, shape):
    with pytest.raises(ValueError, match="`image_shape`"):
        network(family, role, image_shape=shape)
    with pytest.raises((TypeError, ValueError), match="widht"):
        network(family, role, widht=3)


@every_family
def test_labels_change_images(family):
    generator = network(family, "Generator", classes=CLASSES)
    randomize(generator)
    latents, labels = example(generator)
    images = np.array(generator((latents, labels)))
    others = np.array(generator((latents, (labels + 1) % CLASSES)))
    assert (np.abs(images - others).max(axis=(1, 2, 3)) > 1e-3).all()
    soft = keras.utils.to_categorical(labels, CLASSES).astype("float32")
    np.testing.assert_allclose(generator((latents, soft)), images, atol=1e-6)
    with pytest.raises(ValueError, match="pair with labels"):
        generator(latents)
    with pytest.raises(ValueError, match="where it is not"):
        network(family, "Generator")((latents, labels))


@quick_families
def test_labels_are_seen_or_classified(family):
    assert conditionings(family)
    for conditioning in conditionings(family):
        model = network(
            family,
            "Discriminator",
            classes=CLASSES,
            conditioning=conditioning,
        )
        randomize(model)
        images, labels = example(model)
        logits = model((images, labels))
        others = model((images, (labels + 1) % CLASSES))
        heads = model.heads((images, labels))
        if conditioning in LABEL_HEADS:
            np.testing.assert_array_equal(logits, others)
            for name, width in HEADS[conditioning].items():
                assert heads[name].shape == (4, width)
        else:
            assert not {"classes", "embeddings"} & set(heads)
            assert (np.abs(logits - others) > 1e-4).all()
        if takes_labels(conditioning):
            with pytest.raises(ValueError, match="pair with labels"):
                model(images)
        else:
            np.testing.assert_array_equal(logits, model(images))


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(x, marks=pytest.mark.slow if "deep" in x else [])
        for x in presets.FAMILIES
    ],
)
@both_roles
def test_config_and_file_round_trip(family, role, tmp_path):
    model_class = network_class(family, role)
    names = [
        name
        for name in inspect.signature(model_class).parameters
        if name != "kwargs"
    ]
    arguments = {
        name: OTHER_ARGUMENTS_OF.get(
            (family, role, name), OTHER_ARGUMENTS[name]
        )
        for name in names
    }
    if arguments.get("conditioning") not in (None, *conditionings(family)):
        arguments["conditioning"] = conditionings(family)[-1]
    model = model_class(**arguments)
    randomize(model)
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert loaded.get_config() == model.get_config()
    for name, value in arguments.items():
        assert getattr(loaded, name) == value, name
    for ours, theirs in zip(
        outputs_of(model, example(model)),
        outputs_of(loaded, example(model)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@quick_families
@both_roles
def test_no_two_kernels_start_equal(family, role):
    # One width, so that kernels have one shape.
    arguments = inspect.signature(network_class(family, role))
    same = {"width", "max_width"} & set(arguments.parameters)
    same = dict.fromkeys(same, 4)
    model = network(family, role, image_shape=(32, 32, 3), **same)
    kernels = [
        np.asarray(w) for w in model.weights if w.name.endswith("kernel")
    ]
    kernels = [kernel for kernel in kernels if kernel.any()]
    for one, other in itertools.combinations(kernels, 2):
        assert one.shape != other.shape or np.abs(one - other).max() > 1e-3


def test_maxout_takes_the_largest_of_its_pieces():
    model = network("gan", "Discriminator")
    randomize(model)
    images = example(model)
    linear = model.from_image.linear
    pieces = images.reshape(4, -1) @ np.asarray(linear.kernel)
    pieces = (pieces + np.asarray(linear.bias)).reshape(4, 12, 3)
    np.testing.assert_allclose(
        model.heads(images)["features"][0], pieces.max(-1), atol=1e-5
    )


def test_resnet_blocks_widen_in_their_second_convolution():
    model = network(
        "resnet", "Discriminator", image_shape=(32, 32, 3), width=2, max_width=8
    )
    widths = [(b.first.filters, b.second.filters) for b in model.stages]
    assert widths == [(4, 4), (4, 8), (8, 8), (8, 8)]


def test_biases_stand_in_for_batch_norm():
    model = network("dcgan", "Discriminator", batch_norm=False)
    names = [weight.name for weight in model.weights]
    assert names == ["kernel", "bias"] * (len(model.stages) + 1)


def test_batch_norm_takes_each_example_by_its_class():
    x = np.random.default_rng(0).normal(3, 2, (4, 5, 6, 2)).astype("float32")
    layer = BatchNormalization(classes=CLASSES)
    encoded = label_layers.encode_labels(LABELS, CLASSES)
    layer(x, encoded)
    gain, bias = np.random.default_rng(1).normal(size=(2, CLASSES, 2))
    layer.gain.assign(gain)
    layer.bias.assign(bias)
    normal = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    expected = normal * gain[LABELS][:, None, None]
    expected += bias[LABELS][:, None, None]
    np.testing.assert_allclose(
        layer(x, encoded, training=True), expected, atol=1e-5
    )
    np.testing.assert_allclose(
        layer.moving_mean, 0.1 * x.mean((0, 1, 2)), rtol=1e-5
    )
    np.testing.assert_allclose(
        layer.moving_variance,
        0.9 + 0.1 * x.var((0, 1, 2), ddof=1),
        rtol=1e-5,
    )


def test_labels_are_encoded_or_refused():
    encode = functools.partial(label_layers.encode_labels, classes=CLASSES)
    np.testing.assert_array_equal(encode(LABELS), np.eye(CLASSES)[LABELS])
    several = np.array([[1, 0.5, 0], [0, 1, 1]], "float32")
    np.testing.assert_array_equal(encode(several), several)
    for wrong in (several[:, 0], several[:, :2], LABELS[:, None]):
        with pytest.raises(ValueError, match="`labels` must be"):
            encode(wrong)


@on_tensorflow
@pytest.mark.parametrize("kind", ["nearest", "bilinear"])
def test_resampling_has_second_derivatives(kind):
    """Of f = sum(y^3) by x: the Hessian along a direction, by differences."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    start, direction = random.standard_normal((2, 2, 3, 4, 2))

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = resampling.average_pool(resampling.upsample(x, kind)[:, 1:])
            total = ops.sum(y * y * y)
        return tape.gradient(total, x)

    x = tf.constant(start)
    with tf.GradientTape() as tape:
        tape.watch(x)
        along = ops.sum(slope(x) * direction)
    step = 1e-5
    expected = slope(x + step * direction) - slope(x - step * direction)
    np.testing.assert_allclose(
        tape.gradient(along, x), expected / (2 * step), rtol=1e-6, atol=1e-8
    )


def test_resampling_by_hand():
    x = np.array([[0.0, 4.0, 8.0], [8.0, 4.0, 8.0]], "float32")[None, ..., None]
    rows = [[0, 1, 3, 5, 7, 8], [2, 2.5, 3.5, 5, 7, 8]]
    rows += [[6, 5.5, 4.5, 5, 7, 8], [8, 7, 5, 5, 7, 8]]
    np.testing.assert_allclose(
        resampling.upsample(x, "bilinear")[0, ..., 0], rows
    )
    np.testing.assert_array_equal(
        resampling.upsample(x, "nearest")[0, 1, :, 0], [0, 0, 4, 4, 8, 8]
    )
    np.testing.assert_array_equal(
        resampling.average_pool(x)[0, ..., 0], [[4, 8]]
    )
    np.testing.assert_array_equal(
        resampling.average_pool(x[:, :1])[0, ..., 0], [[2, 8]]
    )
    single = resampling.upsample(x[:, :1, :1], "bilinear")
    np.testing.assert_array_equal(single, np.zeros((1, 2, 2, 1)))
