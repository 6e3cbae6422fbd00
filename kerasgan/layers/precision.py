"""Which layers compute in which precision."""

import contextlib

import keras


@contextlib.contextmanager
def policy_of(model):
    """Layers made in this context take the dtype policy of `model`.

    Keras gives a new layer the global policy, so that `dtype=` of a model, or
    the one it was saved with, would not reach the layers inside it.
    """
    outer_policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(model.dtype_policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(outer_policy)


def output_dtype():
    """float32 for a network's last layers, or float64 if all of it is."""
    return at_least_float32(keras.config.dtype_policy().compute_dtype)


def at_least_float32(dtype):
    """float16 and bfloat16 -> float32; float32 and float64 stay."""
    return keras.backend.result_type(dtype, "float32")
