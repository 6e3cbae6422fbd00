"""The progress bar of a whole training."""

import math
import sys

import keras

from kerasgan.callbacks.clock import TRAINING
from kerasgan.callbacks.counting import images_seen


class Progress(keras.callbacks.Callback):
    """Keras' progress bar over the whole training, with images per second.

    Where output is no terminal, a line now and then instead. Neither speed nor
    what is left count the time of measurements.

    Args:
        total_images: Where the training ends.
        seconds: Between two updates; None is 0.5 on a terminal and else 10.
    """

    def __init__(self, total_images, seconds=None):
        super().__init__()
        self.total_images = total_images
        self._terminal = sys.stdout.isatty()
        self._seconds = seconds or (0.5 if self._terminal else 10.0)

    def on_train_begin(self, logs=None):
        self._first = self._seen = images_seen(self.model)
        self._last_step = -1
        self._started = self._shown = None
        self._bar = _Bar(
            # What is left: of the rest, the bar would take no time to be done.
            self.total_images - self._first,
            stateful_metrics=["images/s"],
            unit_name="image",
        )

    def on_train_batch_end(self, batch, logs=None):
        now = TRAINING.now()
        if self._started is None:
            # The first step compiles: it says nothing about the speed.
            self._seen = images_seen(self.model)
            self._started = self._shown = now
            self._counted_from = self._seen
        elif now - self._shown >= self._seconds:
            self._seen = images_seen(self.model)
            self._shown = now
            self._show(now, logs, finalize=False)

    def on_train_end(self, logs=None):
        self._seen = images_seen(self.model)
        if self._started is not None:
            self._show(TRAINING.now(), logs, finalize=True)

    def _show(self, now, logs, finalize):
        images = self._seen - self._counted_from
        speed = images / max(now - self._started, 1e-9)
        losses = [
            (name, float(value))
            for name, value in logs.items()
            if name.endswith("_loss")
        ]
        if self._terminal:
            self._bar.seconds_per_image = 1 / max(speed, 1e-9)
            self._bar.update(
                min(self._seen, self.total_images) - self._first,
                [*losses, ("images/s", round(speed))],
                finalize=finalize,
            )
            return
        left = max(self.total_images - self._seen, 0) / max(speed, 1e-9)
        print(
            f"{self._seen:>12,} of {self.total_images:,} images  "
            f"{speed:,.0f} images/s  {_clock(left)} left  "
            + "  ".join(f"{name} {value:.3f}" for name, value in losses),
            flush=True,
        )


class _Bar(keras.utils.Progbar):
    """Keras' bar, which is told the speed: it would count all that passes."""

    seconds_per_image = 0.0

    def _estimate_step_duration(self, current, now):
        return self.seconds_per_image


def _clock(seconds):
    minutes, seconds = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
