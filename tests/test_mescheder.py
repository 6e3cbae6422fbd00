"""What only Mescheder's networks have."""

import numpy as np
from keras import ops

from kerasgan.models import mescheder


def test_branches_count_a_tenth():
    block = mescheder._Block(3, 3, name="block")
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    branch = block.second(
        mescheder.leaky_relu(block.first(ops.where(x > 0, x, 0.2 * x)))
    )
    np.testing.assert_allclose(block(x) - x, 0.1 * branch, atol=1e-6)


def test_halving_counts_the_zeros_beyond_the_edges():
    halved = np.array(mescheder._halve(ops.ones((1, 4, 5, 2))))[0, ..., 0]
    np.testing.assert_allclose(halved * 9, [[4, 6, 4], [6, 9, 6]], atol=1e-5)


def test_a_label_is_a_direction():
    model = mescheder.Generator((8, 8, 1), 3, 2, 4, classes=4, label_width=5)
    directions = model._direction(np.eye(4, dtype="float32"))
    np.testing.assert_allclose(
        np.linalg.norm(directions, axis=-1), 1, rtol=1e-5
    )
    assert np.isfinite(model._direction(np.zeros((1, 4), "float32"))).all()
