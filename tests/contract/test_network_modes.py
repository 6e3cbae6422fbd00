"""Every family in the ways it may run: precisions, compilers, derivatives.

With two file names as arguments, this file answers on JAX the questions that
`test_jax_equals_tensorflow` asks.
"""

import functools
import itertools
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from family_networks import (
    CLASSES,
    QUICK,
    ROOT,
    both_roles,
    every_family,
    example,
    network,
    odd_network,
    on_tensorflow,
    outputs_of,
    quick_families,
    randomize,
)
from keras import ops

from kerasgan import gradients, presets

# Networks that divide by averages which training moves.
MEASURES = (("stylegan3", "Generator"),)
# Of differences: so short that no activation turns.
STEPS = {"stylegan3": 1e-8}
_ROLES = list(
    itertools.product(presets.FAMILIES, ("Generator", "Discriminator"))
)


@pytest.fixture(autouse=True)
def same_start():
    keras.utils.set_random_seed(0)


@both_roles
@pytest.mark.parametrize(
    "family, precision",
    [
        # The others' float16 differs in how many digits are left.
        pytest.param(
            family,
            precision,
            marks=[]
            if precision == "bfloat16" or family in QUICK
            else pytest.mark.slow,
        )
        for family in presets.FAMILIES
        for precision in ("bfloat16", "float16")
    ],
)
def test_mixed_precision_gives_float32(family, role, precision):
    twin = network(family, role)
    model = network(family, role, dtype=f"mixed_{precision}")
    assert precision in str(model.get_config()["dtype"])
    for to, of in zip(model.weights, twin.weights, strict=True):
        assert keras.backend.standardize_dtype(to.dtype) == "float32"
        to.assign(of)
    for training in (False, True):
        outputs = outputs_of(model, example(model), training)
        exact = outputs_of(twin, example(model), training)
        for ours, theirs in zip(outputs, exact, strict=True):
            assert keras.backend.standardize_dtype(ours.dtype) == "float32"
            # Of the whole: normalisation may turn single pixels around.
            error = np.linalg.norm(np.array(ours) - theirs)
            assert 0 < error < 0.05 * np.linalg.norm(theirs)
    if role == "Discriminator":
        features = model.heads(example(model))["features"]
        assert {str(ops.dtype(x)) for x in features} >= {precision}


@on_tensorflow
@every_family
@both_roles
@pytest.mark.parametrize(
    "classes", [pytest.param(None, marks=pytest.mark.slow), CLASSES]
)
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
@quick_families
@both_roles
def test_xla_equals_graph(family, role):
    import tensorflow as tf

    model = odd_network(family, role)
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
def test_second_derivatives_are_exact(family, role):
    model = odd_network(family, role, dtype="float64")
    # Slopes stop at what training measures.
    training = (family, role) not in MEASURES
    _check_second_derivatives(model, training, STEPS.get(family, 1e-6))


@on_tensorflow
@quick_families
@both_roles
def test_second_derivatives_are_exact_after_training(family, role):
    model = odd_network(family, role, dtype="float64")
    _check_second_derivatives(model, False, STEPS.get(family, 1e-6))


@on_tensorflow
def test_second_derivatives_without_batch_norm():
    model = odd_network(
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
        model = odd_network(family, role)
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
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
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
            model = odd_network(family, role)
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


if __name__ == "__main__":
    _answer_on_jax(*sys.argv[1:])
