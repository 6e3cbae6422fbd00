"""StyleGAN2 against the official implementation, with the same weights."""

import keras
import numpy as np
import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan import convert, presets, regularizers
from kerasgan.convert.state import hwio
from kerasgan.layers.image_norm import pixel_norm
from kerasgan.layers.minibatch import MinibatchStdDev
from kerasgan.layers.modulation import convolve_modulated
from kerasgan.models import stylegan2

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow
SOURCE = "stylegan2_ada_pytorch"
CASES = (
    "stylegan2ada_cond_skip_resnet",
    "stylegan2ada_uncond_resnet_orig",
    "stylegan2ada_uncond_orig_skip",
)


@both_precisions
@pytest.mark.parametrize("case", CASES)
def test_networks_equal_the_official_ones(case, dtype):
    golden = Golden(case, dtype)
    networks = [
        golden.network(SOURCE, role, golden.config[f"{role[0].upper()}_kwargs"])
        for role in ("generator", "discriminator")
    ]
    conditional = "input/c" in golden.arrays

    def labelled(x, rows=slice(None)):
        return (x, golden.input("c")[rows]) if conditional else x

    _check_training(golden, *networks, labelled)
    _check_path_lengths(golden, networks[0], labelled)
    _check_styles(golden, networks[0], labelled)
    if conditional:
        golden.check(
            "output/D_cmap", networks[1].mapping(labels=golden.input("c"))
        )
    golden.assert_all_checked()


def _check_training(golden, generator, discriminator, labelled):
    """Images, logits, both losses, R1, and their gradients."""
    latents, real = golden.input("z"), golden.images("real")
    with tf.GradientTape(persistent=True) as tape:
        images = generator(labelled(latents))
        fake_logits = discriminator(labelled(images))
        generator_loss = ops.mean(ops.softplus(-fake_logits))
        with tf.GradientTape() as inner:
            inner.watch(real)
            real_logits = discriminator(labelled(real))
            total = ops.sum(real_logits)
        slopes = inner.gradient(total, real)
        r1 = ops.sum(ops.square(slopes), axis=(1, 2, 3))
        r1_mean = ops.mean(r1)
        discriminator_loss = ops.mean(
            ops.softplus(fake_logits) + ops.softplus(-real_logits)
        )
    golden.check("output/image", images, nhwc)
    golden.check("output/logits_fake", fake_logits[:, None])
    golden.check("output/logits_real", real_logits[:, None])
    golden.check("output/G_loss_mean", generator_loss)
    golden.check("output/D_loss_mean", discriminator_loss)
    golden.check("output/R1", r1)
    golden.check("grad/logit_sum/real", slopes, nhwc)
    golden.check_gradients("G_loss_mean", "G", generator_loss, tape)
    golden.check_gradients("D_loss_mean", "D", discriminator_loss, tape)
    golden.check_gradients("R1_mean", "D", r1_mean, tape)


def _check_path_lengths(golden, generator, labelled):
    settings = golden.config["pl"]
    rows = slice(settings["batch"])
    penalty = regularizers.PathLength(decay=settings["pl_decay"])
    with tf.GradientTape() as tape:
        lengths = regularizers.path_lengths(
            generator.synthesize,
            generator.styles(labelled(golden.input("z")[rows], rows)),
            golden.images("pl_noise_unit"),
        )
        values, mean = penalty.penalty(settings["pl_mean_before"], lengths)
        total = ops.mean(values)
    golden.check("output/pl_lengths", lengths)
    golden.check("output/pl_mean_new", mean)
    golden.check("output/pl_penalty", values)
    golden.check_gradients("pl_penalty_mean", "G", total, tape)


def _check_styles(golden, generator, labelled):
    """Truncation, mixing, noise, stages, and the average that training moves."""
    latents = golden.input("z")
    styles = generator.styles(labelled(latents))
    golden.check("output/w", styles[:, 0])
    few = styles[:2]
    images, features = generator.stage_outputs(few)
    golden.check("output/features_b4", features[0], nhwc)
    golden.check("output/features_b8", features[1], nhwc)
    golden.check(
        "output/image_noise_none", generator.synthesize(few, noise=False), nhwc
    )
    for name in golden.arrays:
        kind, *parts = name.removeprefix("output/image_").split("_cutoff")
        cutoff = int(parts[0]) if parts else None
        if kind.startswith("psi"):
            psi = float(kind.removeprefix("psi"))
            changed = generator.truncate(few, psi, cutoff)
        elif kind == "mixed":
            start = 2 if len(latents) >= 4 else 1
            others = styles[start : start + 2, cutoff:]
            changed = ops.concatenate([few[:, :cutoff], others], axis=1)
        else:
            continue
        golden.check(name, generator.synthesize(changed), nhwc)
    generator(labelled(latents), training=True)
    golden.check("output/train/w_avg", generator.mapping.average)


