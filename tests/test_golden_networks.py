"""Networks against official implementations, with the same random weights.

In float32, where rounding is theirs and ours, and in float64, where a wrong
epsilon or a biased variance shows. See `golden/README.md`.
"""

import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow


@both_precisions
def test_dcgan_equals_the_pytorch_example(dtype):
    # TensorFlow's leaky ReLU keeps its slope in float32.
    golden = Golden("dcgan64", dtype, exact_to=1e-7)
    sizes = golden.config["sizes"]
    generator = golden.network("pytorch_dcgan", "generator", sizes)
    discriminator = golden.network("pytorch_dcgan", "discriminator", sizes)
    latents = golden.input("z")[:, :, 0, 0]
    real = golden.images("real")

    with tf.GradientTape(persistent=True) as tape:
        image = generator(latents)
        fake_logits = discriminator(image)
        real_logits = discriminator(real)
        generator_loss = ops.mean(ops.softplus(-fake_logits))
        discriminator_loss = ops.mean(
            ops.softplus(-real_logits) + ops.softplus(fake_logits)
        )
    golden.check("output/image", image, nhwc)
    golden.check("output/G_4x4", generator.stem(latents)[:1], nhwc)
    golden.check("output/prob_fake", ops.sigmoid(fake_logits))
    golden.check("output/prob_real", ops.sigmoid(real_logits))
    golden.check("output/logit_real", real_logits)
    golden.check("output/D_loss", discriminator_loss)
    golden.check("output/G_loss", generator_loss)
    golden.check_gradients("G_loss", "G", generator_loss, tape)
    golden.check_gradients("D_loss", "D", discriminator_loss, tape)

    image = generator(latents, training=True)
    golden.check("output/train/image", image[:, ::4, ::4], nhwc)
    golden.check(
        "output/train/prob_real",
        ops.sigmoid(discriminator(real, training=True)),
    )
    for key in (
        "main.1.running_mean",
        "main.1.running_var",
        "main.10.running_var",
    ):
        variable, _ = golden.states["G"].assigned[key]
        golden.check(f"output/train/G_buffer/{key}", variable)
    golden.assert_all_checked()


@both_precisions
def test_resnet_equals_mimicry(dtype):
    golden = Golden("mimicry_wgan_gp32", dtype, exact_to=1e-12)
    source = "mimicry_wgan_gp"
    generator = golden.network(source, "generator", golden.config["G_kwargs"])
    discriminator = golden.network(
        source, "discriminator", golden.config["D_kwargs"]
    )
    latents = golden.input("z")

    # As the paper: a block's shortcut sees what comes in.
    for block in discriminator.stages:
        block.rectified_shortcut = False
    _check_resnet_discriminator(
        golden, discriminator, generator(latents), "no_inplace/"
    )
    # The official code rectifies in place, and so the shortcut's input too.
    for block in discriminator.stages[1:]:
        block.rectified_shortcut = True
    real = golden.images("real")
    fake_logits = _check_resnet_discriminator(
        golden, discriminator, generator(latents), ""
    )
    golden.check(
        "output/D_loss",
        ops.mean(discriminator(real)) * -1 + ops.mean(fake_logits),
    )
    golden.check(
        "output/D_block1_real",
        discriminator.stages[0](real)[:1, ::2, ::2],
        nhwc,
    )
    golden.check("output/train/logits_real", discriminator(real)[:, None])

    with tf.GradientTape() as tape:
        image = generator(latents)
        loss = -ops.mean(discriminator(image))
    golden.check("output/image", image, nhwc)
    block = generator.stages[0](generator.stem(latents))
    golden.check("output/G_block2", block[:1], nhwc)
    golden.check("output/G_loss", loss)
    golden.check_gradients("G_loss", "G", loss, tape)

    image = generator(latents, training=True)
    golden.check("output/train/image", image[:, ::2, ::2], nhwc)
    for key in ("b5.running_mean", "b5.running_var"):
        variable, _ = golden.states["G"].assigned[key]
        golden.check(f"output/train/G_buffer/{key}", variable)
    golden.assert_all_checked()


def _check_resnet_discriminator(golden, discriminator, fake, prefix):
    real = golden.images("real")
    alpha = golden.input("alpha")[:, :, None, None]
    mixed = alpha * real + (1 - alpha) * fake
    with tf.GradientTape(persistent=True) as tape:
        real_logits = discriminator(real)
        fake_logits = discriminator(fake)
        logit_sum = ops.sum(real_logits) - 0.5 * ops.sum(fake_logits)
        with tf.GradientTape() as inner:
            inner.watch(mixed)
            total = ops.sum(discriminator(mixed))
        slopes = inner.gradient(total, mixed)
        norms = ops.sqrt(ops.sum(ops.square(slopes), axis=(1, 2, 3)))
        penalty = 10 * ops.mean(ops.square(norms - 1))
    golden.check(f"output/{prefix}logits_real", real_logits[:, None])
    golden.check(f"output/{prefix}logits_fake", fake_logits[:, None])
    golden.check(f"output/{prefix}gp_times_10", penalty)
    golden.check_gradients(f"{prefix}D_logit_sum", "D", logit_sum, tape)
    if not prefix:
        golden.check_gradients("gp_times_10", "D", penalty, tape)
    return fake_logits
