"""What only networks of dense blocks have."""

import numpy as np
import pytest

from kerasgan.models import densenet


def test_layers_see_what_all_before_them_made():
    model = densenet.Discriminator(
        (16, 16, 3), width=8, growth=3, depth=2, compression=0.5
    )
    inputs = [
        [layer.convolve.kernel.shape[2] for layer in block.layers]
        for block in model.blocks
    ]
    assert inputs == [[8, 11], [7, 10], [6, 9]]
    images = np.ones((1, 16, 16, 3), "float32")
    features = model.heads(images)["features"]
    assert [x.shape[1:] for x in features] == [
        (16, 16, 14),
        (8, 8, 13),
        (4, 4, 12),
    ]
    # A block keeps what it was given, first.
    first = model.from_image(images)
    np.testing.assert_array_equal(features[0][..., :8], first)


@pytest.mark.parametrize("compression", [0, 1.5])
def test_impossible_compression_is_refused(compression):
    for network in (densenet.Generator, densenet.Discriminator):
        with pytest.raises(ValueError, match="`compression` must be a share"):
            network((8, 8, 3), compression=compression)
