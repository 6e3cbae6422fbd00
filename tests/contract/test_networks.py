"""What the networks of every family promise, and that no family escapes.

With two file names as arguments, this file answers on JAX the questions that
`test_jax_equals_tensorflow` asks.
"""

import functools
import inspect
import itertools
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import kerasgan.models
from kerasgan import gradients, presets
from kerasgan.layers import labels as label_layers
from kerasgan.layers import resampling, shapes
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.layers.spectral import SpectralLayer

ROOT = pathlib.Path(__file__).parents[2]
SHAPES = [(8, 8, 1), (28, 28, 1), (32, 48, 3), (23, 37, 4), (3, 2, 1)]
ODD_SHAPE = (9, 12, 2)
CLASSES = 3
LABELS = np.array([0, 2, 1, 1])
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
    "critical_layers": 0,
    "margin_px": 3,
    "radial": True,
    "magnitude_decay": 0.5,
}
# Networks that divide by averages which training moves.
MEASURES = (("stylegan3", "Generator"),)
# Of differences: so short that no activation turns.
STEPS = {"stylegan3": 1e-8}
# Where an argument of one name means something else.
OTHER_ARGUMENTS_OF = {
    ("sngan", "Discriminator", "stored_vectors"): ("heads",),
    # Shortcuts drop channels, or append some.
    ("biggan_deep", "Generator", "stage_widths"): (5, 4, 3),
    ("biggan_deep", "Discriminator", "stage_widths"): (3, 4, 5),
    ("stylegan3", "Generator", "kernel_size"): 1,
}

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow"
)
every_family = pytest.mark.parametrize("family", presets.FAMILIES)
# Every family is compiled, by XLA and by JAX, and takes any shape; all but these
# do with the slow tests.
QUICK = ("dcgan", "gan", "r3gan", "resnet", "sngan", "stylegan2")
compiled_families = pytest.mark.parametrize(
    "family",
    [
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
        for name in presets.FAMILIES
    ],
)
both_roles = pytest.mark.parametrize("role", ["Generator", "Discriminator"])


@pytest.fixture(autouse=True)
def same_start():
    keras.utils.set_random_seed(0)


def network(family, role, **arguments):
    """The family's tiny network, with some arguments changed."""
    module = getattr(__import__(f"kerasgan.models.{family}").models, family)
    tiny = next(iter(module.PRESETS.values()))[role.lower()]
    return getattr(module, role)(**{**tiny, **arguments})


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


def conditionings(family):
    """The ways in which a family's discriminator uses labels."""
    known = []
    for conditioning in (
        "concatenation",
        "classification",
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
    names = ("logits", "classes", "reconstruction")
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


def test_every_family_is_in_the_table():
    folder = pathlib.Path(kerasgan.models.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == set(presets.FAMILIES)
    names = presets.names()
    assert len(names) == len(set(names))
    for family in presets.FAMILIES:
        own = [name for name in names if name.startswith(f"{family}_")]
        assert own[0] == f"{family}_tiny"


@pytest.mark.parametrize("name", presets.names())
def test_presets_fit_together(name):
    # No numbers are drawn: some have a hundred million weights.
    with keras.StatelessScope(initialize_variables=False):
        generator, discriminator = presets.get(name)
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
            # The others' smallest and oddest shapes are with every run.
            marks=[]
            if family in QUICK or shape in SHAPES[3:]
            else pytest.mark.slow,
        )
        for family in presets.FAMILIES
        for shape in SHAPES
    ],
)
def test_shapes_and_ranges(family, shape):
    generator = network(family, "Generator", image_shape=shape)
    discriminator = network(family, "Discriminator", image_shape=shape)
    randomize(generator)
    for training in (False, True):
        images = generator(example(generator), training=training)
        assert images.shape == (4, *shape)
        assert np.std(images) > 0.01
        bounded = getattr(generator, "bounded", True)
        assert np.abs(images).max() <= 1 or not bounded
        heads = discriminator.heads(images, training=training)
        assert heads["logits"].shape == (4,)
        assert len(heads["features"]) > 0
        for values in (images, heads["logits"]):
            assert keras.backend.standardize_dtype(values.dtype) == "float32"
    np.testing.assert_array_equal(
        discriminator(images), discriminator.heads(images)["logits"]
    )


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
def test_weights_exist_once_the_network_does(family, role):
    model = network(family, role)
    count = len(model.weights)
    assert model.built and count > 0
    outputs_of(model, example(model), training=True)
    assert len(model.weights) == count


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


