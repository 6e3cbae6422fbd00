"""Interpolation, style mixing, directions and projection."""

import os
import pathlib
import subprocess
import sys

import family_networks
import keras
import numpy as np
import pytest
import training_steps
from keras import ops

import kerasgan
from kerasgan import latents, pictures


def gan_of(family, classes=None, **arguments):
    networks = [
        family_networks.network(family, role, classes=classes)
        for role in ("Generator", "Discriminator")
    ]
    family_networks.randomize(networks[0])
    return kerasgan.GANModel(*networks, **arguments)


@pytest.fixture(scope="module")
def styled():
    return gan_of("stylegan2")


@pytest.fixture(scope="module")
def told():
    return gan_of("stylegan2", classes=3)


@pytest.fixture(scope="module")
def plain():
    return kerasgan.GANModel(*training_steps.conv_networks())


class TestInterpolation:
    def test_ends_are_the_latents(self):
        start, end = np.random.default_rng(0).normal(size=(2, 6))
        for path in ("spherical", "linear"):
            found = latents.interpolate(start, end, 5, path)
            assert found.shape == (5, 6)
            np.testing.assert_allclose(found[[0, 4]], [start, end], atol=1e-6)

    def test_an_arc_keeps_the_length_and_a_line_the_mean(self):
        start, end = np.array([3.0, 0, 0]), np.array([0.0, 3, 0])
        arc = latents.interpolate(start, end, 3)
        line = latents.interpolate(start, end, 3, path="linear")
        half = 3 / np.sqrt(2)
        np.testing.assert_allclose(arc[1], [half, half, 0], atol=1e-6)
        np.testing.assert_allclose(line[1], [1.5, 1.5, 0], atol=1e-6)
        same = latents.interpolate(start, start, 3)
        np.testing.assert_allclose(same, [start] * 3)

    def test_takes_styles(self):
        start, end = np.zeros((4, 7)), np.ones((4, 7))
        found = latents.interpolate(start, end, 3, path="linear")
        np.testing.assert_allclose(found[1], np.full((4, 7), 0.5))

    def test_refuses_other_paths(self):
        with pytest.raises(ValueError, match="Did you mean 'linear'"):
            latents.interpolate(np.zeros(2), np.ones(2), 3, path="linea")


class TestMixing:
    def test_takes_fine_layers_from_above(self, styled):
        drawn = styled.latents(5)
        mixed = latents.mix(styled, drawn[:2], drawn[2:], from_layer=1)
        styles = styled.styles(drawn)
        wanted = np.concatenate([styles[1:2, :1], styles[4:, 1:]], axis=1)
        assert mixed.shape == (2, 3, 8, 8, 3)
        np.testing.assert_allclose(
            mixed[1, 2], styled.synthesize(wanted)[0], atol=1e-5
        )

    def test_with_itself_changes_nothing(self, styled):
        drawn = styled.latents(2)
        for inputs in (drawn, styled.styles(drawn)):
            mixed = latents.mix(styled, inputs, inputs, truncation=0.5)
            found = mixed[[0, 1], [0, 1]]
            wanted = styled.decode(drawn, truncation=0.5)
            np.testing.assert_allclose(found, wanted, atol=1e-5)

    def test_knows_the_labels_of_both(self, told):
        drawn = told.latents(2)
        labels = np.array([0, 1]), np.array([2, 2])
        mixed = latents.mix(told, drawn, drawn, 3, labels)
        coarse, fine = (told.styles(drawn, own) for own in labels)
        wanted = np.concatenate([coarse[1:, :3], fine[:1, 3:]], axis=1)
        wanted = told.synthesize(wanted)[0]
        np.testing.assert_allclose(mixed[1, 0], wanted, atol=1e-5)

    def test_refuses_what_it_cannot_mix(self, styled, plain):
        drawn = styled.latents(2)
        for layer in (0, 4):
            with pytest.raises(ValueError, match="from 1 to 3"):
                latents.mix(styled, drawn, drawn, from_layer=layer)
        with pytest.raises(ValueError, match="must have styles"):
            latents.mix(plain, plain.latents(2), plain.latents(2))


