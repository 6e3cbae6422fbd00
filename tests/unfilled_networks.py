"""Networks of published sizes without their numbers, to count and compare."""

import keras

from kerasgan import presets


def unfilled(name):
    """(generator, discriminator) of a preset, whose weights have shapes only.

    Some have a hundred million, which would take seconds to draw.
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            return presets.get(name)
    finally:
        # Or the next network that is built fills these ones too.
        keras.utils.clear_session(free_memory=False)
