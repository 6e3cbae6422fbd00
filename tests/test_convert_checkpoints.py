"""Published checkpoints are read, and nothing that is in one is run."""

import io
import json
import pickle
import struct
import zipfile

import keras
import numpy as np
import published_files
import pytest
from golden_files import FOLDER
from published_files import module, write_arrays, write_pickle, write_zip

import kerasgan
from kerasgan import convert
from kerasgan.cli.main import main
from kerasgan.convert import checkpoints
from kerasgan.features import torch_files


def _golden(name, net):
    """{official key: array} of a network of a golden file."""
    prefix = f"param/{net}/"
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return {
            key.removeprefix(prefix): arrays[key]
            for key in arrays.files
            if key.startswith(prefix)
        }


def _r3gan(path, name="r3gan_cond"):
    """A file as R3GAN's training writes them."""
    networks = {
        role: module(
            f"training.networks.{kind}",
            {f"Model.{k}": a for k, a in _golden(name, kind[0]).items()},
            inner="R3GAN.Networks.Stage",
            z_dim=64,
        )
        for role, kind in (
            ("G", "Generator"),
            ("G_ema", "Generator"),
            ("D", "Discriminator"),
        )
    }
    vars(networks["G"])["_modules"].clear()  # The other one is wanted.
    networks["training_set_kwargs"] = {"class_name": "x", "resolution": 16}
    networks["cur_nimg"] = np.float64(1e6).item()
    write_pickle(path, networks)


@pytest.mark.parametrize("name", ["r3gan_cond", "r3gan_uncond"])
def test_r3gan_is_read_without_its_settings(name, tmp_path):
    path = tmp_path / "network-snapshot-000100000.pkl"
    _r3gan(path, name)
    config = _config(name)
    pairs = {
        role: (_golden(name, net), config[f"{net}_kwargs"])
        for role, net in (("generator", "G"), ("discriminator", "D"))
    }
    loaded = convert.load("r3gan", path)
    expected = convert.from_state("r3gan", **pairs)
    for ours, theirs in zip(loaded, expected, strict=True):
        _assert_same(ours, theirs)


def _in_mimicry(state):
    return {"model_state_dict": state, "global_step": 3}


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "source, name, wrap, write",
    [
        ("pytorch_dcgan", "dcgan64", dict, published_files.write_legacy),
        ("pytorch_dcgan", "dcgan64", dict, write_zip),
        slow("mimicry_wgan_gp", "mimicry_wgan_gp32", _in_mimicry, write_zip),
        ("mimicry_sngan", "mimicry_sngan32", _in_mimicry, write_zip),
        slow("mimicry_ssgan", "mimicry_ssgan32", _in_mimicry, write_zip),
        slow("mimicry_cgan_pd", "mimicry_cgan_pd32", _in_mimicry, write_zip),
        slow("mimicry_sagan", "mimicry_sagan32", _in_mimicry, write_zip),
        slow("biggan_pytorch", "biggan", dict, write_zip),
        slow("biggan_pytorch", "biggan_64", dict, write_zip),
        slow("biggan_deep_pytorch", "biggan_deep", dict, write_zip),
    ],
)
def test_state_dicts_hold_one_network(source, name, wrap, write, tmp_path):
    config = _config(name)
    for index, net in enumerate("GD"):
        path = tmp_path / f"{name}-{net}.pth"
        state = {f"module.{k}": a for k, a in _golden(name, net).items()}
        write(path, wrap(state))
        networks = convert.load(source, path)
        assert networks[1 - index] is None
        role = ("generator", "discriminator")[index]
        pair = _golden(name, net), config.get(f"{net}_kwargs", config)
        expected = convert.from_state(source, **{role: pair})
        _assert_same(networks[index], expected[index])


def _config(name):
    with np.load(FOLDER / f"{name}.npz") as arrays:
        config = json.loads(str(arrays["config"]))
    return config.get("sizes", config)


def _assert_same(ours, theirs):
    for key, value in theirs.get_config().items():
        assert key == "name" or ours.get_config()[key] == value, key
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "source, name",
    [
        ("stylegan2_ada_pytorch", "stylegan2ada_cond_skip_resnet"),
        ("stylegan3", "stylegan3_t"),
    ],
)
def test_nvidia_s_files_say_what_they_were_made_with(source, name, tmp_path):
    config = _config(name)
    # The other repository's discriminators are of the first one's code.
    judge = _config("stylegan2ada_cond_skip_resnet")
    judge["name"] = "stylegan2ada_cond_skip_resnet"
    pairs = {
        "generator": (_golden(name, "G"), config["G_kwargs"]),
        "discriminator": (_golden(judge["name"], "D"), judge["D_kwargs"]),
    }
    tree = {
        role: published_files.persistent(
            kind,
            "open('ran', 'w')",
            module("torch.nn.modules.module.Module", pairs[of][0]),
            _init_kwargs=pairs[of][1],
        )
        for role, kind, of in (
            ("G_ema", "Generator", "generator"),
            ("D", "Discriminator", "discriminator"),
        )
    }
    path = tmp_path / "network-snapshot-000000.pkl"
    write_pickle(path, {**tree, "training_set_kwargs": {}})
    loaded = convert.load(source, path)
    expected = convert.from_state(source, **pairs)
    for ours, theirs in zip(loaded, expected, strict=True):
        _assert_same(ours, theirs)


