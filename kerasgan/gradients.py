"""Derivatives on TensorFlow and JAX, and the state that goes with them.

An objective runs as a pure function: inside a `keras.StatelessScope`, so that
what it writes (batch norm's statistics, say) comes back as values instead of
happening. Beside this file, `devices.py` and `strategies.py` name a backend.
"""

import keras
from keras import ops


def of_inputs(function, inputs):
    """The gradient of sum(function(inputs)) with respect to inputs.

    Where `function` treats examples independently, row i is the gradient of
    output i. Can be differentiated again, with respect to variables too.

    Args:
        function: Inputs [batch, ...] -> outputs of any shape.
        inputs: A tensor, or several as a tuple.

    Returns:
        The gradient, with the structure of `inputs`.
    """

    def total(inputs):
        outputs = function(inputs)
        wide = keras.backend.result_type(outputs.dtype, "float32")
        return ops.sum(ops.cast(outputs, wide))

    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(total)(inputs)
    import tensorflow as tf

    inputs = keras.tree.map_structure(tf.convert_to_tensor, inputs)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = total(inputs)
    return tape.gradient(outputs, inputs, unconnected_gradients="zero")


def mean_over(parts, evaluate):
    """The mean of what `of_variables` finds for each part of a batch.

    One after another, so that memory holds the activations of one part.
    Values that are no floats are those of the last.

    Args:
        parts: How many.
        evaluate: (index of a part, tensors to wait for) -> `of_variables`' result.
    """
    found, slopes, writes = evaluate(0, ())
    if parts == 1:
        return found, slopes, writes
    variables = [variable for variable, _ in writes]
    total = found, slopes, [value for _, value in writes]
    for part in range(1, parts):
        found, slopes, writes = evaluate(part, total[1])
        values = [value for _, value in writes]
        total = _map_floats(ops.add, total, (found, slopes, values))
    found, slopes, values = _map_floats(lambda x: x / parts, total)
    return found, slopes, [*zip(variables, values, strict=True)]


def _map_floats(function, *nests):
    """`function` of the floats in nests of tensors; of others, the last."""
    return keras.tree.map_structure(
        lambda *x: function(*x) if "float" in str(ops.dtype(x[0])) else x[-1],
        *nests,
    )


def of_variables(
    objective,
    variables,
    *,
    state,
    temporary=(),
    scale=1.0,
    wait_for=(),
    jit_compile=False,
):
    """The gradients of a scalar objective, which may write to variables.

    Args:
        objective: A function without arguments -> (scalar loss, logs).
        variables: Differentiate with respect to these.
        state: Every variable that the objective may read or write.
        temporary: Pairs (variable, value) that hold while it runs; what it
            writes to these variables is dropped.
        scale: By this the loss is multiplied while slopes are computed, so
            that they are not lost in float16; none of it is in the result.
        wait_for: Tensors that are computed before it begins.
        jit_compile: Compile this alone by XLA, on TensorFlow: what a replica
            does by itself, where the whole step cannot be compiled.

    Returns:
        Loss and logs, the gradients in the order of `variables`, and the
        writes, a list of (variable, new value): none of them has happened.
    """
    ids = {id(variable) for variable in variables}
    others = [v for v in state if id(v) not in ids]
    watched, values = _once_known(
        wait_for, ([_value(v) for v in variables], [_value(v) for v in others])
    )
    fixed = [*zip(others, values, strict=True)]

    def evaluate(values):
        mapping = [*zip(variables, values, strict=True), *fixed, *temporary]
        with keras.StatelessScope(mapping) as scope:
            before = [scope.get_current_value(v) for v, _ in fixed]
            loss, logs = objective()
            after = [scope.get_current_value(v) for v, _ in fixed]
        written = {
            index: new
            for index, (old, new) in enumerate(zip(before, after, strict=True))
            if new is not old
        }
        return scale * loss, (loss, logs, written)

    (loss, logs, written), slopes = _auxiliary_and_grad(
        evaluate, watched, jit_compile
    )
    if scale != 1.0:
        slopes = [slope / scale for slope in slopes]
    writes = [(fixed[index][0], value) for index, value in written.items()]
    return (loss, logs), slopes, writes


def _value(variable):
    """A tensor: a compiled function cannot choose a replica's variable."""
    if keras.backend.backend() == "jax":
        return variable.value
    import tensorflow as tf

    return tf.convert_to_tensor(variable.value)


def _auxiliary_and_grad(function, values, jit_compile):
    if keras.backend.backend() == "jax":
        import jax

        slopes, auxiliary = jax.grad(function, has_aux=True)(values)
        return auxiliary, slopes
    import tensorflow as tf

    def of_tensors(values):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            loss, auxiliary = function(values)
        slopes = tape.gradient(loss, values, unconnected_gradients="zero")
        # Those of an embedding come as a few of its rows.
        return auxiliary, [tf.convert_to_tensor(slope) for slope in slopes]

    if jit_compile:
        of_tensors = tf.function(of_tensors, jit_compile=True, autograph=False)
    return of_tensors(values)


def _once_known(earlier, values):
    """The values, which nobody can use before `earlier` are computed.

    By a sum with 0 times them, which is NaN for NaN, so that XLA leaves it in;
    TensorFlow leaves the order. Barriers and control dependencies are lost on
    the way through XLA to a CPU; loops, in which its convolutions are 25 times
    slower, are not.
    """
    if not earlier:
        return values
    zero = sum(0.0 * ops.reshape(x, (-1,))[0] for x in earlier)
    return _map_floats(lambda x: x + ops.cast(zero, x.dtype), values)


def without_writes(network, temporary=()):
    """A scope in which the network runs as it is, and its writes are dropped.

    For passes beside the main one (a penalty's), and for the branches of a
    conditional, out of which JAX lets no traced value escape.

    Args:
        temporary: Pairs (variable, value): values to run with instead. They
            may be differentiated.
    """
    return keras.StatelessScope([*as_it_is(network), *temporary])


def as_it_is(network):
    """Pairs (variable, value) of a network, for a `keras.StatelessScope`.

    A scope inside another knows only its own variables: where one will be
    opened, values of further networks are read before the outer one is.
    """
    return [(v, v.value) for v in network.variables]


def run_step(model, step, arguments):
    """Calls `step(data)` as Keras' trainer of this backend expects it.

    TensorFlow's trainer passes data, and variables change in place. JAX's
    passes the values of all variables beside it and wants the new ones back.
    """
    if keras.backend.backend() != "jax":
        import tensorflow as tf

        # Keras fetches the data in the same graph. What a step does without
        # looking at them (counting) must not happen when they have run out.
        # `train_on_batch` passes None for labels that it was not given.
        fetched = [x for x in keras.tree.flatten(arguments) if x is not None]
        with tf.control_dependencies(fetched):
            return step(*arguments)
    values, data = arguments
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        # Testing passes no optimizer.
        *([model.optimizer.variables] if len(values) == 4 else []),
        model.metrics_variables,
    )
    mapping = [
        pair
        for group, group_values in zip(groups, values, strict=True)
        for pair in zip(group, group_values, strict=True)
    ]
    with keras.StatelessScope(mapping) as scope:
        logs = step(data)
    state = tuple(
        [scope.get_current_value(variable) for variable in group]
        for group in groups
    )
    return logs, state
