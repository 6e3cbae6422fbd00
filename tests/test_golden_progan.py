"""Progressive GAN against its official code: see `golden/README.md`."""

import numpy as np
import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan import convert

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow


@both_precisions
@pytest.mark.parametrize("name", ["progan", "progan_unfused"])
def test_progan_equals_the_official_code(name, dtype):
    golden = Golden(name, dtype)
    generator, discriminator = (
        golden.network("progan", role, golden.config[f"{net}_kwargs"])
        for role, net in (("generator", "G"), ("discriminator", "D"))
    )
    inputs = golden.input("z"), golden.input("labels")
    real = golden.images("real")
    for lod in golden.config["lods"]:
        _set_level(lod, generator, discriminator)
        with tf.GradientTape() as tape:
            image = generator(inputs)
            fake_logits = discriminator(image)
            loss = -ops.mean(fake_logits)
        heads = discriminator.heads(real)
        golden.check(f"output/image@lod{lod}", image, nhwc)
        golden.check(f"output/scores_fake@lod{lod}", fake_logits[:, None])
        golden.check(f"output/scores_real@lod{lod}", heads["logits"][:, None])
        golden.check(f"output/labels_real@lod{lod}", heads["classes"])
        if f"output/gp@lod{lod}" in golden.arrays:
            golden.check_gradients(f"G_wgan@lod{lod}", "G", loss, tape)
            _check_penalty(golden, lod, discriminator, image)
    golden.assert_all_checked()


def _set_level(lod, *networks):
    for network in networks:
        network.level.assign(lod)


def _check_penalty(golden, lod, discriminator, fake):
    real = golden.images("real")
    mixed = real + (fake - real) * golden.input("mix")
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(mixed)
            total = ops.sum(discriminator(mixed))
        slopes = inner.gradient(total, mixed)
        norms = ops.sqrt(ops.sum(ops.square(slopes), axis=(1, 2, 3)))
        penalties = ops.square(norms - 1)
        mean = ops.mean(penalties)
    golden.check(f"output/gp_norms@lod{lod}", norms)
    golden.check(f"output/gp@lod{lod}", penalties)
    golden.check_gradients(f"gp_mean@lod{lod}", "D", mean, tape)


def test_a_checkpoint_says_how_far_its_networks_have_grown():
    golden = Golden("progan", "float32")
    arrays = golden.parameters("G")
    config = golden.config["G_kwargs"]
    inputs = golden.input("z"), golden.input("labels")
    state = {**arrays, "lod": np.float32(0.35)}
    network, _ = convert.from_state("progan", generator=(state, config))
    golden.check("output/image@lod0.35", network(inputs), nhwc)
    whole, _ = convert.from_state("progan", generator=(arrays, config))
    golden.check("output/image@lod0.0", whole(inputs), nhwc)
