"""Official settings that no golden file has, and what must be refused."""

import re

import numpy as np
import pytest
from golden_files import Golden, nhwc, on_tensorflow
from keras import ops
from published_files import write_zip

from kerasgan import convert, presets
from kerasgan.convert import checkpoints, gan_stability
from kerasgan.layers.style_discriminator import StyleDiscriminator

pytestmark = on_tensorflow
STYLEGAN2 = "stylegan2_ada_pytorch"


def _pair(name, net, **settings):
    """(golden file, its arrays, its configuration with other settings)."""
    golden = Golden(name, "float32")
    config = golden.config.get(f"{net}_kwargs", golden.config.get("kwargs"))
    return golden, golden.parameters(net), {**config, **settings}


def _generator(source, arrays, config):
    return convert.from_state(source, generator=(arrays, config))[0]


def _discriminator(source, arrays, config):
    return convert.from_state(source, discriminator=(arrays, config))[1]


def _labelled(golden):
    return golden.input("z"), golden.input("c")


def test_stylegan2_without_noise():
    golden, arrays, config = _pair("stylegan2ada_cond_skip_resnet", "G")
    arrays = {k: v for k, v in arrays.items() if ".noise_" not in k}
    config["synthesis_kwargs"] = {
        **config.get("synthesis_kwargs", {}),
        "use_noise": False,
    }
    network = _generator(STYLEGAN2, arrays, config)
    styles = network.styles(_labelled(golden))[:2]
    images = network.synthesize(styles)
    golden.check("output/image_noise_none", images, nhwc)
    assert not any("noise" in name for name in network.draws)


@pytest.mark.parametrize(
    "source, name",
    [
        (STYLEGAN2, "stylegan2ada_cond_skip_resnet"),
        ("stylegan3", "stylegan3_t"),
    ],
)
def test_mappings_of_another_learning_rate(source, name):
    """Ten times the multiplier, and a tenth of the weights."""
    golden, arrays, config = _pair(name, "G")
    for key in arrays:
        if key.startswith("mapping.fc"):
            arrays[key] = arrays[key] / 10
    mapping = {**config.get("mapping_kwargs", {}), "lr_multiplier": 0.1}
    config["mapping_kwargs"] = mapping
    network = _generator(source, arrays, config)
    golden.check("output/w", network.styles(_labelled(golden))[:, 0])


def test_stylegan_s_mapping_of_another_learning_rate():
    golden = Golden("stylegan1", "float32")
    arrays = golden.parameters("M") | golden.parameters("S")
    for key in arrays:
        if key.startswith("Dense"):
            arrays[key] = arrays[key] / 10
    config = golden.config["mapping_kwargs"] | golden.config["synthesis_kwargs"]
    config |= {"mapping_lrmul": 0.1, "dlatent_avg_beta": 0.9, "any": "name"}
    network = _generator("stylegan", arrays, config)
    styles = network.mapping(golden.input("z"), golden.input("labels"))
    golden.check("output/w", styles)
    assert network.average_decay == 0.9
    config["dlatent_avg_beta"] = None
    assert _generator("stylegan", arrays, config).average_decay == 1.0


def test_label_mappings_of_discriminators_have_widths_of_their_own():
    golden, arrays, config = _pair("stylegan2ada_cond_skip_resnet", "D")
    classes = golden.input("c").shape[-1]
    outputs = arrays["b4.out.weight"].shape[0]
    arrays = {k: v for k, v in arrays.items() if "mapping" not in k}
    random = np.random.default_rng(0)
    sizes = {"embed": (classes, 5), "fc0": (5, 7), "fc1": (7, outputs)}
    for name, (inputs, units) in sizes.items():
        arrays[f"mapping.{name}.weight"] = random.normal(size=(units, inputs))
        arrays[f"mapping.{name}.bias"] = random.normal(size=units)
    mapping = {"num_layers": 2, "embed_features": 5, "layer_features": 7}
    config["mapping_kwargs"] = mapping
    network = _discriminator(STYLEGAN2, arrays, config)
    assert network((golden.images("real"), golden.input("c"))).shape == (8,)
    config["mapping_kwargs"] = {"w_avg_beta": 0.9}
    with pytest.raises(ValueError, match="w_avg_beta"):
        _discriminator(STYLEGAN2, arrays, config)


