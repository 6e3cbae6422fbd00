"""What the hardware asks for: replicas, and writes that all of them agree on.

Beside it, `gradients.py` and `strategies.py` name a backend.
"""

import contextlib

import keras
from keras import ops


def description(model):
    """On what a model is trained, and how: "jax (gpu:0), XLA, bfloat16"."""
    found = ", ".join(keras.distribution.list_devices())
    how = "XLA" if model.uses_xla or "tpu:" in found else "no XLA"
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


def compiled(function, variables=()):
    """A function of arrays, compiled once for each shape that it is given.

    Args:
        variables: What it reads beside its arguments, as they are at each
            call. It writes to none.
    """
    if keras.backend.backend() == "jax":
        import jax

        @jax.jit
        def run(values, *arguments):
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(mapping):
                return function(*arguments)

        return lambda *arguments: run([v.value for v in variables], *arguments)
    import tensorflow as tf

    # The second shape makes it general: there are two traces at most.
    return tf.function(function, autograph=False, reduce_retracing=True)


def integer(variable):
    """A variable's value: a replicated one has no `int` before it is copied."""
    return int(ops.copy(variable.value))


def replica_count():
    """How many replicas share a step. JAX sees one global batch: 1."""
    if keras.backend.backend() == "jax":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def has_strategy():
    """Whether TensorFlow runs what is built here on replicas, or one."""
    if keras.backend.backend() == "jax":
        return False
    import tensorflow as tf

    return tf.distribute.has_strategy()


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


def spread(rows):
    """A tensor [batch, ...], laid out over the devices as data are.

    Under a `keras.distribution`, JAX divides among devices what is made of
    data. What is drawn for each row must be told to follow, or each device
    computes all of it.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return rows
    if rows.shape[0] % distribution.device_mesh.devices.size:
        return rows  # Does not divide: `compile` traces two rows, say.
    layout = distribution.get_data_layout(rows.shape)
    return keras.distribution.distribute_tensor(rows, layout)


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


def has_fused_batch_norm(dtype):
    """Whether `fused_batch_norm` takes tensors of this dtype here.

    TensorFlow's kernel knows one replica and float32. XLA, and so JAX, fuses
    the formula by itself.
    """
    if keras.backend.backend() == "jax" or replica_count() > 1:
        return False
    return keras.backend.standardize_dtype(dtype) == "float32"


def fused_batch_norm(x, gain, bias, epsilon):
    """x [n, ..., c] -> gain * normalised x + bias, of the batch; its moments.

    Its second derivatives are exact, unlike those of `tf.nn.moments`.

    Args:
        gain, bias: [c].

    Returns:
        The output, like x; the mean [c]; the unbiased variance [c].
    """
    import tensorflow as tf

    shape = tf.shape(x)
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(x, (-1, 1, 1, x.shape[-1])) if len(x.shape) != 4 else x,
        scale=gain,
        offset=bias,
        mean=[],
        variance=[],
        epsilon=epsilon,
        is_training=True,
    )
    return tf.reshape(y, shape), mean, variance


def mean(x, axes):
    """The mean over axes, of the rows of all replicas: differentiable.

    Args:
        axes: The first is the batch's.
    """
    of_replica = ops.mean(x, axis=axes)
    context = _replica_context()
    if context is None:
        return of_replica
    rows = ops.shape(x)[0]
    share = ops.cast(rows, x.dtype) / ops.cast(total(rows), x.dtype)
    return context.all_reduce("SUM", of_replica * share)


def averaged(pairs):
    """(variable, value) pairs -> the same, floats as means over replicas."""
    context = _replica_context()
    if context is None or not pairs:
        return pairs
    floats = [
        index
        for index, (variable, _) in enumerate(pairs)
        if keras.backend.is_float_dtype(variable.dtype)
    ]
    values = [value for _, value in pairs]
    means = context.all_reduce("MEAN", [values[index] for index in floats])
    for index, value in zip(floats, means, strict=True):
        values[index] = value
    return [(v, value) for (v, _), value in zip(pairs, values, strict=True)]


def assign(pairs):
    """Writes (variable, value) pairs, which all replicas agree on.

    `variable.assign` would do on one replica. On several, TensorFlow refuses
    it for a variable that was made without a rule of aggregation, as most are.
    """
    context = _replica_context()
    if context is None:
        for variable, value in pairs:
            variable.assign(value)
        return
    import tensorflow as tf

    variables = [variable.value for variable, _ in pairs]
    values = [
        tf.cast(value, variable.dtype)
        for variable, (_, value) in zip(variables, pairs, strict=True)
    ]
    context.merge_call(_assign_on_replicas, args=(variables, values))


def reported(logs):
    """{name: scalar} -> as Keras' trainer reduces it to the replicas' mean.

    Of several workers, it means over the first axis, and a scalar has none. Of
    a TPU's cores, it takes the first one's.
    """
    if _in_several_processes():
        return {name: ops.reshape(value, (1,)) for name, value in logs.items()}
    context = _replica_context()
    if context is None or not _on_tpu(context.strategy):
        return logs
    means = context.all_reduce("MEAN", list(logs.values()))
    return dict(zip(logs, means, strict=True))


@contextlib.contextmanager
def alone():
    """Within it, batches are not shared among JAX's devices.

    Those could share none that their number does not divide.
    """
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _replica_context():
    """TensorFlow's, where it is one of several replicas; else None."""
    if replica_count() == 1:
        return None
    import tensorflow as tf

    # None as well while a model is built, outside of a replica.
    return tf.distribute.get_replica_context()


def _on_tpu(strategy):
    import tensorflow as tf

    return isinstance(strategy, tf.distribute.TPUStrategy)


def _in_several_processes():
    if keras.backend.backend() == "jax":
        return False
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    return isinstance(
        strategy, tf.distribute.MultiWorkerMirroredStrategy
    ) and bool(strategy.cluster_resolver.cluster_spec().as_dict())


def _assign_on_replicas(strategy, variables, values):
    for variable, value in zip(variables, values, strict=True):
        strategy.extended.update(
            variable, lambda v, new: v.assign(new), args=(value,)
        )