def _modulated(inputs, settings):
    return convolve_modulated(
        inputs["x"],
        inputs["weight"],
        inputs["style"],
        demodulate=settings["demodulate"],
        sampling="double" if settings.get("up") else None,
    )


def _compared(inputs, settings):
    return MinibatchStdDev(
        settings["group_size"],
        settings["num_channels"],
        dtype=inputs["x"].dtype,
    )(inputs["x"])


@both_precisions
@pytest.mark.parametrize(
    "kind, operation",
    [
        ("modulated_conv2d", _modulated),
        ("minibatch_std", _compared),
        (
            "normalize_2nd_moment",
            lambda inputs, _: pixel_norm(inputs["x"]),
        ),
    ],
)
def test_operations_equal_the_official_ones(kind, operation, dtype):
    golden = Golden("ops_stylegan2", dtype)
    golden.check_operations(
        kind, operation, x=nhwc, weight=hwio, style=np.asarray
    )


@pytest.mark.parametrize(
    "name, generator_count, discriminator_count",
    [
        # As the official code prints for these configurations, of which the
        # mapping's six other layers have 262,656 each:
        # https://github.com/NVlabs/stylegan2-ada-pytorch/issues/181
        ("stylegan2_ffhq_1024px", 28_794_124 + 6 * 262_656, 29_012_513),
    ],
)
def test_presets_have_as_many_parameters_as_published(
    name, generator_count, discriminator_count
):
    for network, count in zip(
        presets.get(name), (generator_count, discriminator_count), strict=True
    ):
        found = sum(np.prod(v.shape) for v in network.trainable_variables)
        assert found == count


def test_a_filter_of_another_kind_is_refused():
    golden = Golden("stylegan2ada_cond_skip_resnet", "float32")
    arrays = golden.parameters("D")
    name = "b8.conv1.resample_filter"
    arrays[name] = np.roll(arrays[name], 1)
    with pytest.raises(ValueError, match="b8.conv1.resample_filter"):
        convert.from_state(
            SOURCE, discriminator=(arrays, golden.config["D_kwargs"])
        )


def test_activations_start_with_a_mean_square_of_one():
    """What the paper scales weights and activations for."""
    starts = [_mean_squares(seed) for seed in range(4)]
    # Zeros beyond the edge, and the filters, take some of it.
    for mean_square in np.mean(starts, axis=0):
        assert 0.25 < mean_square < 2.0


def _mean_squares(seed):
    """Of the styles and of each stage's features, at the start."""
    keras.utils.set_random_seed(seed)
    generator = stylegan2.Generator((16, 16, 3), style_size=128, max_width=64)
    random = np.random.default_rng(seed)
    latents = random.normal(size=(256, generator.latent_size)).astype("float32")
    styles = generator.styles(latents)
    _, features = generator.stage_outputs(styles)
    return [
        np.mean(np.square(ops.convert_to_numpy(x))) for x in (styles, *features)
    ]


def test_mixing_changes_the_finer_styles_of_its_share():
    generator, _ = presets.get("stylegan2_tiny")
    random = np.random.default_rng(0)
    rows, size = 64, generator.latent_size
    latents, others = random.normal(size=(2, rows, size)).astype("float32")
    chances = random.uniform(size=(rows, 2)).astype("float32")
    draws = {"mixing_latents": others, "mixing": chances}
    mixed = np.asarray(generator.styles(latents, draws=draws))
    plain = np.asarray(generator.styles(latents))
    other = np.asarray(generator.styles(others))
    changed = (mixed != plain).any(axis=-1)
    count = generator.style_count
    first = np.floor(1 + chances[:, 1] * (count - 1))
    expected = (chances[:, :1] < 0.9) & (np.arange(count) >= first[:, None])
    np.testing.assert_array_equal(changed, expected)
    np.testing.assert_array_equal(mixed[changed], other[changed])
