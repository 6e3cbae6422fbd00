"""Weights of other networks to start from, and stages that stay frozen."""

import functools
import json
import re
import shutil

import keras
import numpy as np
import pytest
from family_networks import LABELS, QUICK, example, network, randomize
from keras import layers
from training_steps import conv_networks, fit, images

import kerasgan
from kerasgan import recipes, schedules
from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.layers.spectral import SpectralConv2D
from kerasgan.runs.preparation import load_data
from kerasgan.runs.sample import load_model
from kerasgan.runs.train import dry_run, train
from kerasgan.runs.workdir import Workdir
from kerasgan.training import checkpoints
from kerasgan.training.transfer import start_from


@functools.cache
def source_of(family, **arguments):
    """One with random weights, which nobody changes."""
    return gan_of(family, 1, **arguments)


def gan_of(family, seed=None, **arguments):
    """A family's tiny GAN, with random weights where a seed is given."""
    gan = kerasgan.GANModel(
        network(family, "Generator", **arguments),
        network(family, "Discriminator", **arguments),
    )
    if seed is not None:
        parts = (gan.generator, gan.discriminator, gan.averaged_generator)
        for part in parts:
            randomize(part, seed)
            seed += 1
    return gan


def values(model):
    return [np.array(v) for v in model.weights]


def called(model, inputs):
    return np.array(model(inputs, training=False))


@pytest.mark.parametrize("family", ["dcgan", "sngan"])
def test_equal_networks_become_the_source(family):
    source, gan = source_of(family), gan_of(family)
    source.images_seen.assign(640)
    report = start_from(gan, source)
    for loaded, numbers in report.networks.values():
        assert loaded == numbers > 0
    assert {t.state for t in report.transfers} == {"loaded"}
    assert not any(report.unused.values())
    for part in ("generator", "discriminator", "averaged_generator"):
        ours, theirs = getattr(gan, part), getattr(source, part)
        for one, other in zip(values(ours), values(theirs), strict=True):
            np.testing.assert_array_equal(one, other)
    trained = called(gan.generator, gan.latents(2))
    assert np.abs(gan.generate(2) - trained).max() > 0.01
    np.testing.assert_array_equal(gan.generate(2), source.generate(2))
    assert int(gan.images_seen) == 0


def test_known_classes_stay_and_new_ones_are_their_mean():
    source, gan = source_of("dcgan", classes=3), gan_of("dcgan", classes=5)
    report = start_from(gan, source)
    x = example(gan.discriminator)[0]
    np.testing.assert_allclose(
        called(gan.discriminator, (x, LABELS)),
        called(source.discriminator, (x, LABELS)),
        rtol=1e-4,
        atol=1e-5,
    )
    layer = report.of("generator")["stage_8px/conv2d_transpose"]
    assert layer.state == "partly" and layer.reason == "5 classes, were 3"
    new, old = (
        np.array(m.generator.stages[0].layers[0].kernel) for m in (gan, source)
    )
    channels = old.shape[-1] - 3
    assert layer.loaded == old.size
    np.testing.assert_array_equal(new[..., : channels + 3], old)
    for label in (-1, -2):
        mean = old[..., channels:].mean(axis=-1)
        np.testing.assert_allclose(new[..., label], mean, rtol=1e-5)