class TestDirections:
    def test_are_eigenvectors_of_the_first_kernel(self, plain):
        kernel = np.array(plain.averaged_generator.layers[0].kernel)
        values, vectors = np.linalg.eig(kernel @ kernel.T)
        order = np.argsort(values)[::-1]
        found, eigenvalues = latents.sefa(plain, count=5)
        np.testing.assert_allclose(eigenvalues, values[order], rtol=1e-5)
        np.testing.assert_allclose(found @ found.T, np.eye(5), atol=1e-6)
        shares = np.abs(np.sum(found * vectors.T[order], axis=1))
        np.testing.assert_allclose(shares, 1.0, atol=1e-5)
        largest = np.abs(found).argmax(axis=1)
        assert np.all(found[np.arange(5), largest] > 0)

    def test_change_the_first_layer_more_than_others(self, plain):
        kernel = np.array(plain.averaged_generator.layers[0].kernel)
        (first,), (value,) = latents.sefa(plain, count=1)
        others = np.random.default_rng(0).normal(size=(1000, 5))
        others /= np.linalg.norm(others, axis=1, keepdims=True)
        change = np.linalg.norm(first @ kernel)
        assert change > np.linalg.norm(others @ kernel, axis=1).max()
        np.testing.assert_allclose(change**2, value, rtol=1e-5)

    # Latents before labels; after an embedding of labels; a part of them.
    @pytest.mark.parametrize(
        ("family", "classes", "own"),
        [
            ("dcgan", 3, slice(8)),
            pytest.param("r3gan", 3, slice(8), marks=pytest.mark.slow),
            pytest.param("mescheder", 3, slice(8), marks=pytest.mark.slow),
            pytest.param("biggan", 3, slice(4), marks=pytest.mark.slow),
            pytest.param("progan", 3, slice(8), marks=pytest.mark.slow),
        ],
    )
    def test_find_where_latents_enter(self, family, classes, own):
        gan = gan_of(family, classes)
        kernel = next(
            np.array(weight.value)
            for weight in gan.averaged_generator.weights
            if "kernel" in weight.name and "stem" in weight.path
        )
        found, values = latents.sefa(gan, count=2)
        assert found.shape == (2, 8)
        assert np.all(found[:, own.stop :] == 0)
        wanted, _ = latents.principal_directions(kernel[own], 2)
        np.testing.assert_allclose(found[:, own], wanted, atol=1e-6)

    def test_find_them_beside_labels_and_in_part(self):
        drawn, labels = keras.Input((6,)), keras.Input((), dtype="int32")
        enter = keras.layers.Dense(9, activation="tanh")
        known = keras.layers.Dense(6, activation="tanh")(ops.one_hot(labels, 3))
        x = enter(ops.concatenate([known, drawn], axis=1))
        generator = keras.Model([drawn, labels], keras.layers.Dense(2)(x))
        gan = kerasgan.GANModel(generator, _any_logits(3), classes=3)
        found, _ = latents.sefa(gan, count=2)
        wanted, _ = latents.principal_directions(enter.kernel[6:], 2)
        np.testing.assert_allclose(found, wanted, atol=1e-6)

        enter = keras.layers.Dense(9, activation="tanh")
        x = ops.concatenate([enter(drawn[:, :4]), drawn[:, 4:]], axis=1)
        generator = keras.Model(drawn, keras.layers.Dense(2)(x))
        found, _ = latents.sefa(kerasgan.GANModel(generator, _any_logits()), 2)
        wanted, _ = latents.principal_directions(enter.kernel, 2)
        np.testing.assert_allclose(found[:, :4], wanted, atol=1e-6)
        assert np.all(found[:, 4:] == 0)

    def test_refuse_latents_that_enter_everywhere(self):
        drawn = keras.Input((6,))
        x = keras.layers.Dense(6, activation="tanh")(drawn)
        x = x * keras.layers.Dense(6)(drawn)
        generator = keras.Model(drawn, keras.layers.Dense(2)(x))
        gan = kerasgan.GANModel(generator, _any_logits())
        with pytest.raises(ValueError, match="in which none was found"):
            latents.sefa(gan)

    def test_of_layers_are_of_the_kernels_that_read_them(self, styled):
        kernels = styled.averaged_generator.style_kernels
        chosen = np.concatenate([kernels[1], kernels[3]], axis=1)
        wanted = latents.principal_directions(chosen, 3)
        for found, known in zip(
            latents.sefa(styled, 3, layers=[1, 3]), wanted, strict=True
        ):
            np.testing.assert_allclose(found, known)

    @pytest.mark.parametrize(
        "family",
        [
            "stylegan2",
            pytest.param("stylegan", marks=pytest.mark.slow),
            pytest.param("stylegan3", marks=pytest.mark.slow),
        ],
    )
    def test_style_kernels_are_all_that_read_a_style(self, family):
        network = gan_of(family).generator
        readers = [
            weight
            for weight in network.trainable_variables
            if len(weight.shape) == 2
            and weight.shape[0] == network.style_size
            and "mapping" not in weight.path
        ]
        for weight in readers:
            weight.assign(np.array(weight) * _without_first(weight))
        styles = np.array(network.styles(np.ones((1, network.latent_size))))
        styles = styles.repeat(network.style_count + 1, axis=0)
        for layer in range(network.style_count):
            styles[layer, layer, 0] += 1.0
        for weight in readers:
            weight.assign(np.array(weight) + (1 - _without_first(weight)))
            reading = [
                bool(np.any(np.array(kernel)[0]))
                for kernel in network.style_kernels
            ]
            *moved, still = np.array(network.synthesize(styles))
            moves = [np.abs(image - still).max() > 1e-5 for image in moved]
            assert reading == moves and sum(reading) == 1
            weight.assign(np.array(weight) * _without_first(weight))

    def test_refuse_what_is_not_there(self, styled, plain):
        with pytest.raises(ValueError, match="numbers from 0 to 3"):
            latents.sefa(styled, layers=[4])
        with pytest.raises(ValueError, match="`layers` must be None"):
            latents.sefa(plain, layers=[0])
        with pytest.raises(ValueError, match="`count` must be from 1 to 5"):
            latents.sefa(plain, count=6)


