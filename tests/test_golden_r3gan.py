"""R3GAN against the official networks, losses and penalties."""

import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan import gradients, losses

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow


@both_precisions
@pytest.mark.parametrize("name", ["r3gan_cond", "r3gan_uncond"])
def test_r3gan_equals_the_official_one(name, dtype):
    golden = Golden(name, dtype, exact_to=1e-13)
    generator, discriminator = (
        golden.network(
            "r3gan", role, golden.config[f"{role[0].upper()}_kwargs"]
        )
        for role in ("generator", "discriminator")
    )
    labels = ()
    if generator.classes is not None:
        labels = (golden.input("c"),)

    def given(x):
        return (x, *labels) if labels else x

    latents, real = golden.input("z"), golden.images("real")
    with tf.GradientTape(persistent=True) as tape:
        fake = generator(given(latents))
        fake_logits = discriminator(given(fake))
        real_logits = discriminator(given(real))
        loss = losses.get("relativistic")
        sides = {"real": real_logits, "fake": fake_logits}
        of_discriminator = _relativistic(real_logits - fake_logits)
        of_generator = _relativistic(fake_logits - real_logits)
        penalties = [
            _squared_slope(lambda x: discriminator(given(x)), x)
            for x in (real, tf.stop_gradient(fake))
        ]
        gamma = golden.config["gamma"]
        discriminator_step = ops.mean(
            of_discriminator + gamma / 2 * sum(penalties)
        )
        generator_step = ops.mean(of_generator)
        r1_mean = ops.mean(penalties[0])

    golden.check("output/image", fake, nhwc)
    golden.check("output/logits_fake", fake_logits)
    golden.check("output/logits_real", real_logits)
    golden.check("output/D_adv", of_discriminator)
    golden.check("output/G_adv", of_generator)
    golden.check("output/D_relativistic_logits", real_logits - fake_logits)
    golden.check("output/G_relativistic_logits", fake_logits - real_logits)
    golden.check("output/R1", penalties[0])
    golden.check("output/R2", penalties[1])
    golden.check("output/D_loss_mean", discriminator_step)
    golden.check("output/G_loss_mean", generator_step)
    if dtype == "float32":  # Losses are never of another precision.
        golden.check("output/D_adv", loss.discriminator(**sides))
        golden.check("output/G_adv", loss.generator(**sides))
    _check_first_stage(golden, generator, latents, labels)
    golden.check(
        "grad/logit_sum/real",
        gradients.of_inputs(lambda x: discriminator(given(x)), real),
        nhwc,
    )
    golden.check_gradients("D_step", "D", discriminator_step, tape)
    golden.check_gradients("G_step", "G", generator_step, tape)
    golden.check_gradients("R1_mean", "D", r1_mean, tape)
    golden.assert_all_checked()


def _check_first_stage(golden, generator, latents, labels):
    x = latents
    if labels:
        x = ops.concatenate([x, generator.embed(*labels)], axis=-1)
    golden.check("output/G_stage0", generator.stem(x), nhwc)


def _relativistic(difference):
    return ops.softplus(-difference)


def _squared_slope(function, x):
    slope = gradients.of_inputs(function, x)
    return ops.sum(ops.square(slope), axis=(1, 2, 3))
