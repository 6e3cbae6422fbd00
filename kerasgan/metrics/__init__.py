"""Distances between what is real and what was generated.

Pure functions take features or images as arrays or tensors, compute in float64
and give numbers; `real=` and `fake=` are keywords, so that precision never
becomes recall. `protocols` gives numbers names that say how they were made,
and `Evaluator` makes records of them.
"""

import importlib

# Name -> its file here; imported when it is first used.
_NAMES = {
    "ClassificationScores": "classification",
    "Evaluator": "evaluation",
    "Moments": "frechet",
    "Record": "records",
    "Statistics": "statistics",
    "authenticity": "neighbours",
    "classification_scores": "classification",
    "clip_mmd": "kernel",
    "density_coverage": "neighbours",
    "evaluate": "evaluation",
    "frechet_distance": "frechet",
    "frechet_distance_infinity": "frechet",
    "frechet_distance_of_moments": "frechet",
    "inception_score": "scores",
    "kernel_distance": "kernel",
    "kernel_distance_unbiased": "kernel",
    "lpips": "perceptual",
    "memorisation": "memorising",
    "mode_coverage": "modes",
    "moments": "frechet",
    "ms_ssim": "similarity",
    "ms_ssim_diversity": "similarity",
    "nearest_neighbours": "memorising",
    "perceptual_path_length": "path_length",
    "prdc": "neighbours",
    "precision_recall": "neighbours",
    "psnr": "similarity",
    "realism": "neighbours",
    "sliced_wasserstein": "wasserstein",
    "progan_ms_ssim": "similarity",
    "ssim": "similarity",
    "stacked_mode_coverage": "modes",
    "vendi_score": "diversity",
}

__all__ = [*_NAMES]


def __getattr__(name):
    if name in _NAMES:
        module = importlib.import_module(f"kerasgan.metrics.{_NAMES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'kerasgan.metrics' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