def test_fewer_classes_are_the_first_ones():
    source, gan = gan_of("dcgan", 1, classes=5), gan_of("dcgan", classes=3)
    start_from(gan, source)
    x = example(gan.discriminator)[0]
    np.testing.assert_allclose(
        called(gan.discriminator, (x, LABELS)),
        called(source.discriminator, (x, LABELS)),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("family", ["dcgan", "sngan"])
def test_without_classes_before_all_begin_alike(family):
    source, gan = source_of(family), gan_of(family, classes=3)
    report = start_from(gan, source)
    latents = example(source.generator)
    wanted = called(source.generator, latents)
    for label in range(3):
        made = called(gan.generator, (latents, np.full(4, label)))
        np.testing.assert_allclose(made, wanted, rtol=1e-4, atol=1e-5)
    loaded, numbers = report.networks["discriminator"]
    assert 0 < loaded < numbers


def test_classes_no_more_leave_their_mean():
    source, gan = source_of("sngan", classes=3), gan_of("sngan")
    report = start_from(gan, source)
    new, old = (
        np.array(m.generator.stages[0].first_norm.gain) for m in (gan, source)
    )
    np.testing.assert_allclose(new, old.mean(axis=0), rtol=1e-6)
    assert report.unused["discriminator"] == ["heads/label_projection"]


def test_another_size_finds_the_stages_that_it_shares():
    source = gan_of("dcgan", 1, image_shape=(16, 16, 3), width=8)
    gan = gan_of("dcgan", image_shape=(32, 32, 3), width=4)
    fresh = values(gan.generator)
    report = start_from(gan, source)
    states = {
        name: {path: t.state for path, t in report.of(name).items()}
        for name in report.networks
    }
    assert states["generator"] == {
        "stem_4px/dense": "loaded",
        "stem_4px/batch_normalization": "loaded",
        "stage_8px/conv2d_transpose": "loaded",
        "stage_8px/batch_normalization": "loaded",
        "stage_16px/conv2d_transpose": "fresh",
        "stage_16px/batch_normalization": "fresh",
        "to_image/conv2d_transpose": "fresh",
    }
    assert states["averaged_generator"] == states["generator"]
    assert states["discriminator"] == {
        "stage_16px/conv2d": "fresh",
        "stage_8px/conv2d": "fresh",
        "stage_8px/batch_normalization": "fresh",
        "stage_4px/conv2d": "loaded",
        "stage_4px/batch_normalization": "loaded",
        "to_logits": "loaded",
    }
    for one, other in zip(
        values(gan.discriminator.stages[-1]),
        values(source.discriminator.stages[-1]),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(fresh[-1], values(gan.generator)[-1])
    text = str(report)
    assert "stem_4px to stage_8px" in text and "as the generator" in text
    assert "(4, 4, 3, 4), was (4, 4, 3, 8)" in text
    assert "not used, of the source: to_image" in text


def test_own_networks_match_however_keras_counts_them():
    source = kerasgan.GANModel(*conv_networks())
    layers.Dense(1), layers.Conv2D(1, 1), layers.Dense(1)
    generator, discriminator = conv_networks()
    gan = kerasgan.GANModel(generator, discriminator)
    for weight in gan.weights[1:]:
        weight.assign(np.zeros(weight.shape))
    names = [[x.name for x in m.generator.layers] for m in (source, gan)]
    assert names[0] != names[1]
    start_from(gan, source)
    for one, other in zip(values(gan), values(source), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_dict_gives_what_it_has():
    source, gan = source_of("dcgan"), gan_of("dcgan")
    before = values(gan.discriminator)
    report = start_from(gan, {"generator": source.generator})
    assert report.networks["discriminator"][0] == 0
    wanted = values(source.generator)
    for part in (gan.generator, gan.averaged_generator):
        for one, other in zip(values(part), wanted, strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(values(gan.discriminator), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_average_is_kept_where_nothing_rises():
    gan = gan_of("dcgan")
    gan.compile(ema_half_life_images=schedules.Constant(1e6))
    start_from(gan, source_of("dcgan"))
    before = values(gan.averaged_generator)
    data = np.zeros((4, *gan.sample_shape), "float32")
    fit(gan, data, 4)
    for one, other in zip(values(gan.averaged_generator), before, strict=True):
        if one.ndim > 1:
            np.testing.assert_allclose(one, other, atol=1e-5)
    recipe = recipes.get("dcgan").replace(start_from="somewhere")
    assert recipe._half_life() == schedules.Constant(5_000)


def test_what_fits_nowhere_changes_nothing():
    gan = gan_of("dcgan")
    before = values(gan)
    with pytest.raises(ValueError, match="must have a kernel that fits"):
        start_from(gan, source_of("sngan"))
    with pytest.raises(ValueError, match="must be one of .*generator"):
        start_from(gan, {"generators": gan.generator})
    with pytest.raises(ValueError, match="must be a model of generator and"):
        start_from(gan, gan.generator)
    wider = gan_of("dcgan", image_shape=(32, 32, 3))
    wider.compile(discriminator_frozen_stages=1)
    with pytest.raises(ValueError, match="layers that are frozen"):
        start_from(wider, gan)
    for one, other in zip(values(gan), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_reports_are_plain_data():
    source, gan = source_of("sngan", classes=3), gan_of("sngan", classes=4)
    report = start_from(gan, source)
    networks = json.loads(report.to_json())
    assert list(networks) == [
        "discriminator",
        "generator",
        "averaged_generator",
    ]
    for name, found in networks.items():
        assert (found["loaded"], found["numbers"]) == report.networks[name]
        assert found["loaded"] == sum(x["loaded"] for x in found["layers"])
    judge = networks["discriminator"]["layers"][-1]
    assert judge["path"] == "heads/label_projection"
    assert judge["shapes"] == {"kernel": [4, 6], "u": [4]}
    assert judge["source_shapes"] == {"kernel": [3, 6], "u": [3]}
    assert judge["state"] == "partly" and judge["loaded"] == 3 * 6 + 3
    assert "4 classes, were 3" in str(report)


def test_frozen_stages_stay_while_the_others_learn():
    generator, _ = conv_networks()
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            SpectralConv2D(4, 3),
            BatchNormalization(),
            layers.LeakyReLU(0.2),
            SpectralConv2D(4, 3),
            BatchNormalization(),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    gan = kerasgan.GANModel(generator, discriminator)
    gan.compile(discriminator_frozen_stages=2)
    before = {v.path: np.array(v) for v in gan.weights}
    frozen = {v.path for x in discriminator.layers[:2] for v in x.weights}
    assert {path.rpartition("/")[2] for path in frozen} == {
        *("kernel", "bias", "u"),
        *("gain", "moving_mean", "moving_variance"),
    }
    fit(gan, images(32), 16)
    after = {v.path: np.array(v) for v in gan.weights}
    # Its batch norm takes a bias away, which has no slope then.
    moved = {path for path in before if (before[path] != after[path]).any()}
    assert not frozen & moved
    still = before.keys() - frozen - moved
    assert all("spectral_conv2d" in path for path in still), still
    held = sum("momentum" in v.path for v in gan.optimizer.variables)
    assert held == len(generator.weights) + 6


def test_frozen_batch_norm_divides_by_the_batch():
    gan = gan_of("dcgan", 1)
    x = example(gan.discriminator)
    before = np.array(gan.discriminator(x, training=True))
    statistics = [
        v.assign(np.ones(v.shape))
        for v in gan.discriminator.weights
        if "moving" in v.path
    ]
    gan.compile(discriminator_frozen_stages=2)
    after = np.array(gan.discriminator(x, training=True))
    np.testing.assert_allclose(after, before, rtol=1e-5)
    assert statistics and all(
        (np.array(v) == 1).all()
        for v in gan.discriminator.weights
        if "moving" in v.path
    )


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(x, marks=[] if x == "dcgan" else pytest.mark.slow)
        for x in (*QUICK, "progan")
    ],
)
def test_what_is_frozen_is_all_that_a_stage_depends_on(family):
    gan = gan_of(family, 1, image_shape=(16, 16, 3))
    discriminator = gan.discriminator
    gan.compile(discriminator_frozen_stages=1)
    x = example(discriminator)
    before = discriminator.heads(x)
    assert not any(
        isinstance(layer, SelfAttention)
        for layer in discriminator._flatten_layers()
    )
    for variable in discriminator.trainable_variables:
        variable.assign(variable + 0.5)
    after = discriminator.heads(x)
    np.testing.assert_array_equal(before["features"][0], after["features"][0])
    assert np.abs(before["logits"] - after["logits"]).max() > 1e-3
    assert 0 < len(discriminator.trainable_variables)


def test_stages_of_own_networks_are_layers_with_weights():
    gan = kerasgan.GANModel(*conv_networks())
    gan.compile(discriminator_frozen_stages=1)
    assert [x.trainable for x in gan.discriminator.layers if x.weights] == [
        False,
        True,
    ]
    with pytest.raises(ValueError, match="from 0 to 1.*frozen_stages=2"):
        gan.compile(discriminator_frozen_stages=2)


def test_bad_counts_freeze_nothing():
    gan = kerasgan.GANModel(*conv_networks())
    gan.discriminator.stages = []  # As if there were none.
    with pytest.raises(ValueError, match="generator_frozen_stages=9"):
        gan.compile(discriminator_frozen_stages=1, generator_frozen_stages=9)
    assert len(gan.discriminator.trainable_variables) == 4


def test_what_is_frozen_is_saved(tmp_path):
    gan = gan_of("sngan")
    gan.compile(discriminator_frozen_stages=1)
    before = {v.path: np.array(v) for v in gan.discriminator.weights}
    data = np.random.default_rng(0).uniform(-1, 1, (8, *gan.sample_shape))
    fit(gan, data.astype("float32"), 8)
    gan.save(tmp_path / "gan.keras")
    loaded = kerasgan.load(tmp_path / "gan.keras")
    for one, other in zip(
        gan.optimizer.variables, loaded.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    fit(loaded, data.astype("float32"), 8)
    first = loaded.discriminator.stages[0].weights
    names = list(before)[: len(first)]
    for name, weight in zip(names, first, strict=True):
        np.testing.assert_array_equal(before[name], weight)


SMALL = {
    "width": "8",
    "latent_size": "8",
    "batch_size": "32",
    "total_images": "32",
}


def small(**texts):
    return recipes.get("dcgan").override({**SMALL, **texts})


def write_run(folder):
    """What a run leaves that was stopped before its first step."""
    _, plan = load_data(small())
    folder.mkdir()
    Workdir(folder).claim(plan.to_dict())
    checkpoints.save(plan.build(), Workdir(folder).checkpoints)


def stage_of(workdir):
    """The newest checkpoint's weights of the stage that sees the image."""
    with np.load(max(Workdir(workdir).checkpoints.glob("*.npz"))) as archive:
        paths = json.loads(str(archive["notes"]))["paths"]
        return [
            archive[f"{index:05d}"]
            for index, path in enumerate(paths)
            if re.fullmatch(r"discriminator[^/]*/stage_4px/.*", path)
        ]


def test_a_run_starts_from_another_and_goes_on_without_it(tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    write_run(first)
    (old,) = stage_of(first)
    tuned = {"start_from": str(first), "frozen_stages": "1", "seed": "1"}
    assert train(small(**tuned), second) == 0
    assert f"starting from {first}" in capsys.readouterr().out
    kept = json.loads(Workdir(second).transfer.read_text())
    assert all(x["loaded"] == x["numbers"] for x in kept.values())
    resolved = Workdir(second).read_recipe()
    assert resolved["start_from"] == str(first)
    assert resolved["frozen_stages"] == 1
    np.testing.assert_array_equal(stage_of(second)[0], old)

    shutil.rmtree(first)
    assert train(small(**{**tuned, "total_images": "64"}), second) == 0
    printed = capsys.readouterr().out
    assert "resuming at 32" in printed and "numbers loaded" not in printed
    np.testing.assert_array_equal(stage_of(second)[0], old)
    assert int(load_model(second).images_seen) == 64

    source = str(Workdir(second).model)
    dry_run(small(start_from=source), tmp_path / "third")
    loaded, numbers = kept["generator"]["loaded"], kept["generator"]["numbers"]
    assert f"{loaded:,} of {numbers:,} numbers" in capsys.readouterr().out
    assert not (tmp_path / "third").exists()


def test_a_run_says_what_is_wrong_before_it_begins(tmp_path):
    workdir = tmp_path / "run"
    with pytest.raises(ValueError, match="folder of a run, or a .keras file"):
        train(small(start_from=str(tmp_path / "nowhere")), workdir)
    with pytest.raises(ValueError, match="`frozen_stages` must be 0 without"):
        small(frozen_stages="1")
    with pytest.raises(ValueError, match="from 0 to 2, .*frozen_stages=3"):
        small(start_from="x", frozen_stages="3").build((8, 8, 1), None)
    path = tmp_path / "other.keras"
    source_of("sngan").save(path)
    with pytest.raises(ValueError, match="must have a kernel that fits"):
        train(small(start_from=str(path)), workdir)
    assert not workdir.exists()


def test_frozen_layers_of_keras_go_by_their_averages():
    gan = kerasgan.GANModel(
        conv_networks()[0],
        keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.BatchNormalization(),
                layers.Flatten(),
                layers.Dense(1),
            ]
        ),
    )
    gan.compile(discriminator_frozen_stages=1)
    x = images(4)
    np.testing.assert_array_equal(
        gan.discriminator(x, training=True), gan.discriminator(x)
    )
