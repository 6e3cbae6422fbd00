"""Ways from one latent to another."""

import numpy as np

from kerasgan.errors import unknown_name

_PARALLEL = 1e-6  # A sine below it: the arc is the straight line, or any.


def interpolate(start, end, steps, path="spherical"):
    """Two latents, or two styles, of one shape -> [steps, *shape].

    Both ends are included.

    Args:
        path: "spherical" is for normal latents, which lie near a sphere (White
            2016, https://arxiv.org/abs/1609.04468); where they are parallel
            the way is straight. "linear" is for uniform latents, and for
            styles (Karras et al. 2019, section 4.1).
    """
    start, end = (np.asarray(x, "float32") for x in (start, end))
    shares = np.linspace(0.0, 1.0, steps, dtype="float32")
    shares = shares.reshape(-1, *[1] * start.ndim)
    if path not in ("spherical", "linear"):
        raise unknown_name("path", path, ("spherical", "linear"))
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    cosine = np.sum(start * end) / (lengths + 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if path == "linear" or np.sin(angle) < _PARALLEL:
        return (1.0 - shares) * start + shares * end
    return (
        np.sin((1.0 - shares) * angle) * start + np.sin(shares * angle) * end
    ) / np.sin(angle)
