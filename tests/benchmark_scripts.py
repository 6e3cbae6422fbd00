"""Runs the scripts of `benchmarks/` inside the process of the tests."""

import contextlib
import importlib
import pathlib
import sys

from absl import flags

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"


@contextlib.contextmanager
def imported(name):
    """A benchmark's module; its flags, which others define too, go after."""
    before = set(flags.FLAGS)
    sys.path.insert(0, str(BENCHMARKS))
    sys.modules.pop(name, None)
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))
        for flag in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, flag)


def run(module, *words):
    """Its `main`, with flags such as "--sizes=tiny"."""
    module.FLAGS([module.__name__, *words])
    module.main([])