def _without_first(weight):
    """A mask of all rows but the first."""
    return (np.arange(weight.shape[0]) > 0)[:, None].astype("float32")


def _any_logits(classes=None):
    """A discriminator of samples [batch, 2], and of labels where there are."""
    samples = keras.Input((2,))
    if classes is None:
        return keras.Model(samples, keras.layers.Dense(1)(samples))
    labels = keras.Input((), dtype="int32")
    both = ops.concatenate([samples, ops.one_hot(labels, classes)], axis=1)
    return keras.Model([samples, labels], keras.layers.Dense(1)(both))


class TestEditing:
    def test_moves_latents(self, plain):
        drawn, direction = plain.latents(2), np.eye(5)[3]
        found = latents.edit(plain, drawn, direction, [-1, 0, 2])
        assert found.shape == (2, 3, 8, 8, 1)
        np.testing.assert_allclose(found[:, 1], plain.decode(drawn), atol=1e-6)
        wanted = plain.decode(drawn + 2 * direction)
        np.testing.assert_allclose(found[:, 2], wanted, atol=1e-5)

    def test_moves_the_styles_of_layers(self, styled):
        styles, direction = styled.styles(styled.latents(2)), np.eye(10)[3]
        found = latents.edit(styled, styles, direction, [0, 1], layers=[1])
        wanted = styles.copy()
        wanted[:, 1, 3] += 1
        wanted = styled.synthesize(wanted)
        np.testing.assert_allclose(found[:, 1], wanted, atol=1e-5)
        np.testing.assert_allclose(found[:, 0], styled.generate(2), atol=1e-5)

    def test_keeps_labels(self):
        gan = gan_of("dcgan", classes=3)
        drawn, labels = gan.latents(2), np.array([2, 0])
        found = latents.edit(gan, drawn, np.ones(8), [0, 0], labels)
        wanted = gan.decode(drawn, labels)
        np.testing.assert_allclose(found[:, 0], wanted, atol=1e-6)
        np.testing.assert_allclose(found[:, 1], wanted, atol=1e-6)


