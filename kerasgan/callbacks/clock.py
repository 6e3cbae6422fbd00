"""The time of training, which stands still while something else is done."""

import contextlib
import time


class Clock:
    """Gives seconds as `time.monotonic` does, without what was paused."""

    def __init__(self):
        self._paused = 0.0

    def now(self):
        return time.monotonic() - self._paused

    @contextlib.contextmanager
    def paused(self):
        """A context that takes no time."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._paused += time.monotonic() - started


# One for all callbacks, which know nothing of each other.
TRAINING = Clock()
