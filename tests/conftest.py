"""What all tests share: quiet backends, and the folder of real data."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest


@pytest.fixture(scope="session")
def data_dir():
    """The folder of bigger real data, for tests that want it."""
    folder = os.environ.get("KERASGAN_DATA_DIR")
    if not folder:
        pytest.skip("KERASGAN_DATA_DIR is not set")
    return pathlib.Path(folder)
