"""Objects that Keras can save, and models that it can load again."""

import dataclasses
import importlib
import json
import zipfile

import keras


class Saveable:
    """A dataclass that Keras saves by its fields: losses, penalties, schedules.

    Fields may be such objects themselves.
    """

    def get_config(self):
        return {
            field.name: keras.saving.serialize_keras_object(
                getattr(self, field.name)
            )
            for field in dataclasses.fields(self)
        }

    @classmethod
    def from_config(cls, config):
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value)
                for name, value in config.items()
            }
        )


def load(path, custom_objects=None, compile=True):
    """Loads a model that `model.save` wrote, with optimizers and counters.

    Keras refuses classes that are not registered, and ours register when their
    module is imported: this imports the modules that the archive names.

    Args:
        path: A `.keras` file.
        custom_objects: As in `keras.saving.load_model`: name -> class, for
            networks of your own.
        compile: Restore optimizers and losses too, so that `fit` can go on.

    Raises:
        ValueError: The file is not a `.keras` archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise ValueError(
            "`path` must be a model saved by `model.save('name.keras')`. "
            f"Received: path={str(path)!r} ({error})"
        ) from error
    for module in sorted(_own_modules(config)):
        importlib.import_module(module)
    return keras.saving.load_model(
        path, custom_objects=custom_objects, compile=compile
    )


def _own_modules(config):
    """The modules of this package that a nested configuration names."""
    if isinstance(config, dict):
        module = config.get("module")
        if isinstance(module, str) and module.startswith("kerasgan."):
            yield module
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _own_modules(value)