def test_stylegan3_s_discriminators_are_cut_unless_told_otherwise():
    _, arrays, config = _pair("stylegan2ada_cond_skip_resnet", "D")
    assert _discriminator(STYLEGAN2, arrays, config).clamp is None
    network = _discriminator("stylegan3", arrays, config)
    assert network.clamp == 256
    assert network.stages[0].from_image.clamp == 256
    config["conv_clamp"] = None
    assert _discriminator("stylegan3", arrays, config).clamp is None


def test_what_the_smallest_grid_sees_of_an_image_is_not_cut():
    network = StyleDiscriminator(
        (8, 8, 3), width=4, max_width=4, architecture="skip", clamp=1.0
    )
    assert network.last.clamp == network.stages[0].from_image.clamp == 1.0
    assert network.from_image.clamp is None


@pytest.mark.slow
def test_stylegan3_of_another_design():
    golden, arrays, config = _pair("stylegan3_t", "G", output_scale=0.5)
    network = _generator("stylegan3", arrays, config)
    images = network(_labelled(golden)) / 2
    golden.check("output/image", images, nhwc)
    for name, value in {
        "first_cutoff": 1.8,
        "first_stopband": 2**3.1,
        "last_stopband_rel": 2**0.4,
        "filter_size": 4,
        "lrelu_upsampling": 4,
    }.items():
        # Their filters are not those of the file.
        with pytest.raises(ValueError, match="_filter|must hold"):
            _generator("stylegan3", arrays, {**config, name: value})
    # At one size, without resampling, there are no filters.
    arrays = {
        k: v for k, v in arrays.items() if not re.fullmatch(r".*L0.*_filter", k)
    }
    with pytest.raises(ValueError, match="L3_52_14.up_filter"):
        _generator("stylegan3", arrays, {**config, "lrelu_upsampling": 1})
    network, _ = presets.get("stylegan3_tiny")
    network = type(network).from_config(
        network.get_config() | {"oversampling": 1}
    )
    images = network(np.ones((2, network.latent_size), "float32"))
    assert images.shape == (2, 8, 8, 3) and np.isfinite(images).all()


@pytest.mark.parametrize("source", ["progan", "stylegan"])
def test_small_groups_are_not_compared(source):
    name = {"progan": "progan", "stylegan": "stylegan1"}[source]
    golden, arrays, config = _pair(name, "D", mbstd_group_size=1)
    with pytest.raises(ValueError, match="4x4/Conv/weight"):
        _discriminator(source, arrays, config)
    arrays["4x4/Conv/weight"] = arrays["4x4/Conv/weight"][:, :, :-1]
    network = _discriminator(source, arrays, config)
    images, labels = golden.images("real"), golden.input("labels")
    inputs = (images, labels) if source == "stylegan" else images
    alone = (images[:1], labels[:1]) if source == "stylegan" else images[:1]
    np.testing.assert_allclose(
        network(inputs)[:1], network(alone), rtol=1e-4, atol=1e-5
    )


def test_stylegan_compares_parts_of_the_channels():
    golden, arrays, config = _pair("stylegan1", "D", mbstd_num_features=2)
    kernel = arrays["4x4/Conv/weight"]
    arrays["4x4/Conv/weight"] = np.concatenate([kernel, kernel[:, :, -1:]], 2)
    network = _discriminator("stylegan", arrays, config)
    assert network.trunk.compare.channels == 2
    inputs = golden.images("real"), golden.input("labels")
    assert np.isfinite(network(inputs)).all()


def test_progan_without_its_normalizations():
    golden, arrays, config = _pair("progan", "G")
    latents, labels = golden.input("z"), golden.input("labels")

    def images(factor, **settings):
        network = _generator("progan", arrays, {**config, **settings})
        return ops.convert_to_numpy(
            network((factor * latents, factor * labels))
        )

    usual = images(1.0)
    np.testing.assert_allclose(images(2.0), usual, rtol=1e-4, atol=1e-4)
    assert np.abs(images(2.0, normalize_latents=False) - usual).max() > 1e-2
    assert np.abs(images(1.0, use_pixelnorm=False) - usual).max() > 1e-2
    assert np.abs(images(1.0, pixelnorm_epsilon=0.1) - usual).max() > 1e-3
    # The official code makes no use of what it does not know.
    np.testing.assert_array_equal(images(1.0, unknown=3), usual)


