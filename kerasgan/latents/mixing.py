"""Style mixing: Karras et al. 2019, section 3.1 and figure 3.

https://arxiv.org/abs/1812.04948
"""

import numpy as np


def mix(
    model,
    coarse_latents,
    fine_latents,
    from_layer=None,
    labels=None,
    truncation=None,
    truncation_center="all",
):
    """Every mixture of two sets of latents -> images [rows, columns, ...].

    Row i has the coarse layers' styles from coarse latents i, column j the
    others' from fine latents j.

    Args:
        model: A `GANModel` whose generator has styles.
        coarse_latents: [rows, latent_size], or styles
            [rows, style_count, style_size], such as a projection's.
        fine_latents: [columns, latent_size], or styles.
        from_layer: The first layer that follows the fine latents, from 1 to
            style_count - 1; None is the middle one.
        labels: One for all, or a pair: those of the coarse latents, and those
            of the fine ones.
        truncation, truncation_center: As in `GANModel.decode`.

    Raises:
        ValueError: The generator has no styles, or no such layer.
    """
    model.check_styles()
    count = model.averaged_generator.style_count
    from_layer = count // 2 if from_layer is None else from_layer
    if not 1 <= from_layer < count:
        raise ValueError(
            f"`from_layer` must be from 1 to {count - 1}, for there are "
            f"{count} layers with styles. Received: from_layer={from_layer!r}"
        )
    pair = labels if isinstance(labels, tuple) else (labels, labels)
    coarse, fine = (
        styles_of(model, latents, own, truncation, truncation_center)
        for latents, own in zip(
            (coarse_latents, fine_latents), pair, strict=True
        )
    )
    rows, columns = len(coarse), len(fine)
    coarse = np.repeat(coarse, columns, axis=0)
    fine = np.tile(fine, (rows, 1, 1))
    styles = np.concatenate(
        [coarse[:, :from_layer], fine[:, from_layer:]], axis=1
    )
    images = model.synthesize(styles)
    return images.reshape(rows, columns, *images.shape[1:])


def styles_of(
    model, latents, labels=None, truncation=None, truncation_center="all"
):
    """The styles of latents [n, latent_size], or styles, truncated."""
    latents = np.asarray(latents, "float32")
    make = model.truncate_styles if latents.ndim == 3 else model.styles
    return make(
        latents,
        labels,
        truncation=truncation,
        truncation_center=truncation_center,
    )
