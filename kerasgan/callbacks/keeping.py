"""Checkpoints in time, and an orderly end when one is asked for."""

import pathlib
import signal
import time

import keras

from kerasgan.callbacks.counting import images_seen
from kerasgan.training import checkpoints


class Checkpoints(keras.callbacks.Callback):
    """Writes checkpoints as time passes, and one at the end.

    Args:
        folder: Where; the newest two are kept.
        every_seconds: Between two of them.
        watch: A `StopOnNaN` that looks first, so that nothing broken is kept.
        restore: Go on from the newest checkpoint when training begins. The
            data then start from their beginning; to resume within them too,
            restore before the data are built, as `kerasgan train` does.
    """

    def __init__(self, folder, every_seconds=30.0, watch=None, restore=True):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.every_seconds = every_seconds
        self.watch = watch
        self.restore = restore

    def on_train_begin(self, logs=None):
        if self.restore:
            notes = checkpoints.restore(self.model, self.folder)
            if notes is not None:
                print(
                    f"resuming at {images_seen(self.model):,} images, from the "
                    "start of the data"
                )
        self._written = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._written >= self.every_seconds:
            self.write()

    def on_train_end(self, logs=None):
        self.write()

    def write(self):
        """Writes one now."""
        if self.watch is not None:
            self.watch.check()
        images_seen(self.model)  # Fetches the state, on JAX.
        checkpoints.save(self.model, self.folder)
        self._written = time.monotonic()


class StopOnSignal(keras.callbacks.Callback):
    """Ends training after the step in which Ctrl-C or SIGTERM arrives.

    A second one ends the program at once.

    Args:
        any_worker: Called after each step with whether a signal arrived ->
            whether to stop: for several processes, which all stop after the
            same step. Where it arrived elsewhere, it counts as a SIGTERM.
    """

    def __init__(self, any_worker=bool):
        super().__init__()
        self.received = None
        self._any_worker = any_worker
        self._before = {}

    def on_train_begin(self, logs=None):
        self._before = {
            number: signal.signal(number, self._receive)
            for number in (signal.SIGINT, signal.SIGTERM)
        }

    def on_train_batch_end(self, batch, logs=None):
        if self._any_worker(self.received is not None):
            self.received = self.received or signal.SIGTERM.name
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.reset()

    def reset(self):
        """Gives the signals back to whom they belonged."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number, frame):
        self.received = signal.Signals(number).name
        self.reset()
