"""Every example runs, at a tiny size, and writes what it says."""

import importlib.util
import pathlib

import numpy as np
import pytest
from PIL import Image

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    ["own_networks", pytest.param("swap_the_loss", marks=pytest.mark.slow)],
)
def test_scripts_write_their_picture(name, tmp_path):
    output = tmp_path / "samples.png"
    example(name).main(total_images=128, output=output)
    assert np.asarray(Image.open(output)).std() > 1


def test_own_folder(tmp_path):
    folder, output = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(8):
        pixels = random.integers(0, 256, (20, 24, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")
    example("own_folder").main(
        folder, output, size=16, width=8, total_images=64
    )
    names = {path.name for path in output.iterdir()}
    assert {"real.png", "images_000000000064.png", "gan.keras"} <= names


@pytest.mark.parametrize(
    "name, pictures",
    [
        ("first_gan", 3),
        pytest.param("ask_edit_finetune", 7, marks=pytest.mark.slow),
    ],
)
def test_notebook(name, pictures, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.setenv("TOTAL_IMAGES", "128")
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    found = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(found) == pictures


def test_every_example_is_tested():
    names = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert names == {
        "own_networks.py",
        "own_folder.py",
        "swap_the_loss.py",
        "first_gan.ipynb",
        "ask_edit_finetune.ipynb",
    }
