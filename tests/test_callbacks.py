"""What callbacks count where the device reports once in several steps."""

import numpy as np
import pytest

from kerasgan import callbacks


class _Counted:
    """A model in training, as callbacks see it."""

    images_per_step = 10
    images_seen = None


def test_nan_is_placed_by_steps_and_not_by_reports(monkeypatch):
    seen = iter([100, 160])
    for module in (callbacks.logs, callbacks.counting):
        monkeypatch.setattr(module, "images_seen", lambda model: next(seen))
    watch = callbacks.StopOnNaN(every_images=10**6)
    watch.set_model(_Counted())
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    # Executions of three steps: the numbers are those of the last of each.
    watch.on_train_batch_end(2, {"loss": np.float32(1)})
    watch.on_train_batch_end(5, {"loss": np.float32(np.nan)})
    with pytest.raises(FloatingPointError, match="step 16, at 160 images"):
        watch.check()
