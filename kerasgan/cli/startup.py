"""Starts the backend without its notes on how it was compiled."""

import os
import signal
import sys
import tempfile


def import_backend(strategy=None):
    """Imports Keras and its backend; what they say is shown if they fail.

    Args:
        strategy: Its name: one of several machines is made before any tensor.

    Returns:
        The `Strategy`.

    TensorFlow writes a dozen lines to stderr before any of its settings can
    stop it (tensorflow/tensorflow#100442). They would be the first thing that
    a newcomer sees. Which devices were found, training says itself.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    # An interrupt in the middle can be lost in a callback of the backend's:
    # it is kept until the end.
    interrupts = []
    before = signal.signal(signal.SIGINT, lambda *_: interrupts.append(1))
    try:
        made = _import_silently(strategy)
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt
    return made


def _import_silently(strategy):
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            import keras

            import kerasgan.data  # noqa: F401  TensorFlow, also beside JAX.
            from kerasgan import strategies

            made = strategies.get(strategy)
            keras.ops.zeros(())  # Devices speak up with the first tensor.
        except ValueError:  # It says itself what is wrong.
            raise
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    return made
