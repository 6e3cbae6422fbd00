"""Arrays under official keys, and how they become variables of ours."""

import re

import numpy as np

REQUIRED = object()  # In place of a default.


class State:
    """What one official network holds: each array is used exactly once.

    Args:
        arrays: {official key: array}.
        name: Whose they are, for errors.
        ignored: Patterns of keys that say nothing about the network, such as
            counters.
    """

    def __init__(self, arrays, name="a network", ignored=()):
        self.name = name
        self._arrays = {
            key: np.asarray(array)
            for key, array in arrays.items()
            if not any(re.fullmatch(pattern, key) for pattern in ignored)
        }
        self._used = set()
        # {key: (variable, convert)}: what gradients are compared by.
        self.assigned = {}

    def __contains__(self, key):
        return key in self._arrays

    def take(self, key):
        """The array under a key, which counts as used."""
        if key not in self._arrays:
            raise ValueError(
                f"The checkpoint must hold {key!r} of {self.name}. Received: "
                f"{len(self._arrays)} others. Is it of another source, or of "
                "a network with other settings?"
            )
        self._used.add(key)
        return self._arrays[key]

    def assign(self, key, variable, convert=np.asarray):
        """Gives a variable what `convert` makes of the array under a key.

        Several, as a tuple, where it makes several arrays.
        """
        array = self.take(key)
        several = isinstance(variable, tuple)
        variables = variable if several else (variable,)
        try:
            values = convert(array)
        except (ValueError, IndexError) as error:
            raise self._misshapen(key, array.shape, variables) from error
        values = tuple(values) if several else (values,)
        if [x.shape for x in values] != [tuple(v.shape) for v in variables]:
            raise self._misshapen(key, array.shape, variables)
        for one, value in zip(variables, values, strict=True):
            one.assign(value)
        self.assigned[key] = (variable, convert)

    def check(self, key, expected, tolerance=1e-6):
        """Raises if a fixed array is not what our network computes with."""
        array = self.take(key)
        if array.shape != expected.shape or not np.allclose(
            array, expected, rtol=0, atol=tolerance * np.abs(expected).max()
        ):
            raise ValueError(
                f"{key!r} of {self.name} must be as the configuration has it, "
                f"{expected.tolist()}. Received: {array.tolist()}"
            )

    def check_finished(self):
        """Raises if an array was not used."""
        left = sorted(set(self._arrays) - self._used)
        if left:
            shown = ", ".join(left[:5]) + (", ..." if len(left) > 5 else "")
            raise ValueError(
                f"The checkpoint must hold what {self.name} has and nothing "
                f"else. Received: {len(left)} keys too many: {shown}"
            )

    def _misshapen(self, key, shape, variables):
        wanted = " and ".join(str(tuple(v.shape)) for v in variables)
        return ValueError(
            f"{key!r} of {self.name} must become {wanted}. "
            f"Received: shape={tuple(shape)}"
        )


def hwio(array):
    """PyTorch's kernels [out, in, h, w] -> [h, w, in, out].

    Transposed convolutions' [in, out, h, w] -> [h, w, out, in] as well, as
    Keras has those; neither is flipped.
    """
    return array.transpose(2, 3, 1, 0)


def places_last(size, channels):
    """Converts what a dense layer makes for a grid: [c * h * w, n] or [c * h * w].

    PyTorch's grids are channel by channel, ours place by place.

    Returns:
        A function: the array -> [n, h * w * c], or [h * w * c].
    """
    height, width = size

    def convert(array):
        grid = array.reshape(channels, height, width, -1)
        rows = grid.transpose(3, 1, 2, 0).reshape(grid.shape[-1], -1)
        return rows if array.ndim == 2 else rows[0]

    return convert


def places_first(size, channels):
    """Converts what a dense layer reads of a grid: [n, c * h * w].

    Returns:
        A function: the array -> [h * w * c, n].
    """
    height, width = size

    def convert(array):
        grid = array.reshape(-1, channels, height, width)
        return grid.transpose(2, 3, 1, 0).reshape(-1, len(grid))

    return convert


def assign_convolution(state, key, layer):
    """`<key>.weight`, and `<key>.bias` where the layer has one."""
    state.assign(f"{key}.weight", layer.kernel, hwio)
    if layer.use_bias:
        state.assign(f"{key}.bias", layer.bias)


def assign_norm(state, key, layer):
    """PyTorch's `BatchNorm2d`."""
    state.assign(f"{key}.weight", layer.gain)
    state.assign(f"{key}.bias", layer.bias)
    state.assign(f"{key}.running_mean", layer.moving_mean)
    state.assign(f"{key}.running_var", layer.moving_variance)


def check_constant(state, key, expected):
    """Raises unless an array that no training changes is what ours has."""
    array = state.take(key)
    if array.shape != np.shape(expected) or not np.allclose(
        array, expected, rtol=1e-5, atol=1e-7
    ):
        raise ValueError(
            f"{key!r} of {state.name} must be the filter that its "
            f"configuration says. Received: {array.tolist()}"
        )


def check_config(config, known, others="refused"):
    """Raises if a configuration has arguments that no conversion knows.

    Args:
        known: {name: default}. A default that is a tuple lists all values
            that can be converted, the official default first; `REQUIRED`
            is for what has none.
        others: What happens to all other names: "refused", or "ignored" where
            the official constructor takes any and makes no use of them.

    Returns:
        The configuration with defaults for what it leaves out.
    """
    for name, value in config.items():
        if name not in known:
            if others == "ignored":
                continue
            raise ValueError(
                f"`config` must have arguments of {', '.join(known)}. "
                f"Received: {name}={value!r}"
            )
        allowed = known[name]
        if isinstance(allowed, tuple) and value not in allowed:
            raise ValueError(
                f"`{name}` must be one of {allowed}. Received: {name}={value!r}"
            )
    for name, value in known.items():
        if value is REQUIRED and name not in config:
            raise ValueError(
                f"`config` must have {name!r}, which has no default. "
                f"Received: {sorted(config)}"
            )
    defaults = {
        name: value[0] if isinstance(value, tuple) else value
        for name, value in known.items()
    }
    return {**defaults, **config}
