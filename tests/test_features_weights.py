"""How weights are found, fetched, and read without running what is in them."""

import collections
import hashlib
import io
import os
import pathlib
import tarfile

import keras
import numpy as np
import pytest
from published_files import write_legacy, write_zip

from kerasgan.features import graphdef, torch_files
from kerasgan.features import weights as weight_files

ARRAYS = {
    "dense.weight": np.arange(6, dtype="float32").reshape(2, 3),
    "dense.bias": np.array([0.5, -0.5], "float32"),
    "steps": np.array(7, "int64"),
}


FORMATS = {"zip": write_zip, "legacy": write_legacy}


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
class TestTorchFiles:
    def test_reads_what_was_written(self, write, tmp_path):
        path = tmp_path / "state.pth"
        write(path, collections.OrderedDict(ARRAYS))
        found = torch_files.read(path)
        assert list(found) == list(ARRAYS)
        for name, array in ARRAYS.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)

    @pytest.mark.parametrize(
        "call",
        [(os.system, ("touch ran",)), (eval, ("open('ran', 'w')",))],
        ids=["system", "eval"],
    )
    def test_runs_nothing(self, write, call, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        class Evil:
            def __reduce__(self):
                return call

        write("evil.pth", {"weight": Evil()})
        with pytest.raises(ValueError, match="do not need: refused"):
            torch_files.read("evil.pth")
        assert not os.path.exists("ran")

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
    def test_torn_files(self, write, share, tmp_path):
        path = tmp_path / "state.pth"
        write(path, ARRAYS)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match="damaged"):
            torch_files.read(path)


@pytest.mark.parametrize(
    "offset, shape, strides",
    [(0, (5,), (1,)), (2, (3,), (1,)), (-1, (2,), (1,)), (0, (2,), (9,))]
    + [(0, (2, 2), (-1, 1)), (0, (4, 4), (0, 0))],
)
def test_a_tensor_must_lie_in_its_storage(offset, shape, strides):
    storage = torch_files._Storage(np.dtype("<f4"), 4, np.zeros(4, "<f4"))
    tensor = torch_files.Tensor(storage, offset, shape, strides)
    with pytest.raises(ValueError, match="outside of its storage"):
        tensor.array()


class TestGraphs:
    @pytest.fixture
    def graph(self):
        import tensorflow as tf

        graph = tf.compat.v1.GraphDef()
        for name, array in ARRAYS.items():
            node = graph.node.add(op="Const", name=name)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
        graph.node.add(op="Relu", name="relu")
        return graph.SerializeToString()

    def test_constants(self, graph):
        found = graphdef.constants(graph)
        assert set(found) == set(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)

    def test_of_an_archive(self, graph, tmp_path):
        path = tmp_path / "inception.tgz"
        with tarfile.open(path, "w:gz") as archive:
            for name, data in (
                ("LICENSE", b"text"),
                (f"./{graphdef.GRAPH_FILE}", graph),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        assert set(graphdef.constants_of_tar(path)) == set(ARRAYS)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match="archive"):
            graphdef.constants_of_tar(path)

    @pytest.mark.parametrize("data", [b"", b"<html>not found</html>"])
    def test_other_content(self, data):
        with pytest.raises(ValueError, match="no TensorFlow graph"):
            graphdef.constants(data)


def _model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def _from_torch(state):
    kernel, bias = (weight.path for weight in _MODEL.weights)
    return {kernel: state["dense.weight"].T, bias: state["dense.bias"]}


_MODEL = _model()