def test_gan_stability_holds_both_and_an_average(tmp_path):
    path = tmp_path / "model.pt"
    tree = {
        "generator": {"fc.weight": np.zeros(3, "float32")},
        "generator_test": _golden("gan_stability", "G"),
        "discriminator": _golden("gan_stability", "D"),
        "epoch_idx": 3,
    }
    write_zip(path, tree)
    generator, discriminator = convert.load("gan_stability", path)
    assert generator.image_shape == discriminator.image_shape == (16, 16, 3)
    assert (generator.latent_size, generator.classes) == (9, 4)
    assert (generator.width, generator.max_width) == (6, 16)


def test_nvidia_s_source_stays_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = {
        "weight": np.arange(6, dtype="float32").reshape(2, 3),
        "mapping.fc0.bias": np.ones(2, "float32"),
    }
    network = published_files.persistent(
        "Generator",
        "open('ran', 'w')",
        module("torch.nn.modules.module.Module", arrays),
        _init_kwargs={"z_dim": 5, "mapping_kwargs": {"num_layers": 2}},
    )
    write_pickle("network.pkl", {"G_ema": network, "D": None})
    found = checkpoints.part(checkpoints.read("network.pkl"), "G_ema")
    assert found.class_name == "Generator"
    assert checkpoints.arguments(found) == {
        "z_dim": 5,
        "mapping_kwargs": {"num_layers": 2},
    }
    state = checkpoints.arrays(found)
    assert state.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(state[key], array)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [2, 4])
def test_tensorflow_networks_are_read(protocol, tmp_path):
    kernel = np.arange(6, dtype=">f4").reshape(2, 3, order="F")
    mapping = {"Dense0/weight": kernel, "scale": np.float32(2)}
    synthesis = {"4x4/Const/const": np.zeros((1, 2, 4, 4), "float16")}
    network = published_files.tensorflow_network(
        {"lod": np.array(0.0)},
        {
            "mapping": published_files.tensorflow_network(mapping),
            "synthesis": published_files.tensorflow_network(synthesis),
        },
        resolution=np.int64(16),
        fused_scale="auto",
    )
    path = tmp_path / "karras2019stylegan.pkl"
    write_arrays(path, (None, None, network), protocol)
    found = checkpoints.read(path)[2]
    assert checkpoints.arguments(found) == {
        "resolution": 16,
        "fused_scale": "auto",
    }
    state = checkpoints.arrays(found)
    np.testing.assert_array_equal(state["Dense0/weight"], kernel)
    assert state["4x4/Const/const"].shape == (1, 2, 4, 4)
    assert state["lod"] == 0 and state["scale"] == 2


def test_bfloat16_becomes_float32():
    numbers = np.array([1.0, -2.5, 0.0], "<f4")
    data = (numbers.view("<u4") >> 16).astype("<u2").view("<V2")
    storage = torch_files._Storage(np.dtype("<V2"), 3, data)
    tensor = torch_files.Tensor(storage, 1, (2,), (1,))
    np.testing.assert_array_equal(tensor.array(), numbers[1:])


def _call(name, *arguments):
    """A pickle that calls a function of this name."""
    where, _, name = name.rpartition(".")
    return (
        b"\x80\x02c%s\n%s\n" % (where.encode(), name.encode())
        + pickle.dumps(arguments, 2)[2:-1]
        + b"R."
    )


