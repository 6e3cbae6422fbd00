"""BigGAN and BigGAN-deep against BigGAN-PyTorch: `golden/README.md`."""

import numpy as np
import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan.layers import spectral

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow
every_case = pytest.mark.parametrize(
    "case", ["biggan", "biggan_64", "biggan_deep"]
)


@both_precisions
@every_case
def test_networks_equal_biggan_pytorch(case, dtype):
    golden = Golden(case, dtype)
    source = "biggan_deep_pytorch" if "deep" in case else "biggan_pytorch"
    config = golden.config
    generator = golden.network(source, "generator", config["G_kwargs"])
    discriminator = golden.network(source, "discriminator", config["D_kwargs"])
    latents = golden.input("z"), golden.input("y")
    real = golden.images("real"), golden.input("y_real")

    with tf.GradientTape() as tape:
        image = generator(latents)
        loss = -ops.mean(discriminator((image, golden.input("y"))))
    golden.check("output/image", image, nhwc)
    golden.check("output/G_hinge", loss)
    golden.check_gradients("G_hinge", "G", loss, tape)
    _check_discriminator(golden, discriminator, real, image)
    _check_features(golden, generator, discriminator, latents, real)
    for net, network in (("G", generator), ("D", discriminator)):
        _check_sigma(golden, net, network)
    _check_training(golden, generator, discriminator, latents, real)
    golden.assert_all_checked()


def _check_discriminator(golden, discriminator, real, image):
    with tf.GradientTape(persistent=True) as tape:
        real_logits = discriminator(real)
        fake_logits = discriminator((image, golden.input("y")))
        total = ops.sum(real_logits) - 0.5 * ops.sum(fake_logits)
        with tf.GradientTape() as inner:
            inner.watch(real[0])
            logit_sum = ops.sum(discriminator(real))
        slopes = inner.gradient(logit_sum, real[0])
        penalties = ops.sum(ops.square(slopes), axis=(1, 2, 3))
        penalty = ops.mean(penalties)
    golden.check("output/logits_real", real_logits[:, None])
    golden.check("output/logits_fake", fake_logits[:, None])
    hinge = ops.mean(ops.relu(1 - real_logits)) + ops.mean(
        ops.relu(1 + fake_logits)
    )
    golden.check("output/D_hinge", hinge)
    golden.check("output/R1", penalties)
    golden.check_gradients("D_logit_sum", "D", total, tape)
    golden.check_gradients("R1_mean", "D", penalty, tape)


def _check_features(golden, generator, discriminator, latents, real):
    """Of the first sample; the discriminator's at every second pixel."""
    seen = {}
    names = {"G_attention_out": generator.attend[str(generator.attentive[0])]}
    first = generator.stages[0]
    names["G_block0"] = first[0] if isinstance(first, list) else first
    names["shared_embedding"] = generator.share
    first = discriminator.stages[0]
    names["D_block0_real"] = first[0] if isinstance(first, list) else first
    for name, layer in names.items():
        layer.call = _spy(layer.call, seen, name)
    generator(latents)
    discriminator(real)
    for layer in names.values():
        del layer.call
    golden.check("output/shared_embedding", seen["shared_embedding"])
    golden.check("output/G_block0", seen["G_block0"][:1], nhwc)
    step = 1 if golden.input("real").shape[-1] == 32 else 4
    attended = seen["G_attention_out"][:1, ::step, ::step]
    golden.check("output/G_attention_out", attended, nhwc)
    block = seen["D_block0_real"][:1, ::2, ::2]
    golden.check("output/D_block0_real", block, nhwc)


def _spy(call, seen, name):
    def spied(*args, **kwargs):
        seen[name] = call(*args, **kwargs)
        return seen[name]

    return spied


def _check_sigma(golden, net, network):
    values = {
        id(layer.kernel): layer.singular_value()
        for layer in network._flatten_layers()
        if isinstance(layer, spectral.SpectralLayer)
    }
    assigned = golden.states[net].assigned
    names = golden.config[f"sn_layers_{net}"]
    found = [values[id(assigned[f"{name}.weight"][0])] for name in names]
    golden.check(f"output/sigma_{net}", found)


def _check_training(golden, generator, discriminator, latents, real):
    step = 1 if golden.input("real").shape[-1] == 32 else 4
    image = generator(latents, training=True)[:, ::step, ::step]
    # Batch norm of two samples, 33 times: their own error is 6e-6.
    golden.check("output/train/image", image, nhwc, bound=2e-5)
    logits = discriminator(real, training=True)
    golden.check("output/train/logits_real", logits[:, None])
    values = {
        id(layer.kernel): layer.singular_value()
        for network in (generator, discriminator)
        for layer in network._flatten_layers()
        if isinstance(layer, spectral.SpectralLayer)
    }
    spectral.move(generator)
    spectral.move(discriminator)
    for name in golden.arrays:
        if not name.startswith("output/train/") or "_buffer/" not in name:
            continue
        net, key = name.removeprefix("output/train/").split("_buffer/")
        assigned = golden.states[net].assigned
        if key.endswith(".sv0"):
            kernel, _ = assigned[key.replace("sv0", "weight")]
            golden.check(name, np.reshape(values[id(kernel)], (1,)))
        else:
            golden.check(name, *assigned[key])
