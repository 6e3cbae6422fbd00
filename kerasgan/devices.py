"""What the hardware asks for: replicas, and writes that all of them agree on.

Beside `gradients.py`, the only file that names a backend.
"""

import contextlib

import keras


def description(model):
    """On what a model is trained, and how: "jax (gpu:0), XLA, bfloat16"."""
    found = ", ".join(keras.distribution.list_devices())
    how = "XLA" if model.jit_compile else "no XLA"
    return f"{keras.backend.backend()} ({found}), {how}, {model.compute_dtype}"


def compiles(jit_compile):
    """Whether XLA compiles a step; "auto" is where that pays.

    On GPUs and TPUs. Not on a CPU, where XLA is no faster, and hundreds of
    times slower at the gradient of a grouped convolution; nor around the
    replicas of TensorFlow, where it cannot. JAX knows no other way.
    """
    if jit_compile != "auto":
        return jit_compile
    if keras.backend.backend() == "jax":
        return True
    import tensorflow as tf

    kinds = {device.device_type for device in tf.config.get_visible_devices()}
    return bool(kinds & {"GPU", "TPU"}) and not tf.distribute.has_strategy()


@contextlib.contextmanager
def full_float32():
    """Within it, products of float32 keep all of its digits.

    GPUs of today shorten their factors to 10 bits (TF32), and TPUs to 8, unless
    they are told: fine for training, and wrong in the third digit of an FID.
    """
    if keras.backend.backend() == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
        return
    from tensorflow import config

    before = config.experimental.tensor_float_32_execution_enabled()
    config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        config.experimental.enable_tensor_float_32_execution(before)


def replica_count():
    """How many replicas share a step. JAX sees one global batch: 1."""
    if keras.backend.backend() == "jax":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """Which replica this is: an integer, or an integer tensor []."""
    if replica_count() == 1:
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    # None while a model is built, outside of a replica.
    return 0 if context is None else context.replica_id_in_sync_group


def total(rows):
    """This replica's number of rows -> that of all replicas.

    An integer where the batch has a fixed size, the same on each of them.
    """
    if isinstance(rows, int):
        return rows * replica_count()
    if replica_count() == 1:
        return rows
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, rows)


def at_least_one(rows):
    """The number of rows; where a replica finds it has none, an error."""
    if isinstance(rows, int) or replica_count() == 1:
        return rows
    import tensorflow as tf

    check = tf.debugging.assert_positive(
        rows,
        message="Every replica must have a row of each batch: use batches of "
        "one size, by `drop_remainder=True`.",
    )
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(rows)


def assign(pairs):
    """Writes (variable, value) pairs; floats become the mean over replicas.

    `variable.assign` would do on one replica. On several, TensorFlow refuses
    it for a variable that was made without a rule of aggregation, as most are.
    """
    if replica_count() == 1:
        for variable, value in pairs:
            variable.assign(value)
        return
    import tensorflow as tf

    variables = [variable.value for variable, _ in pairs]
    values = [
        tf.cast(value, variable.dtype)
        for variable, (_, value) in zip(variables, pairs, strict=True)
    ]
    tf.distribute.get_replica_context().merge_call(
        _assign_across_replicas, args=(variables, values)
    )


def _assign_across_replicas(strategy, variables, values):
    import tensorflow as tf

    for variable, value in zip(variables, values, strict=True):
        reduction = tf.distribute.ReduceOp.MEAN
        if variable.dtype.is_floating:
            value = strategy.extended.reduce_to(reduction, value, variable)
        strategy.extended.update(
            variable, lambda v, new: v.assign(new), args=(value,)
        )