_TOUCH = "open('ran', 'w')"
_SYSTEM = ("touch ran",)
HOSTILE = {
    "os.system": _call("os.system", *_SYSTEM),
    "posix.system": _call("posix.system", *_SYSTEM),
    "nt.system": _call("nt.system", *_SYSTEM),
    "subprocess.Popen": _call("subprocess.Popen", ["touch", "ran"]),
    "builtins.eval": _call("builtins.eval", _TOUCH),
    "__builtin__.eval": _call("__builtin__.eval", _TOUCH),
    "builtins.exec": _call("builtins.exec", _TOUCH),
    "builtins.open": _call("builtins.open", "ran", "w"),
    "builtins.getattr": _call("builtins.getattr", "", "__class__"),
    "builtins.__import__": _call("builtins.__import__", "antigravity"),
    "importlib.import_module": _call("importlib.import_module", "this"),
    "pickle.loads": _call("pickle.loads", _call("os.system", *_SYSTEM)),
    "torch.load": _call("torch.load", "other.pth"),
    "torch.hub.load": _call("torch.hub.load", "someone/something", "x"),
    "dill._dill._create_function": _call("dill._dill._create_function"),
    "numpy.testing._private.utils.runstring": _call(
        "numpy.testing._private.utils.runstring", _TOUCH, {}
    ),
    "functools.partial": _call("functools.partial", "x"),
    "operator.attrgetter": _call("operator.attrgetter", "__class__"),
    "copyreg._reconstructor": _call("copyreg._reconstructor", 1, 2, 3),
    "shutil.rmtree": _call("shutil.rmtree", "."),
    "runpy.run_path": _call("runpy.run_path", "other.py"),
    # INST and OBJ are older ways to call.
    "os.popen": b"(S'touch ran'\nios\npopen\n.",
    "os.execl": b"(cos\nexecl\nS'/bin/touch'\nS'touch'\nS'ran'\no.",
    # STACK_GLOBAL: a path through the attributes of what is known.
    "_utils._rebuild_tensor_v2.__globals__": b"\x80\x04\x8c\x05torch"
    b"\x8c\x25_utils._rebuild_tensor_v2.__globals__\x93.",
    "torch._utils._rebuild_tensor_v2.__globals__": b"\x80\x04"
    b"\x8c\x0ctorch._utils\x8c\x1e_rebuild_tensor_v2.__globals__\x93.",
}
# What no name is refused for, but what is done with a known one.
IMPOSSIBLE = {
    "a function's code is set": (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
        b"N}X\x0c\x00\x00\x00__defaults__)s\x86b."
    ),
    "a function's state is set": (
        b"\x80\x02ctorch._utils\n_rebuild_parameter\n}U\x01aK\x01sb."
    ),
    "a class's state is set": (
        b"\x80\x02ctraining.networks\nGenerator\n"
        b"N}X\x0c\x00\x00\x00__setstate__K\x01s\x86b."
    ),
    "a class is made of a function": (
        b"\x80\x02ctorch._utils\n_rebuild_parameter\n)\x81."
    ),
    "an extension": b"\x80\x02\x82\x01.",
    "another encoding": _call("_codecs.encode", "x", "rot13"),
    "objects in an array": _call("numpy.dtype", "O8", False, True),
    "records in an array": _call("numpy.dtype", [("a", "f4")]),
    "a storage out of nowhere": b"\x80\x02(U\x07storagectorch\n"
    b"FloatStorage\nU\x010U\x03cpuK\x04tQ.",
    "a reference": b"\x80\x02U\x04ran1Q.",
    "a file in a file in a file": _call(
        "torch.storage._load_from_bytes", b"\x80\x02}."
    ),
    "a tensor without a storage": _call(
        "torch._utils._rebuild_tensor_v2", {}, 0, [], [], False, {}
    ),
    "a number without end": b"I" + b"9" * 5000 + b"\n.",
    "more than there is": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
}


