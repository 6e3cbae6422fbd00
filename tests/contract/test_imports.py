"""Who may import whom, who may name a backend, and how long a file may be.

Every file of the package is parsed; nothing is run.
"""

import ast
import pathlib

import pytest

import kerasgan

ROOT = pathlib.Path(kerasgan.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# What the rest stands on; everyone may import it.
FOUNDATION = {"errors", "serialization", "storage"}

_NUMBERS = {
    "random",
    "gradients",
    "devices",
    "schedules",
    "losses",
    "label_losses",
    "layers",
}
_BELOW_RECIPES = {
    *_NUMBERS,
    "augment",
    "callbacks",
    "convert",
    "data",
    "features",
    "latents",
    "metrics",
    "models",
    "pictures",
    "presets",
    "reconstruction",
    "regularizers",
    "training",
}

# A module or package -> what it may import, beside itself and the foundation.
MAY_IMPORT = {
    "errors": set(),
    "serialization": set(),
    "storage": set(),
    "random": set(),
    "gradients": set(),
    "devices": set(),
    "schedules": set(),
    "losses": {"devices", "schedules"},
    "label_losses": {"losses"},
    "strategies": set(),
    "layers": {"devices"},
    "data": set(),
    "pictures": set(),
    "models": {"layers"},
    "features": {"devices", "layers"},
    "regularizers": {
        "augment",
        "devices",
        "random",
        "gradients",
        "layers",
        "schedules",
    },
    "augment": {"random", "gradients", "layers", "schedules"},
    "reconstruction": {"features"},
    "metrics": {"features", "pictures"},
    "presets": {"models", "features", "layers"},
    "convert": {"models", "features", "layers"},
    "training": _NUMBERS
    | {"augment", "features", "reconstruction", "regularizers"},
    "latents": _NUMBERS
    | {"augment", "features", "reconstruction", "regularizers"},
    "callbacks": {"data", "devices", "metrics", "pictures", "training"},
    "recipes": _BELOW_RECIPES,
    "runs": _BELOW_RECIPES | {"recipes", "strategies"},
    "cli": _BELOW_RECIPES | {"recipes", "runs", "strategies"},
}

# The package's own names, imported late, and where they come from.
REEXPORTED = {
    name: path.split(".")[1] for name, path in kerasgan._NAMES.items()
}

BACKENDS = {"jax", "tensorflow", "tensorflow_datasets", "torch"}
# File or folder -> the reason why it names a backend.
NAMES_BACKENDS = {
    "gradients.py": "derivatives are the backend's",
    "devices.py": "replicas are the backend's",
    "strategies.py": "who makes replicas is the backend",
    "data": "tf.data and tfds feed every backend",
    "features/graphdef.py": "the published Inception is TensorFlow's graph",
    "callbacks/logs.py": "TensorBoard's event files are written by TensorFlow",
    "runs/export.py": "what it writes is made of TensorFlow's graph",
}

FORBIDDEN_NAMES = {"utils", "misc", "common", "helpers", "base"}

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
# File, or file::function -> the reason why it is longer.
LONG = {
    "models/biggan_deep.py": "two networks with a dozen arguments, two blocks",
    "models/r3gan.py": "two networks with a dozen arguments, told per stage",
}


def _unit(path):
    """kerasgan/models/dcgan.py -> models, kerasgan/losses.py -> losses."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _named(path):
    return str(path.relative_to(ROOT))


def _parse(path):
    return ast.parse(path.read_text(), str(path))


def _imports(tree):
    """(line, dotted name) of all that a tree imports, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise AssertionError(f"line {node.lineno}: a relative import")
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _own_imports(tree):
    """(line, unit, dotted name) of what is imported from this package."""
    for line, name in _imports(tree):
        package, _, rest = name.partition(".")
        first = rest.partition(".")[0]
        if package == "kerasgan" and not first.startswith("__"):
            unit = REEXPORTED.get(first, first)
            if unit:
                yield line, unit, name


@pytest.fixture(scope="module")
def trees():
    return {path: _parse(path) for path in FILES}


def _fail_with(mistakes):
    if mistakes:
        pytest.fail("\n".join(mistakes), pytrace=False)


def test_every_file_has_a_place():
    units = {_unit(path) for path in FILES} - {"__init__"}
    _fail_with(
        [
            f"kerasgan/{unit}: give it a place in MAY_IMPORT"
            for unit in sorted(units - set(MAY_IMPORT))
        ]
    )


def test_imports_point_one_way(trees):
    mistakes = []
    for path, tree in trees.items():
        unit = _unit(path)
        allowed = MAY_IMPORT.get(unit, set()) | FOUNDATION | {unit}
        mistakes += [
            f"{_named(path)}:{line}: {unit} must not import {name}; it may "
            f"import {', '.join(sorted(allowed - {unit}))}"
            for line, other, name in _own_imports(tree)
            if other not in allowed
        ]
    _fail_with(mistakes)


def test_the_table_has_no_circles():
    def reachable(unit, above=()):
        assert unit not in above, f"a circle: {' -> '.join((*above, unit))}"
        for other in MAY_IMPORT[unit]:
            reachable(other, (*above, unit))

    for unit in MAY_IMPORT:
        reachable(unit)


def test_a_family_never_imports_a_family(trees):
    _fail_with(
        [
            f"{_named(path)}:{line}: imports {name}; what two families share "
            "belongs to layers/"
            for path, tree in trees.items()
            if _unit(path) == "models"
            for line, other, name in _own_imports(tree)
            if other == "models"
        ]
    )


def test_recipes_import_keras_inside_their_functions(trees):
    mistakes = []
    for path, tree in trees.items():
        if _unit(path) != "recipes":
            continue
        late = {
            line
            for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.Lambda))
            for line, _ in _imports(node)
        }
        mistakes += [
            f"{_named(path)}:{line}: imports {name} at once; listing recipes "
            "must not wait for Keras"
            for line, name in _imports(tree)
            if line not in late
            and name.split(".")[0] in {"keras", "kerasgan", *BACKENDS}
            and _own_unit(name) not in {"recipes", *FOUNDATION}
        ]
    _fail_with(mistakes)


