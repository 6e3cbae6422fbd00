"""Exported generators, run by what their users run them with."""

import functools
import sys

import keras
import numpy as np
import pytest
from family_networks import CLASSES, network, odd_network, randomize
from keras import layers, ops
from scipy import special
from training_steps import small_recipe

import kerasgan
from kerasgan import presets, storage
from kerasgan.cli.main import main
from kerasgan.runs import export
from kerasgan.runs.preparation import Plan
from kerasgan.runs.sample import load_model
from kerasgan.runs.workdir import Workdir
from kerasgan.training import checkpoints

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow"
)
every_format = pytest.mark.parametrize("ending", ["", ".onnx", ".tflite"])
QUICK = ("dcgan", "stylegan2")


@functools.cache
def example(family):
    """A model, inputs, and {truncation: the images that it makes of them}.

    All but StyleGAN2 take labels, and have images of odd sizes.
    """
    keras.utils.set_random_seed(0)
    networks = presets.get(f"{family}_tiny")
    if family != "stylegan2":
        roles = ("Generator", "Discriminator")
        networks = [odd_network(family, role) for role in roles]
    model = kerasgan.GANModel(*networks)
    randomize(model.averaged_generator)
    inputs = inputs_of(model)
    return model, inputs, images_by_truncation(model, inputs)


def images_by_truncation(model, inputs):
    """What a file is to give, in [-1, 1]: a stylegan2 goes beyond."""
    return {
        share or 1.0: np.clip(model.decode(**inputs, truncation=share), -1, 1)
        for share in (None, 0.7)
    }


def inputs_of(model, count=5):
    """Latents, and labels where there are any, in a dictionary."""
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((count, model.latent_size))
    inputs = {"latents": latents.astype("float32")}
    if model.takes_labels:
        inputs["labels"] = rng.integers(CLASSES, size=count, dtype="int32")
    return inputs


def images_of(path, truncation=1.0, **inputs):
    """What a file makes of its inputs, by the name of each."""
    inputs["truncation"] = np.array(truncation, "float32")
    if path.suffix == ".onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(path)
        return session.run(["images"], inputs)[0]
    if path.suffix == ".tflite":
        litert = pytest.importorskip("ai_edge_litert.interpreter")
        interpreter = litert.Interpreter(str(path))
        run = interpreter.get_signature_runner("serving_default")
        return run(**inputs)["images"]
    import tensorflow as tf

    run = tf.saved_model.load(path).signatures["serving_default"]
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    return run(**inputs)["images"].numpy()


def exported(model, path):
    if path.suffix == ".onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("tf2onnx")
    return export.export_model(model, path)


def assert_gives(path, inputs, expected):
    """A file gives the expected images, of all inputs and of the first two."""
    for truncation, images in expected.items():
        for count in (len(images), 2):
            some = {name: value[:count] for name, value in inputs.items()}
            found = images_of(path, truncation, **some)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, images[:count], atol=1e-5)


@every_format
class TestFormats:
    @pytest.mark.parametrize(
        "family",
        [
            pytest.param(x, marks=[] if x in QUICK else pytest.mark.slow)
            for x in presets.FAMILIES
        ],
    )
    def test_give_what_the_model_gives(self, family, ending, tmp_path):
        model, inputs, expected = example(family)
        path = tmp_path / f"generator{ending}"
        exported(model, path)
        assert [*tmp_path.iterdir()] == [path]
        assert_gives(path, inputs, expected)

    def test_take_labels_that_are_floats(self, ending, tmp_path):
        model = functional()
        path = tmp_path / f"generator{ending}"
        line = exported(model, path)
        assert "labels float32 [n, 3] -> images float32 [n, 2, 2, 1]" in line
        latents = inputs_of(model)["latents"]
        labels = np.random.default_rng(1).random((5, 3), "float32")
        found = images_of(path, latents=latents, labels=labels)
        expected = model.decode(latents, labels)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def functional():
    """Latents [n, 4], labels float32 [n, 3] -> samples [n, 2, 2, 1]."""
    inputs = [keras.Input((4,)), keras.Input((3,))]
    x = layers.Dense(4, "tanh")(layers.Concatenate()(inputs))
    return small_gan(keras.Model(inputs, layers.Reshape((2, 2, 1))(x)), 3)


def with_rare_operation():
    """Latents [n, 4] -> samples [n, 2, 2, 1], by what few formats have."""
    latents = keras.Input((4,))
    x = ops.erfinv(layers.Dense(4, "tanh")(latents))
    return small_gan(keras.Model(latents, layers.Reshape((2, 2, 1))(x)))


def small_gan(generator, classes=None):
    discriminator = keras.Sequential(
        [keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)]
    )
    return kerasgan.GANModel(generator, discriminator, classes=classes)


