"""Gradients with respect to inputs and variables, and held-back writes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import gradients


class TestOfInputs:
    def test_row_by_row(self):
        x = ops.convert_to_tensor([[1.0, 2.0], [-3.0, 0.5]])
        slope = gradients.of_inputs(lambda x: ops.sum(x**3, axis=1), x)
        np.testing.assert_allclose(slope, 3 * np.square(x), rtol=1e-6)

    def test_several_inputs_and_unused_ones(self):
        x, y, z = ops.ones((2,)), 2.0 * ops.ones((2,)), ops.ones((3,))
        slopes = gradients.of_inputs(lambda p: p[0] * p[1] ** 2, (x, y, z))
        for slope, expected in zip(
            slopes, ([4, 4], [4, 4], [0, 0, 0]), strict=True
        ):
            np.testing.assert_allclose(slope, expected)

    def test_plain_arrays(self):
        # `train_on_batch` passes them when it runs eagerly.
        slope = gradients.of_inputs(lambda x: x**2, np.array([3.0], "float32"))
        np.testing.assert_allclose(slope, [6.0])

    def test_second_order(self):
        x = ops.convert_to_tensor([0.3, -1.2])

        def slope(x):
            return gradients.of_inputs(ops.sin, x)

        curvature = gradients.of_inputs(slope, x)
        np.testing.assert_allclose(curvature, -np.sin(x), rtol=1e-6)
        third = gradients.of_inputs(lambda x: gradients.of_inputs(slope, x), x)
        np.testing.assert_allclose(third, -np.cos(x), rtol=1e-6)


@keras.saving.register_keras_serializable(package="tests.gradients")
class Counting(layers.Layer):
    """Multiplies by a weight, and counts its calls in a variable."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(), initializer="ones")
        self.calls = self.add_weight(
            shape=(), initializer="zeros", trainable=False
        )

    def call(self, x):
        self.calls.assign_add(1.0)
        return x * self.factor


@pytest.fixture
def layer():
    layer = Counting()
    layer.build((None,))
    layer.factor.assign(3.0)
    return layer


class TestOfVariables:
    def test_loss_logs_gradients_and_writes(self, layer):
        def objective():
            loss = ops.sum(layer(layer(ops.convert_to_tensor([1.0, 2.0]))))
            return loss, {"twice": 2.0 * loss}

        (loss, logs), slopes, writes = gradients.of_variables(
            objective, [layer.factor], state=layer.variables
        )
        np.testing.assert_allclose(loss, 27.0)
        np.testing.assert_allclose(logs["twice"], 54.0)
        np.testing.assert_allclose(slopes[0], 18.0)
        ((variable, value),) = writes
        assert variable is layer.calls
        np.testing.assert_allclose(value, 2.0)
        # Nothing has happened yet.
        np.testing.assert_allclose(layer.calls, 0.0)

    def test_unused_variables_have_zero_gradients(self, layer):
        other = keras.Variable([1.0, 2.0])
        _, slopes, _ = gradients.of_variables(
            lambda: (layer(ops.ones(())), None),
            [other, layer.factor],
            state=[other, *layer.variables],
        )
        np.testing.assert_array_equal(slopes[0], [0.0, 0.0])
        np.testing.assert_allclose(slopes[1], 1.0)

    def test_other_variables_are_constants(self, layer):
        other = keras.Variable(5.0)
        _, slopes, _ = gradients.of_variables(
            lambda: (layer(ops.ones(())) * other, None),
            [layer.factor],
            state=[other, *layer.variables],
        )
        assert len(slopes) == 1
        np.testing.assert_allclose(slopes[0], 5.0)

    def test_temporary_values_hold_and_their_writes_are_dropped(self, layer):
        other = keras.Variable(5.0)

        def objective():
            value = layer(other.value)
            other.assign(100.0)
            return value, None

        (loss, _), _, writes = gradients.of_variables(
            objective,
            [layer.factor],
            state=layer.variables,
            temporary=[(other, ops.convert_to_tensor(7.0))],
        )
        np.testing.assert_allclose(loss, 21.0)
        assert [variable for variable, _ in writes] == [layer.calls]
        np.testing.assert_allclose(other, 5.0)


class TestWithoutWrites:
    def test_network_runs_as_it_is_and_keeps_nothing(self, layer):
        network = keras.Sequential([layer])
        with gradients.without_writes(network):
            value = network(2.0 * ops.ones((1,)))
        np.testing.assert_allclose(value, [6.0])
        np.testing.assert_allclose(layer.calls, 0.0)

    def test_inside_an_objective(self, layer):
        network = keras.Sequential([layer])

        def objective():
            main = ops.sum(network(ops.ones((1,))))
            with gradients.without_writes(network):
                beside = ops.sum(network(ops.ones((1,))))
                inside = ops.convert_to_tensor(layer.calls.value)
            return main + beside, inside

        (_, inside), slopes, writes = gradients.of_variables(
            objective, [layer.factor], state=network.variables
        )
        # It sees what the main pass wrote, and gradients pass it,
        np.testing.assert_allclose(inside, 2.0)
        np.testing.assert_allclose(slopes[0], 2.0)
        # but only the main pass counts.
        np.testing.assert_allclose(writes[0][1], 1.0)
