"""Networks of spectral norm against torch-mimicry: `golden/README.md`."""

import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan.layers import spectral
from kerasgan.training.self_supervised import turn

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow
every_case = pytest.mark.parametrize(
    "name",
    [
        "mimicry_sngan32",
        "mimicry_cgan_pd32",
        "mimicry_ssgan32",
        "mimicry_sagan32",
    ],
)


@both_precisions
@every_case
def test_networks_equal_mimicry(name, dtype):
    golden = Golden(name, dtype)
    config, source = golden.config, name.removesuffix("32")
    case = source.removeprefix("mimicry_")
    generator = golden.network(source, "generator", config["G_kwargs"])
    discriminator = golden.network(source, "discriminator", config["D_kwargs"])
    latents = _inputs(golden, golden.input("z"), "y")
    real = _inputs(golden, golden.images("real"), "y_real")
    _check_discriminator(golden, discriminator, generator(latents), real)

    with tf.GradientTape() as tape:
        image = generator(latents)
        fake = _inputs(golden, image, "y")
        loss = -ops.mean(discriminator(fake))
    golden.check("output/image", image, nhwc)
    grid = generator.to_grid(generator.stem(golden.input("z")))
    labels = None
    if case in ("cgan_pd", "sagan"):
        labels = ops.one_hot(golden.input("y"), generator.classes, dtype=dtype)
    block = generator.stages[0](grid, labels)
    golden.check("output/G_block2", block[:1], nhwc)
    golden.check("output/G_loss", loss)
    golden.check_gradients("G_loss", "G", loss, tape)
    if case == "ssgan":
        _check_rotations(golden, discriminator)

    _check_sigma(golden, "G", generator)
    _check_sigma(golden, "D", discriminator)
    _check_training(golden, generator, discriminator, latents, real)
    golden.assert_all_checked()


def _inputs(golden, x, labels):
    if f"input/{labels}" not in golden.arrays:
        return x
    return x, golden.input(labels)


def _check_discriminator(golden, discriminator, image, real):
    fake = _inputs(golden, image, "y")
    for prefix in ("no_inplace/", ""):
        # Officially what the shortcut sees is rectified, too: not the first's.
        for block in discriminator.stages[1:]:
            block.rectified_shortcut = not prefix
        with tf.GradientTape() as tape:
            real_logits = discriminator(real)
            fake_logits = discriminator(fake)
            total = ops.sum(real_logits) - 0.5 * ops.sum(fake_logits)
        golden.check(f"output/{prefix}logits_real", real_logits[:, None])
        golden.check(f"output/{prefix}logits_fake", fake_logits[:, None])
        golden.check_gradients(f"{prefix}D_logit_sum", "D", total, tape)
    loss = ops.mean(ops.relu(1 - real_logits)) + ops.mean(
        ops.relu(1 + fake_logits)
    )
    golden.check("output/D_loss", loss)
    features = discriminator.heads(real)["features"][0]
    golden.check("output/D_block1_real", features[:1, ::2, ::2], nhwc)


def _check_sigma(golden, net, network):
    names = golden.config[f"sn_layers_{net}"]
    if not names:
        return
    kernels = {
        id(layer.kernel): layer.singular_value()
        for layer in network._flatten_layers()
        if isinstance(layer, spectral.SpectralLayer)
    }
    assigned = golden.states[net].assigned
    found = [kernels[id(assigned[f"{n}.weight_orig"][0])] for n in names]
    golden.check(f"output/sigma_{net}", found)


def _check_training(golden, generator, discriminator, latents, real):
    image = generator(latents, training=True)
    golden.check("output/train/image", image[:, ::2, ::2], nhwc)
    logits = discriminator(real, training=True)
    golden.check("output/train/logits_real", logits[:, None])
    spectral.move(generator)
    spectral.move(discriminator)
    for name in golden.arrays:
        if name.startswith("output/train/") and "_buffer/" in name:
            net, key = name.removeprefix("output/train/").split("_buffer/")
            variable, convert = golden.states[net].assigned[key]
            golden.check(name, variable, convert)


def _check_rotations(golden, discriminator):
    real = golden.images("real")
    upright = discriminator.heads(real)["rotations"]
    golden.check("output/rotation_logits_real", upright)
    real, turns = turn(real)
    golden.check("output/ss_labels", turns)
    golden.check("output/rotated_real_row0", real[:, 0], _of_rows)
    with tf.GradientTape() as tape:
        logits = discriminator.heads(real)["rotations"]
        entropies = ops.sparse_categorical_crossentropy(
            turns, logits, from_logits=True
        )
        loss = ops.mean(entropies)
    golden.check("output/ss_loss_real", loss)
    golden.check_gradients("ss_loss", "D", loss, tape)


def _of_rows(rows):
    """[n, c, w] -> [n, w, c]."""
    return ops.transpose(rows, (0, 2, 1))