def _in_zip(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    return file.getvalue()


def _in_legacy(data):
    headers = (torch_files.MAGIC, 1001, {})
    return b"".join(pickle.dumps(h, protocol=2) for h in headers) + data


def _in_storage(data):
    return _call("torch.storage._load_from_bytes", _in_legacy(data))


WRAPPERS = [lambda data: data, _in_zip, _in_legacy, _in_storage]


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_known_is_refused_by_name(
    name, wrap, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "network.pkl"
    path.write_bytes(wrap(HOSTILE[name]))
    with pytest.raises(ValueError, match=f"{name}, which .* refused"):
        checkpoints.read(path)
    assert [p.name for p in tmp_path.iterdir()] == ["network.pkl"]


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_is_known_cannot_be_misused(name, wrap, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "network.pkl"
    path.write_bytes(wrap(IMPOSSIBLE[name]))
    with pytest.raises(ValueError, match="damaged, or no checkpoint"):
        convert.load("r3gan", path)
    assert [p.name for p in tmp_path.iterdir()] == ["network.pkl"]


def test_hostile_pickles_would_run_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(HOSTILE["builtins.open"])
    assert (tmp_path / "ran").exists()


def test_zip_bombs_are_refused(tmp_path):
    path = tmp_path / "network.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        archive.writestr("archive/data/0", bytes(10**6))
    with pytest.raises(ValueError, match="compresses nothing"):
        checkpoints.read(path)


def test_modules_inside_themselves_end():
    network = checkpoints.Object()
    network.update(_modules={"self": network})
    with pytest.raises(ValueError, match="part of itself"):
        checkpoints.arrays(network)
    network.update(variables=[], components={"self": network})
    with pytest.raises(ValueError, match="part of itself"):
        checkpoints.arrays(network)


def _doubled(depth):
    """A list whose items are one list twice, and so on: 2^depth of them."""
    return [] if depth == 0 else [_doubled(depth - 1)] * 2


def test_shared_parts_do_not_multiply_without_end(tmp_path):
    """A few hundred bytes that would otherwise be read until memory ends."""
    path = tmp_path / "network.pkl"
    variables = {"lod": np.zeros(1, "float32")}
    network = published_files.tensorflow_network(variables, x=_doubled(60))
    write_arrays(path, (None, network, network))
    assert path.stat().st_size < 2000
    with pytest.raises(ValueError, match="must have 100000 parts at most"):
        convert.load("stylegan", path)
    for kind in ("_modules", "components"):
        network = checkpoints.Object()
        for _ in range(60):
            outer = checkpoints.Object()
            outer[kind] = {"a": network, "b": network}
            if kind == "components":
                outer["variables"] = network["variables"] = []
            network = outer
        with pytest.raises(ValueError, match="must have 100000 parts"):
            checkpoints.arrays(network)


@pytest.mark.parametrize(
    "name, arguments",
    [("_codecs.encode", ("x",)), ("numpy.dtype", ())],
)
def test_errors_do_not_show_them_either(name, arguments, tmp_path):
    path = tmp_path / "network.pkl"
    path.write_bytes(_call(name, *arguments, _doubled(60)))
    with pytest.raises(ValueError, match=r"\[\[\["):
        checkpoints.read(path)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.99])
def test_torn_files_are_refused(share, tmp_path):
    path = tmp_path / "network.pkl"
    _r3gan(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="damaged, or no checkpoint"):
        convert.load("r3gan", path)


@pytest.mark.parametrize(
    "tree, message",
    [
        ({"G": 1}, "must hold G_ema. Received: \\['G'\\]"),
        ([1, 2], "must hold G_ema. Received: <class 'list'>"),
        ({"G_ema": 5, "D": 5}, "no tensors where a network should be"),
    ],
)
def test_files_of_another_source_are_refused(tree, message, tmp_path):
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps(tree))
    with pytest.raises(ValueError, match=message):
        convert.load("r3gan", path)


def test_files_of_another_network_are_refused(tmp_path):
    path = tmp_path / "netG.pth"
    write_zip(path, _golden("mimicry_wgan_gp32", "G"))
    with pytest.raises(ValueError, match="checkpoint of pytorch_dcgan"):
        convert.load("pytorch_dcgan", path)
    with pytest.raises(ValueError, match="`source` must be one of r3gan"):
        convert.load("r3gann", path)
    with pytest.raises(FileNotFoundError, match="none.pkl"):
        convert.load("r3gan", tmp_path / "none.pkl")


class TestCommand:
    def run(self, path, output, *words):
        return main(
            [
                "convert",
                "--source=r3gan",
                f"--checkpoint={path}",
                f"--output={output}",
                *words,
            ]
        )

    @pytest.mark.parametrize("network", ["generator", "discriminator"])
    def test_writes_a_model(self, network, tmp_path, capsys):
        path, output = tmp_path / "network.pkl", tmp_path / "new" / "m.keras"
        _r3gan(path)
        assert self.run(path, output, f"--network={network}") == 0
        lines = capsys.readouterr().out
        assert f"sha256: {checkpoints.sha256(path)}" in lines
        assert "source: r3gan" in lines and "licence: none stated" in lines
        role = ("generator", "discriminator").index(network)
        expected = convert.load("r3gan", path)[role]
        found = kerasgan.load(output)
        for one, other in zip(found.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(one, other)
        keras.backend.clear_session()

    def test_never_overwrites(self, tmp_path, capsys):
        path, output = tmp_path / "network.pkl", tmp_path / "m.keras"
        _r3gan(path)
        output.write_text("mine")
        assert self.run(path, output) == 2
        assert "exists already" in capsys.readouterr().err
        assert output.read_text() == "mine"

    def test_leaves_nothing_of_what_it_refuses(self, tmp_path, capsys):
        path, output = tmp_path / "network.pkl", tmp_path / "m.keras"
        path.write_bytes(HOSTILE["os.system"])
        assert self.run(path, output) == 2
        assert "os.system" in capsys.readouterr().err
        assert [p.name for p in tmp_path.iterdir()] == ["network.pkl"]
        assert self.run(path, tmp_path / "m.h5") == 2
        assert "must end in .keras" in capsys.readouterr().err
        assert main(["convert", f"--checkpoint={path}"]) == 2
        assert "`--source` must be given" in capsys.readouterr().err
