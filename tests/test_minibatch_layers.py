"""Layers that see the whole batch: by hand, and what a batch may look like."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasgan
from kerasgan import gradients
from kerasgan.layers.minibatch import MinibatchDiscrimination, MinibatchStdDev

LAYERS = {
    "std_dev": lambda: MinibatchStdDev(group_size=3, channels=2),
    "discrimination": lambda: MinibatchDiscrimination(4, 3),
}


def _values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def _call(layer, values):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(values)))


class TestMinibatchStdDev:
    def test_by_hand(self):
        # Groups by stride: {0, 2} and {1, 3}.
        x = np.array([[1.0, 0.0], [2.0, 5.0], [5.0, 6.0], [2.0, 5.0]], "f")
        y = _call(MinibatchStdDev(group_size=2), x)
        np.testing.assert_array_equal(y[:, :2], x)
        # Deviations 2 and 3, and none but the root of epsilon.
        np.testing.assert_allclose(y[:, 2], [2.5, 1e-4, 2.5, 1e-4], rtol=1e-6)

    @pytest.mark.parametrize("shape", [(5,), (7, 4), (3, 2, 4), (2, 3, 2, 4)])
    def test_any_leading_shape(self, shape):
        x = _values(8, *shape)
        y = _call(MinibatchStdDev(), x)
        assert y.shape == (8, *shape[:-1], shape[-1] + 1)
        np.testing.assert_array_equal(y[..., :-1], x)
        for group in range(2):
            expected = x[group::2].std(axis=0).mean()
            np.testing.assert_allclose(y[group::2, ..., -1], expected, 1e-5)

    def test_each_appended_channel_is_of_its_part(self):
        x = _values(4, 3, 3, 6)
        y = _call(MinibatchStdDev(channels=2), x)
        for part in range(2):
            channels = x[..., 3 * part : 3 * part + 3]
            expected = channels.std(axis=0).mean()
            np.testing.assert_allclose(y[..., 6 + part], expected, rtol=1e-5)

    @pytest.mark.parametrize(
        "rows, group_size, groups",
        [
            pytest.param(5, 4, [[0, 2, 4], [1, 3]], id="uneven"),
            pytest.param(7, 3, [[0, 3, 6], [1, 4], [2, 5]], id="prime"),
            pytest.param(3, 4, [[0, 1, 2]], id="fewer_than_a_group"),
            pytest.param(6, None, [[0, 1, 2, 3, 4, 5]], id="whole_batch"),
            pytest.param(1, 4, [[0]], id="one_sample"),
        ],
    )
    def test_batches_that_do_not_divide(self, rows, group_size, groups):
        x = _values(rows, 2, 3)
        y = _call(MinibatchStdDev(group_size), x)
        for group in groups:
            expected = np.sqrt(x[group].var(axis=0) + 1e-8).mean()
            np.testing.assert_allclose(y[group, ..., -1], expected, rtol=1e-5)

    def test_a_batch_of_unknown_size(self):
        x = _values(5, 3)
        model = keras.Sequential([keras.Input((3,)), MinibatchStdDev()])
        np.testing.assert_allclose(
            model.predict(x, verbose=0), _call(MinibatchStdDev(), x), rtol=1e-6
        )

    def test_order_within_a_group_does_not_matter(self):
        x = _values(8, 3)
        y = _call(MinibatchStdDev(), x)
        order = [6, 3, 0, 7, 4, 5, 2, 1]  # Even places stay even.
        np.testing.assert_allclose(
            _call(MinibatchStdDev(), x[order])[:, -1], y[order, -1], rtol=1e-6
        )

    def test_low_precision_is_measured_in_float32(self):
        x = 100.0 + _values(4, 6)
        low = ops.cast(ops.convert_to_tensor(x), "bfloat16")
        layer = MinibatchStdDev(dtype="mixed_bfloat16")
        y = layer(low)
        assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
        exact = _call(MinibatchStdDev(), ops.cast(low, "float32"))
        # Eight bits: in bfloat16 the squares alone would be off by more.
        np.testing.assert_allclose(
            ops.convert_to_numpy(ops.cast(y, "float32"))[:, -1],
            exact[:, -1],
            rtol=2**-8,
        )

    def test_second_derivatives_are_exact(self):
        """Against differences of the first, in float64."""
        layer = MinibatchStdDev(group_size=3, epsilon=0.1, dtype="float64")
        x = ops.convert_to_tensor(_values(6, 4), "float64")
        direction = ops.convert_to_tensor(_values(6, 4, seed=1), "float64")

        def slope(x):
            return gradients.of_inputs(
                lambda x: ops.sum(ops.square(layer(x)), axis=-1), x
            )

        step = 1e-5
        expected = (
            np.array(slope(x + step * direction))
            - np.array(slope(x - step * direction))
        ) / (2 * step)
        found = gradients.of_inputs(lambda x: slope(x) * direction, x)
        # What `of_inputs` sums, it sums in float32.
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    def test_alike_samples_have_finite_gradients(self):
        x = ops.ones((4, 3))
        slope = gradients.of_inputs(MinibatchStdDev(), x)
        np.testing.assert_allclose(slope, np.ones((4, 3)), rtol=1e-6)

    def test_errors(self):
        with pytest.raises(ValueError, match="`channels` must divide.*5"):
            MinibatchStdDev(channels=2)(ops.ones((4, 5)))
        with pytest.raises(ValueError, match="`group_size` must be positive"):
            MinibatchStdDev(group_size=0)


class TestMinibatchDiscrimination:
    def test_by_hand(self):
        layer = MinibatchDiscrimination(kernels=2, dims=2)
        x = np.array([[0.0], [1.0], [3.0]], "float32")
        layer.build(x.shape)
        layer.kernel.assign([[1.0, 2.0, 0.0, 0.5]])
        y = _call(layer, x)
        np.testing.assert_array_equal(y[:, :1], x)
        # Kernels weigh a difference d by 3 d and by d / 2.
        for kernel, factor in ((1, 3.0), (2, 0.5)):
            e = np.exp(-factor * np.array([1.0, 3.0, 2.0]))
            expected = [e[0] + e[1], e[0] + e[2], e[1] + e[2]]
            np.testing.assert_allclose(y[:, kernel], expected, rtol=1e-5)

    def test_counts_the_others_that_are_alike(self):
        y = _call(MinibatchDiscrimination(3, 2), np.ones((5, 4), "float32"))
        np.testing.assert_array_equal(y[:, 4:], np.full((5, 3), 4.0))

    def test_alone_there_are_no_others(self):
        y = _call(MinibatchDiscrimination(3, 2), _values(1, 4))
        np.testing.assert_array_equal(y[:, 4:], np.zeros((1, 3)))

    def test_follows_the_order_of_samples(self):
        layer, x = MinibatchDiscrimination(4, 3), _values(6, 5)
        order = [3, 0, 5, 1, 4, 2]
        np.testing.assert_allclose(
            _call(layer, x[order]), _call(layer, x)[order], rtol=1e-5
        )

    def test_errors(self):
        with pytest.raises(ValueError, match="Put a `Flatten` before"):
            MinibatchDiscrimination()(ops.ones((2, 4, 4, 3)))
        with pytest.raises(ValueError, match="`dims` must be positive"):
            MinibatchDiscrimination(dims=0)


@pytest.mark.parametrize("name", LAYERS)
class TestBoth:
    def test_tells_a_varied_batch_from_one_that_is_not(self, name):
        layer = LAYERS[name]()
        varied = _values(6, 4)
        alike = np.repeat(varied[:1], 6, axis=0)
        first, second = (_call(layer, x)[:, 4:] for x in (varied, alike))
        assert np.all(first > second) or np.all(first < second)

    def test_gradients_reach_every_sample_from_one(self, name):
        layer = LAYERS[name]()
        slope = gradients.of_inputs(
            lambda x: layer(x)[0, 4:], ops.convert_to_tensor(_values(6, 4))
        )
        others = np.any(np.array(slope) != 0, axis=1)
        # Of three rows to a group, those of the first one's.
        expected = {"std_dev": [1, 0, 1, 0, 1, 0], "discrimination": 6 * [1]}
        np.testing.assert_array_equal(others, expected[name])

    def test_saves_and_loads_within_a_gan(self, name, tmp_path):
        generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
        discriminator = keras.Sequential(
            [keras.Input((4,)), LAYERS[name](), keras.layers.Dense(1)]
        )
        gan = kerasgan.GANModel(generator, discriminator)
        gan.compile(regularizers=[kerasgan.regularizers.R1(1.0)])
        history = gan.fit(_values(20, 4), batch_size=8, verbose=0).history
        assert all(np.all(np.isfinite(v)) for v in history.values())
        gan.save(tmp_path / "gan.keras")
        loaded = kerasgan.load(tmp_path / "gan.keras")
        layers = [model.discriminator.layers[0] for model in (gan, loaded)]
        assert layers[0].get_config() == layers[1].get_config()
        x = _values(6, 4, seed=3)
        np.testing.assert_array_equal(*(_call(layer, x) for layer in layers))
