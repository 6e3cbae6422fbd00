"""Networks against official implementations, with the same random weights.

In float32, where rounding is theirs and ours, and in float64, where a wrong
epsilon or a biased variance shows. See `golden/README.md`.
"""

import json
import pathlib

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.models import dcgan, resnet

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's tapes"
)

# A small probability's relative error is its logit's absolute one: with AVX-512
# 9.9e-6 of logits of -3 and -6, in float32. That is more than ten times
# PyTorch's own.
_SATURATED = ("output/prob_fake",)
FOLDER = pathlib.Path(__file__).parent / "golden"


class Golden:
    """One file, and what of it a test has used."""

    def __init__(self, name, dtype, exact_to):
        with np.load(FOLDER / f"{name}.npz") as arrays:
            self.arrays = dict(arrays)
        self.config = json.loads(str(self.arrays["config"]))
        self.dtype = dtype
        self.exact_to = exact_to  # in float64
        self.variables = {"G": {}, "D": {}}
        self.convert = {"G": {}, "D": {}}
        self.checked = set()

    def input(self, name):
        return tf.constant(self.arrays[f"input/{name}"], self.dtype)

    def images(self, name):
        return _nhwc(self.input(name))

    def load(self, net, key, variable, convert=np.asarray):
        """Gives a variable its value; keeps how gradients are converted."""
        value = convert(self.arrays[f"param/{net}/{key}"])
        assert value.shape == tuple(variable.shape), key
        variable.assign(value)
        self.variables[net][key] = variable
        self.convert[net][key] = convert

    def load_norm(self, net, key, layer):
        self.load(net, f"{key}.weight", layer.gain)
        self.load(net, f"{key}.bias", layer.bias)
        self.load(net, f"{key}.running_mean", layer.moving_mean)
        self.load(net, f"{key}.running_var", layer.moving_variance)

    def load_convolution(self, net, key, layer):
        self.load(net, f"{key}.weight", layer.kernel, _hwio)
        self.load(net, f"{key}.bias", layer.bias)

    def assert_all_loaded(self, net, network):
        keys = {
            key.removeprefix(f"param/{net}/")
            for key in self.arrays
            if key.startswith(f"param/{net}/")
        }
        assert keys == set(self.variables[net])
        assert len(keys) == len(network.weights)

    def check(self, name, ours, convert=np.asarray):
        """Compares one array of the file: `output/...` or `grad/...`."""
        self.checked.add(name)
        kind, rest = name.split("/", 1)
        exact = self.arrays.get(f"{kind}64/{rest}")
        theirs = convert(self.arrays[name] if exact is None else exact)
        ours = np.asarray(ours, "float64")
        assert ours.shape == theirs.shape, name
        rounding = self.config["f32_vs_f64_rel"][name]
        bound = 1e-5 if kind == "output" else 2e-5
        if self.dtype == "float64" and exact is not None:
            tolerance = self.exact_to
        elif name in _SATURATED:
            tolerance = bound
        else:
            tolerance = min(bound, 10 * rounding + 1e-6)
        error = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert error <= tolerance, f"{name}: {error:.1e} > {tolerance:.1e}"

    def check_gradients(self, of, net, value, tape):
        """The norms of all gradients, and those gradients that are stored."""
        norms = self.config["grad_l2"][of]
        trained = [
            key
            for key, variable in self.variables[net].items()
            if variable.trainable
        ]
        assert set(norms) == set(trained)
        gradients = tape.gradient(
            value,
            [self.variables[net][key].value for key in trained],
            unconnected_gradients="zero",
        )
        tolerance = 2e-5 if self.dtype == "float32" else self.exact_to
        for key, gradient in zip(trained, gradients, strict=True):
            norm = np.linalg.norm(np.asarray(gradient, "float64"))
            np.testing.assert_allclose(
                norm, norms[key], rtol=tolerance, atol=tolerance, err_msg=key
            )
            if (name := f"grad/{of}/{net}/{key}") in self.arrays:
                self.check(name, gradient, self.convert[net][key])

    def assert_all_checked(self):
        stored = [
            name
            for name in self.arrays
            if name.startswith(("output/", "grad/"))
        ]
        assert self.checked == set(stored)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dcgan_equals_the_pytorch_example(dtype):
    # TensorFlow's leaky ReLU keeps its slope in float32.
    golden = Golden("dcgan64", dtype, exact_to=1e-7)
    generator = dcgan.Generator(latent_size=10, width=4, dtype=dtype)
    discriminator = dcgan.Discriminator(width=4, dtype=dtype)
    _load_dcgan(golden, generator, discriminator)
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
    golden.check("output/image", image, _nhwc)
    golden.check("output/G_4x4", generator.stem(latents)[:1], _nhwc)
    golden.check("output/prob_fake", ops.sigmoid(fake_logits))
    golden.check("output/prob_real", ops.sigmoid(real_logits))
    golden.check("output/logit_real", real_logits)
    golden.check("output/D_loss", discriminator_loss)
    golden.check("output/G_loss", generator_loss)
    golden.check_gradients("G_loss", "G", generator_loss, tape)
    golden.check_gradients("D_loss", "D", discriminator_loss, tape)

    image = generator(latents, training=True)
    golden.check("output/train/image", image[:, ::4, ::4], _nhwc)
    golden.check(
        "output/train/prob_real",
        ops.sigmoid(discriminator(real, training=True)),
    )
    for key in (
        "main.1.running_mean",
        "main.1.running_var",
        "main.10.running_var",
    ):
        golden.check(f"output/train/G_buffer/{key}", golden.variables["G"][key])
    golden.assert_all_checked()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resnet_equals_mimicry(dtype, monkeypatch):
    golden = Golden("mimicry_wgan_gp32", dtype, exact_to=1e-12)
    generator = resnet.Generator(
        latent_size=6, width=10, upsampling="bilinear", dtype=dtype
    )
    discriminator = resnet.Discriminator(width=10, dtype=dtype)
    _load_resnet(golden, generator, discriminator)
    latents = golden.input("z")

    # As the paper: a block's shortcut sees what comes in.
    _check_resnet_discriminator(
        golden, discriminator, generator(latents), "no_inplace/"
    )
    # The official code rectifies in place, and so the shortcut's input too.
    call = resnet._DownBlock.call
    monkeypatch.setattr(
        resnet._DownBlock,
        "call",
        lambda self, x: call(self, x if self.sees_image else ops.relu(x)),
    )
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
        _nhwc,
    )
    golden.check("output/train/logits_real", discriminator(real)[:, None])

    with tf.GradientTape() as tape:
        image = generator(latents)
        loss = -ops.mean(discriminator(image))
    golden.check("output/image", image, _nhwc)
    block = generator.stages[0](generator.stem(latents))
    golden.check("output/G_block2", block[:1], _nhwc)
    golden.check("output/G_loss", loss)
    golden.check_gradients("G_loss", "G", loss, tape)

    image = generator(latents, training=True)
    golden.check("output/train/image", image[:, ::2, ::2], _nhwc)
    for key in ("b5.running_mean", "b5.running_var"):
        golden.check(f"output/train/G_buffer/{key}", golden.variables["G"][key])
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


