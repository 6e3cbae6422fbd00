"""Images seen, counted without asking the device at each step."""

import keras

from kerasgan import devices


class EveryImages(keras.callbacks.Callback):
    """Calls `fire(images_seen)` each time that so many images have passed.

    Args:
        every_images: The distance. What fires is the first step that reaches
            a multiple of it, so that a resumed training fires as before.
    """

    def __init__(self, every_images):
        super().__init__()
        if every_images < 1:
            raise ValueError(
                "`every_images` must be positive. "
                f"Received: every_images={every_images}"
            )
        self.every_images = every_images

    def fire(self, images_seen):
        """To be overridden."""

    def on_train_begin(self, logs=None):
        self._seen = images_seen(self.model)
        self._last_step = -1

    def on_epoch_begin(self, epoch, logs=None):
        self._last_step = -1

    def on_train_batch_end(self, batch, logs=None):
        before = self._seen
        per_step = self.model.images_per_step
        if per_step is None:
            self._seen = images_seen(self.model)
        else:  # Counted here: to ask the device would stop it each time.
            self._seen += per_step * (batch - self._last_step)
        self._last_step = batch
        if self._seen // self.every_images > before // self.every_images:
            self._seen = images_seen(self.model)
            self.fire(self._seen)


def images_seen(model):
    """The count of a model, also inside of `fit`."""
    # JAX's trainer keeps the state to itself until it is asked.
    sync = getattr(model, "jax_state_sync", None)
    if sync is not None:
        sync()
    return devices.integer(model.images_seen)
