"""DINOv2 and CLIP from KerasHub, tiny and with random weights."""

import sys

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan import features
from kerasgan.features import hub

NAMES = [name for name, (file, _) in features.NAMES.items() if file == "hub"]


@pytest.fixture(scope="module")
def models():
    return pytest.importorskip("keras_hub").models


@pytest.fixture(scope="module")
def dinov2(models):
    keras.utils.set_random_seed(0)
    backbone = models.DINOV2Backbone(
        patch_size=14,
        num_layers=2,
        hidden_dim=16,
        num_heads=2,
        intermediate_dim=32,
        image_shape=(56, 56, 3),
        position_embedding_shape=(70, 70, 3),
        dtype="float32",
    )
    return backbone, hub.DINOv2(backbone, "dinov2_tiny")


@pytest.fixture(scope="module")
def clip(models):
    keras.utils.set_random_seed(0)
    vision = models.CLIPVisionEncoder(
        patch_size=14,
        hidden_dim=16,
        num_layers=2,
        num_heads=2,
        intermediate_dim=32,
        image_shape=(28, 28, 3),
    )
    text = models.CLIPTextEncoder(
        vocabulary_size=8,
        embedding_dim=16,
        hidden_dim=16,
        num_layers=1,
        num_heads=2,
        intermediate_dim=32,
    )
    backbone = models.CLIPBackbone(vision, text, projection_dim=12)
    return backbone, hub.CLIP(backbone, "clip_tiny")


def _images(height, width):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (3, height, width, 3)).astype("uint8")


def _by_hand(images, size, mean, deviation):
    pixels = [
        np.asarray(Image.fromarray(image).resize((size, size), Image.BICUBIC))
        for image in images
    ]
    return ((np.stack(pixels) / 255.0 - mean) / deviation).astype("float32")


def test_dinov2_gives_the_class_token_and_not_the_mean(dinov2):
    backbone, network = dinov2
    images = _images(40, 30)
    found = network.features(images, "cls", 2)["cls"]
    inputs = _by_hand(images, 56, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    tokens = np.array(backbone({"images": inputs}))
    assert tokens.shape == (3, 1 + 16, 16)
    np.testing.assert_allclose(found, tokens[:, 0], atol=1e-4)
    assert np.abs(found - tokens.mean(axis=1)).max() > 0.1
    # After the norm, whose scale is still 1 and whose offset is 0.
    np.testing.assert_allclose(found.std(axis=1), 1.0, atol=1e-2)


def test_clip_gives_embeddings_of_length_one(clip):
    backbone, network = clip
    images = _images(30, 50)
    found = network.features(images, "image", 2)["image"]
    square = images[:, :, 10:40]
    inputs = _by_hand(
        square,
        28,
        [0.48145466, 0.4578275, 0.40821073],
        [0.26862954, 0.26130258, 0.27577711],
    )
    embeddings = np.array(backbone.get_vision_embeddings(inputs))
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert found.shape == (3, 12)
    assert np.abs(lengths - 1).max() > 1e-3
    np.testing.assert_allclose(found, embeddings / lengths, atol=1e-4)


def test_descriptions_say_how_images_are_resized(dinov2, clip):
    assert dinov2[1].describe()["resize"] == "pil_bicubic_uint8"
    assert clip[1].describe()["resize"] == "centre_crop_pil_bicubic_uint8"


def test_the_central_square():
    images = np.arange(2 * 4 * 9).reshape(2, 4, 9, 1)
    np.testing.assert_array_equal(hub.central_square(images), images[:, :, 2:6])
    turned = images.reshape(2, 9, 4, 1)
    np.testing.assert_array_equal(hub.central_square(turned), turned[:, 2:6])


@pytest.mark.parametrize("name", NAMES)
def test_without_keras_hub_it_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'kerasgan\[hub\]'"):
        features.load(name)
