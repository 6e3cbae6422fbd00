"""StyleGAN against its official code: see `golden/README.md`."""

import numpy as np
import published_files
import pytest
from golden_files import Golden, both_precisions, nhwc, on_tensorflow
from keras import ops

from kerasgan import convert

tf = pytest.importorskip("tensorflow")
pytestmark = on_tensorflow


class _StyleGAN(Golden):
    """The generator's arrays come in two parts: M maps, S draws."""

    def parameters(self, net):
        if net != "G":
            return super().parameters(net)
        return super().parameters("M") | super().parameters("S")

    def networks(self, **arguments):
        config = self.config
        mapped = config["mapping_kwargs"] | config["synthesis_kwargs"]
        return (
            self.network("stylegan", "generator", mapped | arguments, "G"),
            self.network(
                "stylegan", "discriminator", config["D_kwargs"] | arguments
            ),
        )

    def check_parts(self, of, value, tape):
        """Gradients of the generator, which the file has by its parts."""
        for part in ("M", "S"):
            self.states[part] = self.states["G"]
            self.check_gradients(of, part, value, tape)


@both_precisions
def test_stylegan_equals_the_official_code(dtype):
    golden = _StyleGAN("stylegan1", dtype)
    generator, discriminator = golden.networks()
    labels = golden.input("labels")
    inputs = golden.input("z"), labels
    real = golden.images("real")
    golden.check("output/w", generator.mapping(*inputs))
    for lod in golden.config["lods"]:
        generator.level.assign(lod)
        discriminator.level.assign(lod)
        with tf.GradientTape(persistent=True) as tape:
            image = generator(inputs)
            fake_logits = discriminator((image, labels))
            loss = ops.mean(ops.softplus(-fake_logits))
        real_logits = discriminator((real, labels))
        golden.check(f"output/image@lod{lod}", image, nhwc)
        golden.check(f"output/scores_fake@lod{lod}", fake_logits[:, None])
        golden.check(f"output/scores_real@lod{lod}", real_logits[:, None])
        if f"output/R1@lod{lod}" in golden.arrays:
            golden.check(f"output/G_nonsaturating@lod{lod}", loss)
            golden.check_parts(f"G_nonsaturating@lod{lod}", loss, tape)
            _check_r1(golden, lod, discriminator, real, labels)
    _check_structures(golden, inputs, real)
    golden.assert_all_checked()


def _check_r1(golden, lod, discriminator, real, labels):
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(real)
            total = ops.sum(discriminator((real, labels)))
        slopes = inner.gradient(total, real)
        penalties = ops.sum(ops.square(slopes), axis=(1, 2, 3))
        mean = ops.mean(penalties)
    golden.check(f"output/R1@lod{lod}", penalties)
    golden.check_gradients(f"R1_mean@lod{lod}", "D", mean, tape)


def _check_structures(golden, inputs, real):
    for name, fused in (("fixed", False), ("fixed_fused_scale", True)):
        networks = golden.networks(structure="fixed", fused_scale=fused)
        generator, discriminator = networks
        logits = discriminator((real, inputs[1]))
        golden.check(f"output/image_{name}", generator(inputs), nhwc)
        golden.check(f"output/scores_real_{name}", logits[:, None])


def test_published_files_are_read(tmp_path):
    golden = _StyleGAN("stylegan1", "float32")
    config = golden.config["mapping_kwargs"] | golden.config["synthesis_kwargs"]
    average = published_files.tensorflow_network(
        {"lod": np.float32(0.0), "dlatent_avg": np.ones(10, "float32")},
        {
            "mapping": published_files.tensorflow_network(
                golden.parameters("M")
            ),
            "synthesis": published_files.tensorflow_network(
                golden.parameters("S") | {"lod": np.float32(0.3)}
            ),
        },
        **config,
    )
    judge = published_files.tensorflow_network(
        golden.parameters("D"), **golden.config["D_kwargs"]
    )
    path = tmp_path / "network-final.pkl"
    published_files.write_arrays(path, (None, judge, average))
    generator, discriminator = convert.load("stylegan", path)
    labels = golden.input("labels")
    golden.check(
        "output/image@lod0.3", generator((golden.input("z"), labels)), nhwc
    )
    logits = discriminator((golden.images("real"), labels))
    golden.check("output/scores_real@lod0.0", logits[:, None])
    np.testing.assert_array_equal(generator.mapping.average, np.ones(10))
    published_files.write_arrays(path, {"G": average})
    with pytest.raises(ValueError, match="three networks"):
        convert.load("stylegan", path)


def test_a_whole_generator_names_its_parts():
    golden = _StyleGAN("stylegan1", "float32")
    config = golden.config["mapping_kwargs"] | golden.config["synthesis_kwargs"]
    state = {
        f"G_mapping/{key}": array
        for key, array in golden.parameters("M").items()
    }
    state |= {
        f"G_synthesis/{key}": array
        for key, array in golden.parameters("S").items()
    }
    inputs = golden.input("z"), golden.input("labels")
    network, _ = convert.from_state("stylegan", generator=(state, config))
    golden.check("output/image@lod0.0", network(inputs), nhwc)
    config = config | {"dlatent_broadcast": 4}
    with pytest.raises(ValueError, match="`dlatent_broadcast` must be 6"):
        convert.from_state("stylegan", generator=(state, config))