def projected(gan=None, steps=20, **arguments):
    """Three images of a small generator, projected -> arrays."""
    gan = gan or kerasgan.GANModel(*training_steps.conv_networks())
    found = latents.project(
        gan, gan.generate(3, seed=5), steps=steps, **arguments
    )
    return {"latents": found.latents, "distances": found.distances}


class TestProjection:
    def test_finds_styles_again(self, styled):
        target = styled.generate(2, seed=9, truncation=0.7)
        found = latents.project(styled, target, steps=150, stages=4)
        assert found.distances.shape == (151, 2)
        assert np.all(found.distances[-1] < 0.1 * found.distances[0])
        assert found.latents is None
        np.testing.assert_array_equal(found.history_steps, [0, 50, 100, 150])
        images = styled.synthesize(found.styles)
        np.testing.assert_allclose(found.images, images, atol=1e-6)
        np.testing.assert_allclose(found.history[-1], images, atol=1e-6)
        average, _ = styled.style_statistics()
        start = np.repeat(average[:, None], 4, axis=1)
        np.testing.assert_allclose(
            found.history[0, 0], styled.synthesize(start)[0], atol=1e-5
        )

    def test_finds_latents_again(self, plain):
        target = plain.generate(2, seed=9)
        found = latents.project(plain, target, steps=150)
        assert np.all(found.distances[-1] < 0.1 * found.distances[0])
        images = plain.decode(found.latents)
        np.testing.assert_allclose(found.images, images, atol=1e-6)

    def test_is_a_function_of_seed_and_place(self, plain):
        first, again = projected(plain), projected(plain, batch_size=2)
        for name, values in first.items():
            np.testing.assert_allclose(values, again[name], atol=1e-5)
        np.testing.assert_array_equal(
            projected(plain)["latents"], first["latents"]
        )
        other = projected(plain, seed=1)["distances"]
        assert np.abs(other[1:15] - first["distances"][1:15]).min() > 0

    def test_is_traced_once_and_takes_any_distance(self, plain):
        traces = []

        def distance(*, real, fake):
            traces.append(1)
            return ops.mean(ops.abs(real - fake), axis=(1, 2, 3))

        target = plain.generate(2, seed=9)
        found = latents.project(plain, target, steps=50, distance=distance)
        assert len(traces) <= 4  # A step's and its gradient's, the last one.
        wanted = np.abs(target - found.images).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(found.distances[-1], wanted, atol=1e-6)

    def test_looks_in_a_class(self, told):
        target = told.generate(1, labels=2, seed=9, truncation=0.7)
        found = latents.project(told, target, 2, steps=1, noise=0.0)
        average, _ = told.style_statistics(np.array([2]))
        np.testing.assert_allclose(
            found.history[0], told.synthesize(average[:, None].repeat(4, 1))
        )
        with pytest.raises(ValueError, match="`labels` must be given"):
            latents.project(told, target)

    def test_uniform_latents_stay_in_their_range(self):
        gan = kerasgan.GANModel(
            *training_steps.conv_networks(), latent_distribution="uniform"
        )
        target = gan.decode(np.full((1, 5), 3.0))
        found = latents.project(gan, target, steps=60)
        assert np.abs(found.latents).max() == 1.0

    def test_a_pyramid_looks_from_afar(self):
        stripes = np.tile([1.0, -1.0], (1, 8, 4))[..., None]
        plain = np.ones((1, 8, 8, 1))
        found = latents.pyramid_distance(
            real=stripes, fake=np.zeros((1, 8, 8, 1))
        )
        # Details vanish in the half image; a shade does not.
        np.testing.assert_allclose(found, [0.5])
        found = latents.pyramid_distance(real=plain, fake=0 * plain)
        np.testing.assert_allclose(found, [1.0])

    def test_refuses_other_images(self, plain):
        with pytest.raises(ValueError, match="shape of the generator's"):
            latents.project(plain, np.zeros((2, 9, 8, 1)))
        with pytest.raises(ValueError, match="`steps` and"):
            latents.project(plain, np.zeros((2, 8, 8, 1)), steps=0)

    @pytest.mark.slow
    @family_networks.on_tensorflow
    def test_jax_finds_the_same(self, tmp_path):
        code = (
            "import numpy as np, test_latents; "
            f"np.savez({str(tmp_path / 'x.npz')!r}, **test_latents.projected(steps=100))"
        )
        folder = pathlib.Path(__file__).parent
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "KERAS_BACKEND": "jax",
                "JAX_PLATFORMS": "cpu",
                "PYTHONPATH": f"{folder}{os.pathsep}{folder.parent}",
            },
            check=True,
        )
        with np.load(tmp_path / "x.npz") as theirs:
            for name, ours in projected(steps=100).items():
                np.testing.assert_allclose(theirs[name], ours, atol=1e-4)


