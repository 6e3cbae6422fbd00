"""Classification accuracy scores: are generated images as good as real ones?

Ravuri and Vinyals 2019, https://arxiv.org/abs/1905.10887 (train on generated,
test on real), and its converse, Shmelkov et al. 2018 (GAN-test),
https://arxiv.org/abs/1807.09499.
"""

import typing

import numpy as np

from kerasgan.features.classifier import train_classifier


class ClassificationScores(typing.NamedTuple):
    """Shares of images classified correctly, in [0, 1]."""

    synthetic_to_real: float  # CAS: trained on generated, tested on real.
    real_to_synthetic: float  # Trained on real, tested on generated.
    real_to_real: float  # What is to be compared with.
    gain: float  # By which adding generated images betters `real_to_real`.


def classification_scores(
    *,
    real,
    fake,
    held_out,
    classes,
    seeds=(0, 1, 2),
    steps=500,
    progress=None,
):
    """Labelled images -> scores, their means and deviations over seeds.

    Trains three small classifiers for each seed.

    Args:
        real, fake, held_out: Pairs (uint8 [n, h, w, c], int [n]). Classifiers
            are trained on the first two and tested on the third.
        classes: How many there are.
        seeds: Of the classifiers.
        steps: Of each training.
        progress: A function (what, done, total), or None.

    Returns:
        Two `ClassificationScores`: means and standard deviations (0 of one
        seed, else divided by n - 1).

    Raises:
        ValueError: There are no labels, or not one for each image.
    """
    _check(real=real, fake=fake, held_out=held_out)
    progress = progress or (lambda what, done, total: None)
    joined = [np.concatenate(pair) for pair in zip(real, fake, strict=True)]
    scores = []
    for done, seed in enumerate(seeds):
        progress("training classifiers", done, len(seeds))
        of_fake, of_real, of_both = (
            train_classifier(images, labels, classes, seed=seed, steps=steps)
            for images, labels in (fake, real, joined)
        )
        real_to_real = of_real.accuracy(*held_out)
        scores.append(
            ClassificationScores(
                synthetic_to_real=of_fake.accuracy(*held_out),
                real_to_synthetic=of_real.accuracy(*fake),
                real_to_real=real_to_real,
                gain=of_both.accuracy(*held_out) - real_to_real,
            )
        )
    progress("training classifiers", len(seeds), len(seeds))
    ddof = min(1, len(seeds) - 1)
    return (
        ClassificationScores(*np.mean(scores, axis=0).tolist()),
        ClassificationScores(*np.std(scores, axis=0, ddof=ddof).tolist()),
    )


def _check(**sides):
    """Raises where images have no labels, or not one for each."""
    for name, (images, labels) in sides.items():
        if labels is None or len(images) != len(labels):
            received = "none" if labels is None else f"{len(labels)}"
            raise ValueError(
                f"`{name}` must be images with a label each. Received: "
                f"{received} for {len(images)} images"
            )
