"""Features of real and generated images, of which other libraries' numbers are.

`tests/golden/README.md` says where they come from.
"""

import pathlib

import numpy as np

GOLDEN = pathlib.Path(__file__).parent / "golden"
FEATURES = {
    **np.load(GOLDEN / "features_d64.npz"),
    **np.load(GOLDEN / "features_d256.npz"),
}


def golden_sets(name, rows=None, dtype="float64"):
    """The arguments of a metric: {"real": [n, d], "fake": [m, d]}."""
    return {
        "real": FEATURES[f"{name}/real"].astype(dtype)[:rows],
        "fake": FEATURES[f"{name}/gen"].astype(dtype)[:rows],
    }