class TestTruncation:
    def test_of_one_leaves_latents_as_they_are(self, tmp_path):
        model, inputs, _ = example("dcgan")
        path = tmp_path / "generator"
        exported(model, path)
        # Of latents so large truncation would leave little.
        inputs = {**inputs, "latents": 4 * inputs["latents"]}
        expected = model.decode(**inputs)
        for truncation in (1.0, 1.5):
            found = images_of(path, truncation, **inputs)
            np.testing.assert_allclose(found, expected, atol=1e-5)
        assert np.abs(images_of(path, 0.999, **inputs) - expected).max() > 0.1

    def test_has_functions_of_its_own_that_are_right(self):
        x = np.linspace(-6, 6, 10001, dtype="float32")
        found = np.array(export._erf(x))
        np.testing.assert_allclose(found, special.erf(x), atol=5e-7)
        x = np.linspace(-0.9966, 0.9966, 10001, dtype="float32")
        found = np.array(export._erfinv(x))
        expected = special.erfinv(x.astype("float64"))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_half_precision_is_left_to_training(tmp_path):
    arguments = {"dtype": "mixed_bfloat16", "classes": CLASSES}
    model = kerasgan.GANModel(
        network("dcgan", "Generator", **arguments),
        network("dcgan", "Discriminator", **arguments),
    )
    exported(model, tmp_path / "half")
    arguments["dtype"] = "float32"
    wide = network("dcgan", "Generator", **arguments)
    wide.set_weights(model.averaged_generator.get_weights())
    inputs = inputs_of(model)
    found = images_of(tmp_path / "half", **inputs)
    expected = wide((inputs["latents"], inputs["labels"]))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert model.averaged_generator.compute_dtype == "bfloat16"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that has just begun."""
    workdir = Workdir(tmp_path_factory.mktemp("run"))
    plan = Plan(small_recipe(), (8, 8, 1), None, "digits", "")
    workdir.claim(plan.to_dict())
    model = plan.build()
    randomize(model.averaged_generator)
    checkpoints.save(model, workdir.checkpoints)
    return workdir.path


def test_command_exports_a_run(run, tmp_path, capsys):
    output = tmp_path / "new" / "digits"
    words = ["export", f"--workdir={run}", f"--output={output}"]
    assert main(words) == 0
    assert capsys.readouterr().out.endswith(
        " MB\nlatents float32 [n, 8], truncation float32 [] "
        "-> images float32 [n, 8, 8, 1]\n"
    )
    model = load_model(run)
    inputs = inputs_of(model)
    assert_gives(output, inputs, images_by_truncation(model, inputs))
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "`--workdir` must name"),
        (["--workdir=RUN"], "`--output` must name"),
        (["--workdir=RUN", "--output=x.h5"], "must end in .onnx or"),
        (["--workdir=none", "--output=x"], "must be the folder of a run"),
        (
            ["--workdir=RUN", "--output=x", "--checkpoint=best"],
            "must hold its best checkpoint",
        ),
    ],
)
def test_mistakes_are_told(run, words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [word.replace("RUN", str(run)) for word in words]
    assert main(["export", *words]) == 2
    assert message in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


class TestRefusals:
    def test_of_another_backend_come_first(self, tmp_path, monkeypatch):
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        with pytest.raises(ValueError, match="Set KERAS_BACKEND=tensorflow"):
            export.export(tmp_path / "none", tmp_path / "x")

    @pytest.mark.parametrize("name", ["onnx", "tf2onnx"])
    def test_of_a_missing_package_say_how_to_get_it(
        self, name, tmp_path, monkeypatch
    ):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ImportError, match=r"'kerasgan\[onnx\]'"):
            export.export(tmp_path / "none", tmp_path / "x.onnx")

    @pytest.mark.parametrize("ending", [".onnx", ".tflite"])
    def test_name_an_operation_that_a_format_lacks(self, ending, tmp_path):
        with pytest.raises(ValueError, match="lacks Erfinv"):
            exported(with_rare_operation(), tmp_path / f"generator{ending}")
        assert not [*tmp_path.iterdir()]

    def test_leave_nothing_of_a_folder(self, tmp_path, monkeypatch):
        import tensorflow as tf

        def fail(module, path, signatures):
            (tmp_path / path).mkdir()
            raise OSError("the disk is full")

        monkeypatch.setattr(tf.saved_model, "save", fail)
        with pytest.raises(OSError, match="full"):
            export.export_model(example("dcgan")[0], tmp_path / "generator")
        assert not [*tmp_path.iterdir()]


def test_folders_are_whole_or_not_there(tmp_path):
    path, dead = tmp_path / "saved", tmp_path / "part-999999999-saved"
    dead.mkdir()
    (dead / "half").write_text("")
    with pytest.raises(KeyError), storage.creating_folder(path) as part:
        part.mkdir()
        raise KeyError
    assert not list(tmp_path.iterdir())
    with storage.creating_folder(path) as part:
        part.mkdir()
        (part / "whole").write_text("")
    assert [x.name for x in tmp_path.rglob("*")] == ["saved", "whole"]
    with pytest.raises(FileExistsError), storage.creating_folder(path):
        pytest.fail("It is there.")
