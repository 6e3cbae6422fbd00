"""Mescheder's networks, losses and penalties against the official ones."""

import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan import gradients

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow


@both_precisions
def test_mescheder_equals_gan_stability(dtype):
    golden = Golden("gan_stability", dtype, exact_to=1e-12)
    generator, discriminator = (
        golden.network("gan_stability", role, golden.config["kwargs"])
        for role in ("generator", "discriminator")
    )
    labels = golden.input("y")
    latents, real = golden.input("z"), golden.images("real")
    mix = golden.input("mix")[:, None, None, None]

    def logits(x):
        return discriminator((x, labels))

    with tf.GradientTape(persistent=True) as tape:
        fake = generator((latents, labels))
        fake_logits = logits(fake)
        of_generator = ops.mean(ops.softplus(-fake_logits))
        of_discriminator = ops.mean(
            ops.softplus(-logits(real)) + ops.softplus(fake_logits)
        )
        penalties = _squared_slope(logits, real)
        between = (1 - mix) * real + mix * tf.stop_gradient(fake)
        length = ops.sqrt(_squared_slope(logits, between))
        r1_mean = ops.mean(penalties)
        lengths_one = ops.mean(ops.square(length - 1))

    golden.check("output/image", fake, nhwc)
    golden.check("output/logits_fake", fake_logits)
    golden.check("output/logits_real", logits(real))
    golden.check("output/G_loss", of_generator)
    golden.check("output/D_loss", of_discriminator)
    golden.check("output/R1", penalties)
    golden.check("output/wgan_gp_centre1", lengths_one)
    golden.check("output/wgan_gp_centre0", ops.mean(ops.square(length)))
    golden.check_gradients("R1_mean", "D", r1_mean, tape)
    golden.check_gradients("wgan_gp_centre1", "D", lengths_one, tape)
    golden.check_gradients("D_loss", "D", of_discriminator, tape)
    golden.check_gradients("G_loss", "G", of_generator, tape)
    golden.assert_all_checked()


def _squared_slope(function, x):
    slope = gradients.of_inputs(function, x)
    return ops.sum(ops.square(slope), axis=(1, 2, 3))