def _load_dcgan(golden, generator, discriminator):
    dense, _, norm, _ = generator.stem.layers
    golden.load(
        "G",
        "main.0.weight",
        dense.kernel,
        lambda a: a.transpose(0, 2, 3, 1).reshape(10, -1),
    )
    golden.load_norm("G", "main.1", norm)
    for i, stage in enumerate(generator.stages):
        convolution, norm, _ = stage.layers
        golden.load("G", f"main.{3 * i + 3}.weight", convolution.kernel, _hwio)
        golden.load_norm("G", f"main.{3 * i + 4}", norm)
    golden.load(
        "G", "main.12.weight", generator.to_image.layers[0].kernel, _hwio
    )
    golden.assert_all_loaded("G", generator)

    first, *stages = discriminator.stages
    golden.load("D", "main.0.weight", first.layers[0].kernel, _hwio)
    for i, stage in enumerate(stages):
        convolution, norm, _ = stage.layers
        golden.load("D", f"main.{3 * i + 2}.weight", convolution.kernel, _hwio)
        golden.load_norm("D", f"main.{3 * i + 3}", norm)
    golden.load(
        "D",
        "main.11.weight",
        discriminator.to_logits.kernel,
        lambda a: a.transpose(2, 3, 1, 0).reshape(-1, 1),
    )
    golden.assert_all_loaded("D", discriminator)


def _load_resnet(golden, generator, discriminator):
    def to_grid(array):
        """[c * 4 * 4, ...] by channel -> [..., 4 * 4 * c] by place."""
        array = array.reshape(10, 4, 4, -1).transpose(3, 1, 2, 0)
        return array.reshape(array.shape[0], -1)

    dense = generator.stem.layers[0]
    golden.load("G", "l1.weight", dense.kernel, to_grid)
    golden.load("G", "l1.bias", dense.bias, lambda a: to_grid(a)[0])
    for i, block in enumerate(generator.stages):
        name = f"block{i + 2}"
        golden.load_norm("G", f"{name}.b1", block.first_norm)
        golden.load_norm("G", f"{name}.b2", block.second_norm)
        golden.load_convolution("G", f"{name}.c1", block.first)
        golden.load_convolution("G", f"{name}.c2", block.second)
        golden.load_convolution("G", f"{name}.c_sc", block.shortcut)
    golden.load_norm("G", "b5", generator.normalize)
    golden.load_convolution("G", "c5", generator.to_image)
    golden.assert_all_loaded("G", generator)

    for i, block in enumerate(discriminator.stages):
        name = f"block{i + 1}"
        golden.load_convolution("D", f"{name}.c1", block.first)
        golden.load_convolution("D", f"{name}.c2", block.second)
        if block.shortcut is not None:
            golden.load_convolution("D", f"{name}.c_sc", block.shortcut)
    golden.load("D", "l5.weight", discriminator.to_logits.kernel, np.transpose)
    golden.load("D", "l5.bias", discriminator.to_logits.bias)
    golden.assert_all_loaded("D", discriminator)


def _hwio(array):
    """PyTorch's kernels, transposed convolutions' too, as Keras has them."""
    return array.transpose(2, 3, 1, 0)


def _nhwc(images):
    return ops.transpose(images, (0, 2, 3, 1))
