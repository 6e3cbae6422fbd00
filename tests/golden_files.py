"""Numbers of official implementations, beside ours: `golden/README.md`.

In float32, where rounding is theirs and ours, and in float64, where a wrong
epsilon or a biased variance shows.
"""

import json
import pathlib

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import convert
from kerasgan.convert.state import State

tf = pytest.importorskip("tensorflow")
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's tapes"
)
both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])

# More than ten times PyTorch's own error in float32, and within the bound:
_LUCKY = (
    # A small probability's relative error is its logit's absolute one: with
    # AVX-512 9.9e-6 of logits of -3 and -6.
    "output/prob_fake",
    # One number, a sum over images: 3.6e-6 off, theirs 1.6e-7.
    "grad/G_loss_mean/G/synthesis.b8.conv0.noise_strength",
)
FOLDER = pathlib.Path(__file__).parent / "golden"


class Golden:
    """One file, and what of it a test has used.

    Args:
        name: Of the file.
        dtype: "float32" or "float64".
        exact_to: The relative tolerance in float64.
    """

    def __init__(self, name, dtype, exact_to=1e-10):
        with np.load(FOLDER / f"{name}.npz") as arrays:
            self.arrays = dict(arrays)
        self.config = json.loads(str(self.arrays["config"]))
        self.dtype = dtype
        self.exact_to = exact_to
        self.states = {}
        self.checked = set()

    def network(self, source, role, config, net=None):
        """The network that `kerasgan.convert` makes of the file's arrays.

        Args:
            role: "generator" or "discriminator".
            config: The official constructor's arguments.
            net: Whose arrays: `param/<net>/...`.
        """
        net = net or role[0].upper()
        module = convert._module(source)
        state = State(self.parameters(net), net, module.IGNORED)
        network = getattr(module, role)(state, config, self.dtype)
        state.check_finished()
        self.states[net] = state
        return network

    def parameters(self, net):
        """{official key: array} of a network."""
        prefix = f"param/{net}/"
        return {
            key.removeprefix(prefix): array
            for key, array in self.arrays.items()
            if key.startswith(prefix)
        }

    def input(self, name):
        array = self.arrays[f"input/{name}"]
        if array.dtype.kind == "f":
            return tf.constant(array, self.dtype)
        return tf.constant(array)

    def inputs(self, folder):
        """{name: array} of the inputs in a folder."""
        prefix = f"input/{folder}/"
        return {
            key.removeprefix(prefix): self.input(key.removeprefix("input/"))
            for key in self.arrays
            if key.startswith(prefix)
        }

    def images(self, name):
        return nhwc(self.input(name))

    def check(self, name, ours, convert=np.asarray, bound=None):
        """Compares one array of the file: `output/...` or `grad/...`.

        Args:
            convert: Makes their array one of ours.
            bound: Of the relative error in float32, if not the usual one.
        """
        self.checked.add(name)
        kind, rest = name.split("/", 1)
        exact = self.arrays.get(f"{kind}64/{rest}")
        theirs = convert(self.arrays[name] if exact is None else exact)
        theirs = np.asarray(theirs, "float64")
        ours = np.asarray(ours, "float64")
        assert ours.shape == theirs.shape, name
        rounding = self.config["f32_vs_f64_rel"].get(name, 1e-5)
        bound = bound or (1e-5 if kind == "output" else 2e-5)
        if self.dtype == "float64" and exact is not None:
            tolerance = self.exact_to
        elif name in _LUCKY:
            tolerance = bound
        else:
            tolerance = min(bound, 10 * rounding + 1e-6)
        largest = np.abs(theirs).max()
        if not largest:  # In `all_zero`.
            largest = 1.0
        error = np.abs(ours - theirs).max() / largest
        assert error <= tolerance, f"{name}: {error:.1e} > {tolerance:.1e}"

    def check_gradients(self, of, net, value, tape):
        """The norms of all gradients, and those gradients that are stored.

        Args:
            of: The name of the scalar in the file.
            value: The same scalar, ours, recorded by `tape`.
        """
        assigned = self.states[net].assigned
        norms = self._norms(of, net)
        trained = [k for k, (variable, _) in assigned.items() if k in norms]
        assert set(norms) == set(trained)
        gradients = tape.gradient(
            value,
            keras.tree.map_structure(
                lambda variable: variable.value,
                [assigned[key][0] for key in trained],
            ),
            unconnected_gradients="zero",
        )
        tolerance = 2e-5 if self.dtype == "float32" else self.exact_to
        for key, gradient in zip(trained, gradients, strict=True):
            gradient = _flat(gradient)
            if norms[key] is not None:
                np.testing.assert_allclose(
                    np.linalg.norm(gradient),
                    norms[key],
                    rtol=tolerance,
                    atol=tolerance,
                    err_msg=key,
                )
            if (name := f"grad/{of}/{net}/{key}") in self.arrays:
                convert = assigned[key][1]
                self.check(
                    name,
                    gradient,
                    lambda array, convert=convert: _flat(convert(array)),
                )

    def _norms(self, of, net):
        """{key: its gradient's norm}, None in files that have none."""
        if "grad_l2" in self.config:
            norms = self.config["grad_l2"][of]
            return norms.get(net, norms)  # Of one network, or by network.
        prefix = f"grad/{of}/{net}/"
        stored = [name for name in self.arrays if name.startswith(prefix)]
        return dict.fromkeys(name.removeprefix(prefix) for name in stored)

    def check_operations(self, kind, operation, **converted):
        """Outputs and gradients of the file's operations of a kind.

        Args:
            operation: (inputs, official arguments) -> an output.
            converted: {name of an input: how it becomes one of ours}; a
                gradient by it is checked.
        """
        cases = [
            name
            for name in self.config["ops"]
            if name == kind or name.startswith(f"{kind}/")
        ]
        assert cases
        for name in cases:
            inputs = self.inputs(name)
            of_image = nhwc if len(inputs["cotangent"].shape) == 4 else np.array
            if len(inputs["x"].shape) != 4:
                converted = {**converted, "x": np.array}
            watched = {k: v for k, v in converted.items() if k in inputs}
            for key, change in watched.items():
                inputs[key] = tf.constant(change(np.asarray(inputs[key])))
            with tf.GradientTape() as tape:
                tape.watch([inputs[key] for key in watched])
                y = operation(inputs, self.config["ops"][name])
                cotangent = of_image(np.asarray(inputs["cotangent"]))
                total = ops.sum(y * cotangent)
            self.check(f"output/{name}", y, of_image)
            slopes = tape.gradient(total, [inputs[key] for key in watched])
            for (key, change), slope in zip(
                watched.items(), slopes, strict=True
            ):
                self.check(f"grad/{name}/{key}", slope, change)

    def assert_all_checked(self):
        stored = [
            name
            for name in self.arrays
            if name.startswith(("output/", "grad/"))
        ]
        assert self.checked == set(stored)


def _flat(arrays):
    """An array, or several that one official array becomes, as a row."""
    arrays = arrays if isinstance(arrays, (list, tuple)) else [arrays]
    arrays = [tf.convert_to_tensor(array) for array in arrays]
    rows = [np.asarray(array, "float64").reshape(-1) for array in arrays]
    return np.concatenate(rows)


def nhwc(images):
    """[n, c, h, w] -> [n, h, w, c]."""
    if isinstance(images, np.ndarray):
        return images.transpose(0, 2, 3, 1)
    return ops.transpose(images, (0, 2, 3, 1))
