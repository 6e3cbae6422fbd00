"""Nothing escapes its tests: whatever the package has, some test is given."""

import importlib.util
import inspect
import pathlib

import pytest

from kerasgan import (
    augment,
    label_losses,
    losses,
    reconstruction,
    regularizers,
    schedules,
)

TESTS = pathlib.Path(__file__).resolve().parent.parent

# The tests' file -> a module, and its abstract class whose kinds must all be in
# the file's `CASES`.
KINDS = {
    "test_augment": (augment, augment.Augmenter),
    "test_label_losses": (label_losses, label_losses.LabelLoss),
    "test_losses": (losses, losses.AdversarialLoss),
    "test_regularizers": (regularizers, regularizers.Regularizer),
    "test_schedules": (schedules, schedules.Schedule),
    "test_reconstruction": (reconstruction, reconstruction.Distance),
}


def _concrete(module, kind):
    """The public classes of a kind in a module or package."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, kind)
        and not inspect.isabstract(value)
        and value.__module__.startswith(module.__name__)
        and not name.startswith("_")
        and value is not kind
    }


def _cases(name):
    """The `CASES` of a file of tests, by whatever path it is run."""
    path = TESTS / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"cases_of_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


@pytest.mark.parametrize("name", KINDS)
def test_every_class_is_a_case(name):
    classes = _concrete(*KINDS[name])
    assert classes
    tested = {type(case).__name__ for case in _cases(name).values()}
    missing = sorted(set(classes) - tested)
    assert not missing, f"give tests/{name}.py's CASES one of {missing}"


def test_every_loss_has_a_name():
    assert set(losses.LOSSES.values()) == set(
        _concrete(losses, losses.AdversarialLoss).values()
    )


@pytest.mark.parametrize("name", KINDS)
def test_every_class_is_registered_under_its_module(name):
    from keras.saving import get_registered_name, get_registered_object

    module, kind = KINDS[name]
    for class_name, value in _concrete(module, kind).items():
        registered = get_registered_name(value)
        assert registered == f"{module.__name__}>{class_name}"
        assert get_registered_object(registered) is value


def test_every_golden_file_is_read():
    texts = [path.read_text() for path in TESTS.rglob("*.py")]
    unread = [
        path.name
        for path in (TESTS / "golden").glob("*.npz")
        if not any(path.stem in text for text in texts)
    ]
    assert not unread, f"no test names {unread}"
