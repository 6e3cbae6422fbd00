"""What a training step computes and moves, as XLA counts it, on JAX.

XLA multiplies only what is there: a convolution's edges, where the kernel
hangs over the image, and the zeros between the pixels of a transposed one are
not counted. `matrix_work` counts by hand, from the traced step.
"""

import dataclasses
import math
import re

import jax
import keras
import numpy as np
from steps.cases import data_of

from kerasgan import gradients

_COLLECTIVES = (
    "all-reduce",
    "all-gather",
    "reduce-scatter",
    "all-to-all",
    "collective-permute",
)


@dataclasses.dataclass(frozen=True)
class Work:
    """What one call does on one device."""

    flops: float
    bytes: float  # Read and written, after XLA's fusion for this device.
    matrix_flops: float  # Of convolutions and matrix products alone.
    matrix_bytes: float  # Their factors and products, once each.
    temporary_bytes: float  # At the fullest moment, beside the arguments.

    def __sub__(self, other):
        return self._with(other, lambda mine, theirs: mine - theirs)

    def __mul__(self, number):
        return self._with(self, lambda mine, _: mine * number)

    def __truediv__(self, number):
        return self._with(self, lambda mine, _: mine / number)

    def _with(self, other, function):
        pairs = zip(
            dataclasses.astuple(self), dataclasses.astuple(other), strict=True
        )
        return Work(*(function(*pair) for pair in pairs))


def variables(model):
    """The model's variables as Keras' JAX trainer groups them."""
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def update_of(model, player):
    """One player's update alone, called as `train_step` is."""

    def update(data):
        rows = keras.tree.flatten(data)[0].shape[0]
        batch = model._empty_batch(rows)
        return model._update(
            player,
            batch,
            lambda part: model._part(data, player, batch, 0, part),
        )

    return lambda *arguments: gradients.run_step(model, update, arguments)


def work(function, model, data):
    """Compiles `function(state, data)` for one device -> `Work`."""
    traced = jax.jit(function).trace(_like(variables(model)), _like(data))
    compiled = traced.lower().compile()
    cost = compiled.cost_analysis()
    flops, moved = matrix_work(traced.jaxpr)
    return Work(
        flops=cost["flops"],
        bytes=cost["bytes accessed"],
        matrix_flops=flops,
        matrix_bytes=moved,
        temporary_bytes=compiled.memory_analysis().temp_size_in_bytes,
    )


def matrix_of(function, model, data):
    """Operations and bytes of `function(state, data)`: its `matrix_work`."""
    traced = jax.jit(function).trace(_like(variables(model)), _like(data))
    return matrix_work(traced.jaxpr)


def by_image_and_step(function, model, case, batch_size):
    """`Work` for each further image of a batch, and what a step adds to it.

    From batches of `batch_size` and twice as many: the work is linear in the
    batch.
    """
    once = work(function, model, data_of(case, batch_size))
    twice = work(function, model, data_of(case, 2 * batch_size))
    by_image = (twice - once) / batch_size
    return by_image, once - by_image * batch_size


def shared(case, batch_size):
    """A step whose batch all of JAX's devices share, as Keras has them do.

    Returns:
        The operations of one device, and {kind: (calls, bytes)} of what the
        devices tell each other; the bytes are those of one device's tensors.
    """
    distribution = keras.distribution.DataParallel()
    with distribution.scope():
        model = case.build()
        state = keras.tree.map_structure(
            lambda v: jax.ShapeDtypeStruct(
                v.shape, v.value.dtype, sharding=v.value.sharding
            ),
            variables(model),
        )
        data = keras.tree.map_structure(
            lambda x: jax.ShapeDtypeStruct(
                x.shape,
                x.dtype,
                sharding=distribution.get_data_layout(x.shape).backend_layout,
            ),
            data_of(case, batch_size),
        )
        compiled = jax.jit(model.train_step).lower(state, data).compile()
    return compiled.cost_analysis()["flops"], collectives(compiled.as_text())


def collectives(text):
    """Compiled HLO -> {kind: (calls, bytes)}."""
    found = {}
    for line in text.splitlines():
        kinds = "|".join(_COLLECTIVES)
        match = re.search(rf" = (.*?) ({kinds})(?:-start)?\(", line)
        if match:
            calls, moved = found.get(match[2], (0, 0))
            found[match[2]] = calls + 1, moved + _size(match[1])
    return found


def _size(types):
    """Bytes of an HLO type such as "(f32[4,3]{1,0}, s32[])"."""
    return sum(
        math.prod(map(int, filter(None, shape.split(","))))
        * int(re.sub(r"\D", "", kind) or 8)
        // 8
        for kind, shape in re.findall(r"(pred|[a-z]+\d+)\[([\d,]*)\]", types)
    )


def matrix_work(jaxpr):
    """Operations and bytes of all convolutions and matrix products.

    A conditional counts as its costliest branch. Multiplying and adding are
    two operations.
    """
    flops = moved = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in ("conv_general_dilated", "dot_general"):
            count = _convolution if name.startswith("conv") else _product
            flops += count(equation)
            tensors = [*equation.invars, *equation.outvars]
            moved += sum(t.aval.size * t.aval.dtype.itemsize for t in tensors)
            continue
        inner = [matrix_work(each) for each in _inside(equation)]
        if name == "cond":
            inner = [max(inner)]
        flops += sum(pair[0] for pair in inner)
        moved += sum(pair[1] for pair in inner)
    return flops, moved


def _inside(equation):
    """The programs that an equation calls."""
    for value in equation.params.values():
        several = value if isinstance(value, tuple | list) else [value]
        for each in several:
            if hasattr(each, "eqns") or hasattr(each, "jaxpr"):
                yield getattr(each, "jaxpr", each)


def _product(equation):
    (contracted, _), _ = equation.params["dimension_numbers"]
    factor = equation.invars[0].aval.shape
    common = math.prod(factor[axis] for axis in contracted)
    return 2 * common * equation.outvars[0].aval.size


def _convolution(equation):
    """2 x kernel x channels for each output, less what meets padding."""
    images, kernel = (v.aval.shape for v in equation.invars)
    parameters = equation.params
    numbers = parameters["dimension_numbers"]
    output = equation.outvars[0].aval.shape
    pairs = 1  # Of an input pixel and an output pixel that meet.
    for place, padding in enumerate(parameters["padding"]):
        pairs *= _meetings(
            images[numbers.lhs_spec[2 + place]],
            kernel[numbers.rhs_spec[2 + place]],
            output[numbers.out_spec[2 + place]],
            padding=padding[0],
            stride=parameters["window_strides"][place],
            between=parameters["lhs_dilation"][place],
            apart=parameters["rhs_dilation"][place],
        )
    rows = output[numbers.out_spec[0]]
    channels = output[numbers.out_spec[1]] * kernel[numbers.rhs_spec[1]]
    return 2 * rows * channels * pairs // parameters["batch_group_count"]


def _meetings(size, kernel, outputs, *, padding, stride, between, apart):
    """How often a kernel's tap meets a pixel, along one axis."""
    places = stride * np.arange(outputs)[:, None]
    places = places + apart * np.arange(kernel)[None] - padding
    inside = (places >= 0) & (places <= between * (size - 1))
    return int(np.sum(inside & (places % between == 0)))


def _like(tensors):
    """Shapes and types, of arrays or variables."""
    return keras.tree.map_structure(
        lambda v: jax.ShapeDtypeStruct(v.shape, v.dtype), tensors
    )
