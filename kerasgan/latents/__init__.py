"""Tools for the latents and styles of a trained `GANModel`.

All of them see its averaged generator. Truncation is the model's own:
`model.decode(latents, truncation=0.7)`.
"""

from kerasgan.latents.directions import edit, principal_directions, sefa
from kerasgan.latents.mixing import mix
from kerasgan.latents.paths import interpolate
from kerasgan.latents.projection import Projection, project, pyramid_distance

__all__ = [
    "Projection",
    "edit",
    "interpolate",
    "mix",
    "principal_directions",
    "project",
    "pyramid_distance",
    "sefa",
]
