"""Path lengths, and what else a generator's own regularizer needs of a model."""

import keras
import numpy as np
import pytest
from keras import ops
from training_steps import fit, images, largest_difference, weights_of

import kerasgan
from kerasgan import presets
from kerasgan.regularizers import R1, PathLength, path_lengths


def _gan():
    keras.utils.set_random_seed(0)
    gan = kerasgan.GANModel(*presets.get("stylegan2_tiny"))
    gan.compile(
        regularizers=[R1(1.0, every=2), PathLength(every=2)],
        # To trace the step takes longer than to run a few.
        run_eagerly=True,
    )
    return gan


def _data(count):
    return np.repeat(images(count), 3, axis=-1)


def _mean_of(gan):
    (mean,) = gan._kept.values()
    return float(ops.convert_to_numpy(mean.value))


def test_lengths_of_a_linear_generator():
    """images = A w: |A^T y| of y = noise / sqrt(height * width)."""
    random = np.random.default_rng(0)
    matrix = random.normal(size=(5, 4 * 3 * 2)).astype("float32")
    styles = random.normal(size=(6, 2, 5)).astype("float32")
    noise = random.normal(size=(6, 4, 3, 2)).astype("float32")

    def synthesize(styles):
        # The first style alone counts.
        return ops.reshape(ops.matmul(styles[:, 0], matrix), (-1, 4, 3, 2))

    found = path_lengths(synthesize, ops.convert_to_tensor(styles), noise)
    slopes = noise.reshape(6, -1) @ matrix.T / np.sqrt(4 * 3)
    expected = np.sqrt((slopes**2).sum(axis=1) / 2)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_mean_moves_when_due_and_goes_on_after_a_restart(tmp_path):
    data = _data(24)
    whole, first = _gan(), _gan()
    means = [
        _mean_of(whole),
        *(
            fit(whole, data[i : i + 8], 8) and _mean_of(whole)
            for i in range(0, 24, 8)
        ),
    ]
    changed = [a != b for a, b in zip(means[:-1], means[1:], strict=True)]
    assert changed == [True, False, True]
    logs = fit(first, data[:8], 8).history
    assert logs["generator_path_length"][0] > 0
    assert logs["discriminator_r1"][0] > 0
    assert not {"discriminator_path_length", "generator_r1"} & set(logs)
    fit(first, data[8:16], 8)
    first.save(tmp_path / "gan.keras")
    rest = kerasgan.load(tmp_path / "gan.keras")
    assert _mean_of(rest) == means[2] != 0
    fit(rest, data[16:], 8)
    assert largest_difference(weights_of(rest), weights_of(whole)) == 0
    assert _mean_of(rest) == means[-1]


@pytest.mark.slow
def test_draws_belong_to_images_and_to_training():
    gan = _gan()
    seen = []
    call = type(gan.generator).call

    class Spy(type(gan.generator)):
        def call(self, inputs, training=False, draws=None):
            seen.append((training, draws))
            return call(self, inputs, training, draws)

    gan.generator.__class__ = Spy
    fit(gan, _data(16), 8)
    names = set(gan.generator.draws)
    assert {"mixing", "mixing_latents", "noise_8px_last"} <= names
    assert all(training and set(draws) == names for training, draws in seen)
    noises = [np.asarray(d["noise_4px_last"]) for _, d in seen]
    assert len(noises) == 4  # Two players, two steps.
    assert all(noise.shape == (8, 4, 4, 1) for noise in noises)
    for i, one in enumerate(noises):
        for other in noises[:i]:
            assert np.abs(one - other).min(axis=(1, 2, 3)).max() > 0
    seen.clear()
    gan.evaluate(_data(8), batch_size=8, verbose=0)
    assert seen and all(draws is None for _, draws in seen)


@pytest.mark.parametrize(
    "regularizers, preset, message",
    [
        ([PathLength()], "resnet_tiny", "`synthesize`.*Received: Generator"),
        ([PathLength(), PathLength(3.0)], "resnet_tiny", "differ in kind"),
    ],
)
def test_what_cannot_be_is_named(regularizers, preset, message):
    gan = kerasgan.GANModel(*presets.get(preset))
    with pytest.raises(ValueError, match=message):
        gan.compile(regularizers=regularizers)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="`shrink`.*Received: shrink=0"):
        PathLength(shrink=0)