@every_family
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
        if conditioning == "classification":
            assert heads["classes"].shape == (4, CLASSES)
            np.testing.assert_array_equal(logits, others)
            np.testing.assert_array_equal(logits, model(images))
        else:
            assert "classes" not in heads
            assert (np.abs(logits - others) > 1e-4).all()
            with pytest.raises(ValueError, match="pair with labels"):
                model(images)


@every_family
@both_roles
def test_config_and_file_round_trip(family, role, tmp_path):
    model_class = type(network(family, role))
    names = [
        name
        for name in inspect.signature(model_class.__init__).parameters
        if name not in ("self", "kwargs")
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
    config = json.loads(json.dumps(model.get_config()))
    rebuilt = model_class.from_config(config)
    assert rebuilt.get_config() == model.get_config()
    for name, value in arguments.items():
        assert getattr(rebuilt, name) == value, name
    assert [w.shape for w in rebuilt.weights] == [
        w.shape for w in model.weights
    ]

    randomize(model)
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    for ours, theirs in zip(
        outputs_of(model, example(model)),
        outputs_of(loaded, example(model)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@every_family
@both_roles
def test_no_two_kernels_start_equal(family, role):
    # One width, so that kernels have one shape.
    arguments = inspect.signature(type(network(family, role)).__init__)
    same = {"width", "max_width"} & set(arguments.parameters)
    same = dict.fromkeys(same, 4)
    model = network(family, role, image_shape=(32, 32, 3), **same)
    kernels = [
        np.asarray(w) for w in model.weights if w.name.endswith("kernel")
    ]
    kernels = [kernel for kernel in kernels if kernel.any()]
    for one, other in itertools.combinations(kernels, 2):
        assert one.shape != other.shape or np.abs(one - other).max() > 1e-3


@every_family
@both_roles
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_gives_float32(family, role, precision):
    model = network(family, role, dtype=f"mixed_{precision}")
    model = type(model).from_config(model.get_config())
    twin = network(family, role)
    for to, of in zip(twin.weights, model.weights, strict=True):
        assert keras.backend.standardize_dtype(of.dtype) == "float32"
        to.assign(of)
    for training in (False, True):
        outputs = outputs_of(model, example(model), training)
        exact = outputs_of(twin, example(model), training)
        for ours, theirs in zip(outputs, exact, strict=True):
            assert keras.backend.standardize_dtype(ours.dtype) == "float32"
            # Of the whole: normalisation may turn single pixels around.
            error = np.linalg.norm(np.array(ours) - theirs)
            assert 0 < error < 0.1 * np.linalg.norm(theirs)
    if role == "Discriminator":
        features = model.heads(example(model))["features"]
        assert {str(ops.dtype(x)) for x in features} >= {precision}


@on_tensorflow
@every_family
@both_roles
@pytest.mark.parametrize("classes", [None, CLASSES])
def test_gradients_reach_every_weight(family, role, classes):
    import tensorflow as tf

    model = network(family, role, classes=classes)
    randomize(model)
    random = np.random.default_rng(1)
    with tf.GradientTape() as tape:
        total = sum(
            ops.sum(y * random.standard_normal(y.shape).astype("float32"))
            for y in outputs_of(model, example(model))
        )
    slopes = tape.gradient(total, [v.value for v in model.trainable_variables])
    for variable, slope in zip(model.trainable_variables, slopes, strict=True):
        assert slope is not None, variable.path
        assert np.isfinite(slope).all(), variable.path
        assert np.abs(slope).max() > 0, variable.path


@on_tensorflow
@compiled_families
@both_roles
def test_xla_equals_graph(family, role):
    import tensorflow as tf

    model = _odd_network(family, role)
    answers = []
    for jit_compile in (False, True):
        randomize(model)  # The other one has moved the statistics.
        function = tf.function(
            functools.partial(_answers, model), jit_compile=jit_compile
        )
        answers.append(function(*example(model)))
    _assert_all_close(*answers)


@on_tensorflow
@every_family
@both_roles
@pytest.mark.parametrize("training", [False, True])
def test_second_derivatives_are_exact(family, role, training):
    if training and (family, role) in MEASURES:
        pytest.skip("slopes stop at what training measures")
    model = _odd_network(family, role, dtype="float64")
    _check_second_derivatives(model, training, STEPS.get(family, 1e-6))


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


@on_tensorflow
def test_second_derivatives_without_batch_norm():
    model = _odd_network(
        "dcgan", "Discriminator", batch_norm=False, dtype="float64"
    )
    _check_second_derivatives(model, True)


def _check_second_derivatives(model, training, step=1e-6):
    """The derivative of a gradient penalty along a random direction.

    Against central differences. A network whose ReLUs turn within the step
    would fail: with this step and seed none does.
    """
    import tensorflow as tf

    x, labels = example(model, dtype="float64")
    x = tf.constant(x)
    random = np.random.default_rng(2)
    weights = random.standard_normal(model((x, labels)).shape)

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = ops.sum(model((x, labels), training=training) * weights)
        return ops.sum(ops.square(tape.gradient(total, x)))

    variables = model.trainable_variables
    with tf.GradientTape() as tape:
        value = penalty()
    slopes = tape.gradient(
        value, [v.value for v in variables], unconnected_gradients="zero"
    )
    start = [np.asarray(v) for v in variables]
    direction = [random.standard_normal(v.shape) for v in start]
    expected = 0.0
    for sign in (1, -1):
        for variable, value, change in zip(
            variables, start, direction, strict=True
        ):
            variable.assign(value + sign * step * change)
        expected += sign * float(penalty()) / (2 * step)
    actual = sum(
        np.sum(slope * change)
        for slope, change in zip(slopes, direction, strict=True)
    )
    assert actual == pytest.approx(expected, rel=1e-5)


@on_tensorflow
@pytest.mark.parametrize(
    "quick", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_jax_equals_tensorflow(quick, tmp_path):
    questions, ours = {}, {}
    for family, role in _ROLES:
        if (family in QUICK) != quick:
            continue
        model = _odd_network(family, role)
        for i, weight in enumerate(model.weights):
            questions[f"{family}/{role}/{i}"] = np.asarray(weight)
        ours[f"{family}/{role}"] = _answers(model, *example(model))
    np.savez(tmp_path / "questions.npz", **questions)
    subprocess.run(
        [sys.executable, __file__, "questions.npz", "answers.npz"],
        check=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(ROOT),
            # It takes longer to compile than to run.
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
        },
    )
    with np.load(tmp_path / "answers.npz") as theirs:
        for name, answers in ours.items():
            found = [theirs[f"{name}/{i}"] for i in range(len(answers))]
            _assert_all_close(answers, found, name)


def _answer_on_jax(questions, answers):
    import jax

    found = {}
    with np.load(questions) as asked:
        asked_of = {tuple(name.split("/")[:2]) for name in asked.files}
        for family, role in sorted(asked_of):
            model = _odd_network(family, role)
            for i, weight in enumerate(model.weights):
                weight.assign(asked[f"{family}/{role}/{i}"])

            @jax.jit
            def answer(values, x, labels, model=model):
                mapping = zip(model.variables, values, strict=True)
                with keras.StatelessScope(mapping):
                    return _answers(model, x, labels)

            values = [variable.value for variable in model.variables]
            for i, value in enumerate(answer(values, *example(model))):
                found[f"{family}/{role}/{i}"] = np.array(value)
    np.savez(answers, **found)


_ROLES = list(
    itertools.product(presets.FAMILIES, ("Generator", "Discriminator"))
)


def _odd_network(family, role, **arguments):
    """Sides that need cropping, labels, and the rarer of two upsamplings."""
    if (family, role) == ("resnet", "Generator"):
        arguments["upsampling"] = "bilinear"
    model = network(
        family, role, image_shape=ODD_SHAPE, classes=CLASSES, **arguments
    )
    randomize(model)
    return model


def _answers(model, x, labels):
    """Outputs, a gradient by the input in training, and what training moves."""
    x = ops.convert_to_tensor(x)

    def squares(x):
        with gradients.without_writes(model):
            return ops.square(model((x, labels), training=True))

    return [
        model((x, labels)),
        gradients.of_inputs(squares, x),
        model((x, labels), training=True),
        *[ops.convert_to_tensor(w) for w in model.non_trainable_variables],
    ]


def _assert_all_close(ours, theirs, name=""):
    for one, other in zip(ours, theirs, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        scale = np.abs(one).max()
        assert scale > 0, name
        np.testing.assert_allclose(
            one, other, rtol=0, atol=1e-5 * scale, err_msg=name
        )


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


if __name__ == "__main__":
    _answer_on_jax(*sys.argv[1:])