class TestLoading:
    @pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
    def test_content_tells_the_kind(self, write, tmp_path):
        path = tmp_path / "named_anything"
        write(path, ARRAYS)
        weight_files.load(_MODEL, path, _from_torch, _from_torch)
        np.testing.assert_array_equal(
            _MODEL.get_weights()[0], ARRAYS["dense.weight"].T
        )

    def test_another_network_changes_nothing(self, tmp_path):
        before = _MODEL.get_weights()
        path = tmp_path / "other.pth"
        write_zip(path, {"dense.bias": ARRAYS["dense.bias"]})
        with pytest.raises(ValueError, match="another network.*dense.weight"):
            weight_files.load(_MODEL, path, _from_torch)
        wrong = {**ARRAYS, "dense.bias": np.zeros(9, "float32")}
        write_zip(path, wrong)
        with pytest.raises(ValueError, match="must have the shape"):
            weight_files.load(_MODEL, path, _from_torch)
        for old, new in zip(before, _MODEL.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)

    @pytest.mark.parametrize(
        "data",
        [b"", b"<html>", b"PK\x03\x04 torn", b"\x89HDF\r\n\x1a\n torn"],
        ids=["empty", "page", "zip", "hdf5"],
    )
    @pytest.mark.parametrize("with_graph", [True, False])
    def test_damaged_files(self, data, with_graph, tmp_path):
        path = tmp_path / "weights"
        path.write_bytes(data)
        with pytest.raises(ValueError, match="could not be read"):
            weight_files.load(
                _MODEL, path, _from_torch, _from_torch if with_graph else None
            )


@pytest.fixture
def source(tmp_path, monkeypatch):
    """What can be fetched from a folder, and an empty cache folder."""
    file = tmp_path / "published" / "net-1.pth"
    file.parent.mkdir()
    file.write_bytes(b"published")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERASGAN_TEST_WEIGHTS", raising=False)
    return weight_files.Source(
        what="a test network",
        variable="KERASGAN_TEST_WEIGHTS",
        url=f"file://{file}",
        sha256=hashlib.sha256(b"published").hexdigest(),
        others=("ours.weights.h5",),
    )


class TestLocating:
    def test_argument_then_variable_then_cache_then_download(
        self, source, tmp_path, monkeypatch
    ):
        cache = pathlib.Path(weight_files.cache_folder())
        fetched = weight_files.locate(source)
        assert pathlib.Path(fetched) == cache / "net-1.pth"
        assert pathlib.Path(fetched).read_bytes() == b"published"
        (cache / "ours.weights.h5").write_bytes(b"ours")
        assert weight_files.locate(source) == str(cache / "ours.weights.h5")
        for name in ("by_variable", "by_argument"):
            (tmp_path / name).write_bytes(b"")
        by_variable = str(tmp_path / "by_variable")
        monkeypatch.setenv(source.variable, by_variable)
        assert weight_files.locate(source) == by_variable
        by_argument = tmp_path / "by_argument"
        assert weight_files.locate(source, by_argument) == str(by_argument)

    def test_a_file_in_the_cache_is_not_fetched_again(
        self, source, monkeypatch
    ):
        weight_files.locate(source)
        monkeypatch.setattr(keras.utils, "get_file", None)
        assert weight_files.locate(source).endswith("net-1.pth")

    def test_a_file_with_another_hash_is_never_used(self, source):
        published = pathlib.Path(source.url.removeprefix("file://"))
        published.write_bytes(b"a page of the hotel's network")
        target = pathlib.Path(weight_files.cache_folder()) / source.file
        with pytest.raises(ValueError, match="SHA-256 of net-1.pth must be"):
            weight_files.locate(source)
        assert not target.exists()
        target.write_bytes(b"put there by hand")
        with pytest.raises(ValueError, match="Remove that file"):
            weight_files.locate(source)

    def test_without_a_network_it_says_the_ways_out(self, source):
        pathlib.Path(source.url.removeprefix("file://")).unlink()
        with pytest.raises(FileNotFoundError) as caught:
            weight_files.locate(source)
        for way in (
            "`weights`",
            "KERASGAN_TEST_WEIGHTS",
            os.path.join(weight_files.cache_folder(), "net-1.pth"),
            source.url,
            source.sha256,
        ):
            assert way in str(caught.value)

    def test_a_file_that_was_named_must_be_there(self, source, monkeypatch):
        with pytest.raises(FileNotFoundError, match="`weights` must be"):
            weight_files.locate(source, "nowhere.pth")
        monkeypatch.setenv(source.variable, "nowhere.pth")
        with pytest.raises(FileNotFoundError, match=source.variable):
            weight_files.locate(source)