def test_tables_have_words_around_images():
    images = -np.ones((2, 3, 8, 8, 1))
    names = ["", "row two"], ["a", "b", ""]
    table = pictures.table(images, *names, "what it is")
    bare = pictures.table(images, ["", ""], ["", "", ""], "")
    assert table.shape[2] == 1 and table.shape[0] == bare.shape[0]
    left = table.shape[1] - bare.shape[1]
    assert left > 20  # Room for the row's name.
    np.testing.assert_array_equal(table[48:, left + 8 :], bare[48:, 8:])
    rows = np.flatnonzero((table[48:, : left + 4] < 128).any(axis=1))
    assert rows.min() > 60  # The first has no name.
    columns = np.flatnonzero((table[28:46] < 128).any(axis=(0, 2)))
    assert left < columns.min() and columns.max() < left + 130
    for channels in (3, 4):
        coloured = images.repeat(channels, axis=-1)
        assert pictures.table(coloured, *names, "").shape[2] == channels


def test_styles_of_one_s_own_are_truncated(styled):
    styles = styled.styles(styled.latents(2))
    direction = np.eye(styles.shape[2], dtype="float32")[0]
    found = latents.edit(styled, styles, direction, [0.0], truncation=0.3)
    wanted = styled.decode(styled.latents(2), truncation=0.3)
    np.testing.assert_allclose(found[:, 0], wanted, atol=1e-5)
    with pytest.raises(ValueError, match="`labels` must be None"):
        latents.edit(styled, styles, direction, [0.0], labels=1)
    with pytest.raises(ValueError, match=r"must have the shape \(\d+,\)"):
        latents.edit(styled, styles, np.stack([direction] * 2), [0.0, 1.0])


def test_layers_are_of_styles():
    gan = kerasgan.GANModel(*training_steps.conv_networks())
    with pytest.raises(ValueError, match="`layers` must be None"):
        latents.edit(gan, gan.latents(1), np.ones(5), [0.0], layers=[0])


def test_classes_are_in_range(told):
    with pytest.raises(ValueError, match="classes from 0 to 2"):
        told.generate(2, labels=[0, 3])