def test_gan_stability_s_networks_have_widths_of_their_own(tmp_path):
    golden = Golden("gan_stability", "float32")
    judge = golden.parameters("D")
    labels, inputs = judge["fc.weight"].shape
    judge["fc.weight"] = np.zeros((labels, 2 * inputs), "float32")
    tree = {"generator": golden.parameters("G"), "discriminator": judge}
    write_zip(tmp_path / "model.pt", tree)
    found = gan_stability.read(checkpoints.read(tmp_path / "model.pt"))
    configs = {role: config for role, (_, config) in found.items()}
    assert configs["generator"]["nfilter_max"] == 16
    assert configs["discriminator"]["nfilter_max"] == 32


class TestMimicry:
    """Of every size, with arrays of the official shapes."""

    generators = {  # Side: (channels over `ngf`, from the grid on; grid)
        32: ((1, 1, 1, 1), 4),
        48: ((1, 2, 4, 8), 6),
        64: ((1, 2, 4, 8, 16), 4),
        128: ((1, 1, 2, 4, 8, 16), 4),
    }
    discriminators = {  # Side: (channels over `ndf`; the last layer's name)
        32: ((1, 1, 1, 1), "l5"),
        48: ((16, 8, 4, 2, 1), "l5"),
        64: ((16, 8, 4, 2, 1), "l6"),
        128: ((16, 8, 4, 2, 1, 1), "l7"),
    }

    def generator(self, side, width=32, latents=5, classes=0, spectral=False):
        parts, grid = self.generators[side]
        widths = [width // part for part in parts]
        state = _Shapes(classes, spectral)
        state.layer("l1", grid**2 * width, latents)
        for i, (old, new) in enumerate(zip(widths, widths[1:], strict=False)):
            name = f"block{i + 2}"
            state.conditional_norm(f"{name}.b1", old)
            state.conditional_norm(f"{name}.b2", new)
            state.layer(f"{name}.c1", new, old, 3, 3)
            state.layer(f"{name}.c2", new, new, 3, 3)
            state.layer(f"{name}.c_sc", new, old, 1, 1)
        state.norm(f"b{len(widths) + 1}", widths[-1])
        state.layer(f"c{len(widths) + 1}", 3, widths[-1], 3, 3)
        return state

    def discriminator(self, side, last=None, spectral=True, width=32):
        parts, name = self.discriminators[side]
        widths = [3, *(width // part for part in parts)]
        state = _Shapes(spectral=spectral)
        pairs = zip(widths, widths[1:], strict=False)
        for i, (old, new) in enumerate(pairs, 1):
            hidden = old if i > 1 else new
            state.layer(f"block{i}.c1", hidden, old, 3, 3)
            state.layer(f"block{i}.c2", new, hidden, 3, 3)
            if old != new or i <= 2:
                state.layer(f"block{i}.c_sc", new, old, 1, 1)
        state.layer(last or name, 1, width)
        return state

    @pytest.mark.parametrize("side", generators)
    @pytest.mark.parametrize("source", ["mimicry_sngan", "mimicry_wgan_gp"])
    def test_generators(self, source, side):
        state = self.generator(side)
        network = _generator(source, state, {"loss_type": "ns"})
        images = network(np.zeros((2, 5), "float32"))
        assert images.shape == (2, side, side, 3)
        channels = [stage.first.filters for stage in network.stages]
        parts, _ = self.generators[side]
        assert channels == [32 // part for part in parts[1:]]
        for name in ("nz", "ngf", "bottom_width"):
            with pytest.raises(ValueError, match=f"`{name}` must be"):
                _generator(source, state, {name: 7})

    @pytest.mark.parametrize("side", discriminators)
    def test_spectral_discriminators(self, side):
        state = self.discriminator(side)
        network = _discriminator("mimicry_sngan", state, {})
        self.check(network, side)

    @pytest.mark.parametrize("side", discriminators)
    def test_discriminators_without_norms(self, side):
        last = "l6" if side == 48 else None
        state = self.discriminator(side, last, spectral=False)
        config = {"ndf": 32, "gp_scale": 5.0}
        if side == 48:
            config["image_size"] = 48
        network = _discriminator("mimicry_wgan_gp", state, config)
        self.check(network, side)
        with pytest.raises(ValueError, match="`ndf` must be 32"):
            _discriminator("mimicry_wgan_gp", state, {**config, "ndf": 64})

    def check(self, network, side):
        images = np.zeros((2, side, side, 3), "float32")
        features = network.heads(images)["features"]
        parts, _ = self.discriminators[side]
        sides = {32: (16, 8, 8, 8), 48: (24, 12, 6, 3, 3)}.get(
            side, [side >> i for i in range(1, 6)]
        )
        sides = [*sides, 4] if side == 128 else sides
        assert [(x.shape[1], x.shape[-1]) for x in features] == [
            (one, 32 // part) for one, part in zip(sides, parts, strict=True)
        ]

    @pytest.mark.parametrize("side, places", [(32, (1, 1)), (128, (2, 1))])
    def test_attention(self, side, places):
        state = self.generator(side, classes=3, spectral=True)
        channels = 32 // self.generators[side][0][places[0] + 1]
        state.attention(channels)
        config = {"num_classes": 3}
        network = _generator("mimicry_sagan", state, config)
        assert network.attentive_stage == places[0]
        assert network.image_shape == (side, side, 3)
        state = self.discriminator(side, width=128)
        state.attention(128 // self.discriminators[side][0][places[1]])
        state.layer("l_y", 3, 128, use_bias=False)
        network = _discriminator("mimicry_sagan", state, config)
        assert network.attentive_stage == places[1]
        assert network.image_shape == (side, side, 3)

    def test_other_numbers_of_blocks_are_refused(self):
        state = self.discriminator(128)
        for kind in ("c1", "c2"):
            state.layer(f"block7.{kind}", 32, 32, 3, 3)
        with pytest.raises(ValueError, match="32, 48, 64 or 128 px"):
            _discriminator("mimicry_sngan", state, {})
        state = self.generator(64, width=24)
        with pytest.raises(ValueError, match="`ngf` must be a multiple of"):
            _generator("mimicry_sngan", state, {})

    @pytest.mark.parametrize("source", ["mimicry_cgan_pd", "mimicry_sagan"])
    def test_classes_have_no_official_default(self, source):
        golden, arrays, config = _pair(f"{source}32", "G")
        del config["num_classes"]
        with pytest.raises(ValueError, match="must have 'num_classes'"):
            _generator(source, arrays, config)


def test_biggan_s_constructors_take_all_settings_of_a_training():
    golden, arrays, config = _pair("biggan_deep", "D", D_wide=False)
    config |= {"dataset": "I128", "num_epochs": 100, "G_ch": 96}
    config |= {"D_activation": "inplace_relu", "G_nl": "inplace_relu"}
    network = _discriminator("biggan_deep_pytorch", arrays, config)
    assert network.classes == config["n_classes"]
    with pytest.raises(ValueError, match="`D_activation` must be one of"):
        _discriminator(
            "biggan_deep_pytorch", arrays, {**config, "D_activation": "ir"}
        )


class _Shapes(dict):
    """A state dict of arrays that say nothing but their shapes."""

    def __init__(self, classes=0, spectral=False):
        super().__init__()
        self.classes = classes
        self.spectral = spectral

    def layer(self, key, *shape, use_bias=True):
        weight = f"{key}.weight_orig" if self.spectral else f"{key}.weight"
        self[weight] = np.full(shape, 0.01, "float32")
        if use_bias:
            self[f"{key}.bias"] = np.zeros(shape[0], "float32")
        if self.spectral:
            rest = int(np.prod(shape[1:]))
            for name, size in (("u", shape[0]), ("v", rest)):
                ones = np.ones(size, "float32")
                self[f"{key}.weight_{name}"] = ones / np.sqrt(size)

    def norm(self, key, channels):
        for name in ("weight", "bias", "running_mean", "running_var"):
            self[f"{key}.{name}"] = np.ones(channels, "float32")

    def conditional_norm(self, key, channels):
        if not self.classes:
            self.norm(key, channels)
            return
        table = np.ones((self.classes, 2 * channels), "float32")
        self[f"{key}.embed.weight"] = table
        for name in ("running_mean", "running_var"):
            self[f"{key}.bn.{name}"] = np.ones(channels, "float32")

    def attention(self, channels):
        for name, outputs, inputs in (
            ("theta", channels // 8, channels),
            ("phi", channels // 8, channels),
            ("g", channels // 2, channels),
            ("o", channels, channels // 2),
        ):
            key = f"attn_block.{name}"
            self.layer(key, outputs, inputs, 1, 1, use_bias=False)
        self["attn_block.gamma"] = np.ones((), "float32")
