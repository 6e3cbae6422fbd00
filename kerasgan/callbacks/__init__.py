"""What watches a training: progress, logs, pictures, checkpoints, its end.

All of them are Keras callbacks for `fit` of an `AdversarialModel`. They count
in images, and leave what a step logs on the device until it is wanted.
"""

from kerasgan.callbacks.counting import EveryImages, images_seen
from kerasgan.callbacks.evaluation import Evaluation
from kerasgan.callbacks.keeping import Checkpoints, StopOnSignal
from kerasgan.callbacks.logs import MetricsLog, StopOnNaN
from kerasgan.callbacks.progress import Progress
from kerasgan.callbacks.samples import SampleGrid

__all__ = [
    "Checkpoints",
    "Evaluation",
    "EveryImages",
    "MetricsLog",
    "Progress",
    "SampleGrid",
    "StopOnNaN",
    "StopOnSignal",
    "images_seen",
]
