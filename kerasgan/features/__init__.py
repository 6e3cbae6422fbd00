"""Networks that measure: what they see in images is what metrics compare."""

import importlib

from kerasgan.errors import unknown_name

# Name -> the file that has it, and what makes it there: imported when used.
NAMES = {
    "inception_2015": ("inception", "Inception2015"),
    "vgg16_fc2": ("vgg", "VGG16"),
    "lpips_vgg": ("lpips", "LPIPS"),
    "dinov2_small": ("hub", "dinov2_small"),
    "dinov2_base": ("hub", "dinov2_base"),
    "dinov2_large": ("hub", "dinov2_large"),
    "clip_vit_large_patch14_336": ("hub", "clip_vit_large_patch14_336"),
    "classifier": ("classifier", "load_classifier"),
}


def load(name, weights=None, **options):
    """A `FeatureNetwork` by its name in `NAMES`, with its weights.

    Args:
        weights: A file that holds them. None looks for them: the network's
            environment variable, the cache folder, then a download.
        options: The network's own, such as `resize="clean"` of
            "inception_2015".

    Raises:
        ValueError: An unknown name, or a file that is not what it should be.
        FileNotFoundError: The weights are nowhere, and cannot be fetched; the
            message says what to do.
    """
    if name not in NAMES:
        raise unknown_name("name", name, NAMES)
    file, maker = NAMES[name]
    module = importlib.import_module(f"kerasgan.features.{file}")
    return getattr(module, maker)(weights, **options)