def _own_unit(name):
    return name.split(".")[1] if name.startswith("kerasgan.") else None


def test_backends_are_named_in_few_places(trees):
    mistakes = []
    for path, tree in trees.items():
        if {_unit(path), _named(path)} & set(NAMES_BACKENDS):
            continue
        named = [
            (line, name)
            for line, name in _imports(tree)
            if name.split(".")[0] in BACKENDS
        ]
        named += [
            (node.lineno, repr(node.value))
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value in BACKENDS
        ]
        mistakes += [
            f"{_named(path)}:{line}: names {name}; write it in keras.ops, or "
            "give gradients.py or devices.py a function for it"
            for line, name in named
        ]
    _fail_with(mistakes)


def test_names_say_what_is_inside():
    parts = [(path, path.stem) for path in FILES]
    parts += [(path, path.name) for path in {p.parent for p in FILES}]
    _fail_with(
        [
            f"{_named(path)}: a name that says nothing of what is inside"
            for path, name in parts
            if name in FORBIDDEN_NAMES
        ]
    )


def test_files_and_functions_can_be_read_in_one_go(trees):
    lengths = {}
    for path, tree in trees.items():
        lines = len(path.read_text().splitlines())
        lengths[_named(path)] = (lines, MOST_LINES_OF_A_FILE)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                lines = node.end_lineno - node.lineno + 1
                name = f"{_named(path)}::{node.name}"
                lengths[name] = (lines, MOST_LINES_OF_A_FUNCTION)
    long = {name for name, (lines, most) in lengths.items() if lines > most}
    mistakes = [
        f"{name}: {lengths[name][0]} lines, of {lengths[name][1]} at most; "
        "split it, or give LONG a reason"
        for name in sorted(long - set(LONG))
    ]
    mistakes += [
        f"{name}: no longer too long; take it out of LONG"
        for name in sorted(set(LONG) - long)
    ]
    _fail_with(mistakes)
