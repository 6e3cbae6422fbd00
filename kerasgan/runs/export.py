"""A trained generator as a file that other programs run.

The ending of its name says which: none is a folder, a TensorFlow SavedModel;
`.onnx` is ONNX; `.tflite` is LiteRT (TensorFlow Lite). In all of them

    latents     float32 [n, latent_size]
    labels      int32 [n], or as the generator takes them, if it does
    truncation  float32 [], in (0, 1]
    -> images   float32 [n, h, w, c] in [-1, 1]

for any n. `truncation` is that of `LatentModel.decode`, but for 1 (and more),
which changes nothing, as None there.
"""

import errno
import pathlib
import re
import tempfile

import keras
from keras import ops

from kerasgan import storage
from kerasgan.runs.sample import load_model

_BACKEND = "tensorflow"
_OPSET = 15  # ONNX 1.10: tf2onnx's own choice.
_HALF_PRECISION = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


def export(workdir, output, checkpoint="last"):
    """Writes a run's averaged generator -> lines that say what was written.

    Args:
        workdir: The run.
        output: A new file or folder, see above.
        checkpoint: "last", or "best" by the run's metric.

    Raises:
        FileExistsError: There is such a file or folder.
        ImportError: The format's package is not installed.
        ValueError: Keras' backend is not TensorFlow; or the format has no
            operation that the generator wants.
    """
    output = _checked(output)
    return export_model(load_model(workdir, checkpoint), output)


def export_model(model, output):
    """As `export`, of a `LatentModel`.

    Half precision is left to training: the file computes in float32. Images
    of a generator that is `bounded = False` are cut to [-1, 1].
    """
    output = _checked(output)
    module = _module(_in_float32(model))
    name, write = _FORMATS[output.suffix]
    output.parent.mkdir(parents=True, exist_ok=True)
    is_folder = not output.suffix
    creating = storage.creating_folder if is_folder else storage.creating
    with creating(output) as part:
        write(module, part)
    size = _size(output) / 1e6
    return f"wrote {output}: {name}, {size:,.1f} MB\n{_signature(module)}"


def _module(model):
    """A `tf.Module`: the function `images`, and the variables it reads."""
    import tensorflow as tf

    network = model.averaged_generator
    latents = (None, model.latent_size)
    specs = [
        tf.TensorSpec(latents, "float32", "latents"),
        tf.TensorSpec((), "float32", "truncation"),
    ]
    if model.takes_labels:
        spec = model.data_spec["label"]
        shape = (None, *spec.shape[1:])
        specs.append(tf.TensorSpec(shape, spec.dtype, "labels"))

    def images(latents, truncation, labels=None):
        return {"images": _images(model, latents, truncation, labels)}

    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]
    module.images = tf.function(images, specs, autograph=False)
    return module


def _images(model, latents, truncation, labels):
    network = model.averaged_generator
    share = ops.minimum(truncation, 1.0)
    if not model.has_styles:
        moved = model.truncate_latents(latents, share, erf=_erf, erfinv=_erfinv)
        latents = ops.where(share < 1.0, moved, latents)
    inputs = latents if labels is None else (latents, labels)
    if model.has_styles:
        styles = network.truncate(network.styles(inputs), share)
        images = network.synthesize(styles)
    else:
        images = network(inputs, training=False)
    if not getattr(network, "bounded", True):
        images = ops.clip(images, -1.0, 1.0)
    return ops.cast(images, "float32")


def _in_float32(model):
    """The model, or one with its average whose layers compute in float32."""
    config = model.get_config()
    if not any(map(_is_half, keras.tree.flatten(config))):
        return model
    config = keras.tree.map_structure(
        lambda value: "float32" if _is_half(value) else value, config
    )
    weights = model.averaged_generator.get_weights()
    model = type(model).from_config(config)
    model.averaged_generator.set_weights(weights)
    return model


def _is_half(value):
    return isinstance(value, str) and value in _HALF_PRECISION


def _erf(x):
    """The error function, for formats without it, to 5e-7.

    Abramowitz and Stegun 1964, 7.1.26, and float32's rounding.
    """
    t = 1.0 / (1.0 + 0.3275911 * ops.abs(x))
    factors = 1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592
    rest = t * _polynomial(t, factors) * ops.exp(-ops.square(x))
    return ops.sign(x) * (1.0 - rest)


def _erfinv(x):
    """The inverse error function, of |x| up to 0.9966, to 1e-6 of it.

    The part of Giles 2012, "Approximating the erfinv function", for the middle
    in single precision; truncation asks for no more than 0.9545.
    """
    factors = (
        2.81022636e-08,
        3.43273939e-07,
        -3.5233877e-06,
        -4.39150654e-06,
        0.00021858087,
        -0.00125372503,
        -0.00417768164,
        0.246640727,
        1.50140941,
    )
    return x * _polynomial(-ops.log(1.0 - ops.square(x)) - 2.5, factors)


def _polynomial(x, factors):
    """That of the highest power comes first."""
    value = factors[0]
    for factor in factors[1:]:
        value = value * x + factor
    return value


def _write_saved_model(module, path):
    import tensorflow as tf

    signatures = {"serving_default": module.images}
    tf.saved_model.save(module, str(path), signatures)


def _write_onnx(module, path):
    tf2onnx, onnx = _import_onnx()
    signature = module.images.input_signature
    model, _ = tf2onnx.convert.from_function(
        module.images, input_signature=signature, opset=_OPSET
    )
    unknown = {
        node.op_type
        for node in _nodes(model.graph)
        if not onnx.defs.has(node.op_type, node.domain)
    }
    if unknown:
        raise _no_operation("ONNX", unknown)
    for value in (*model.graph.input, *model.graph.output):
        for size in value.type.tensor_type.shape.dim[:1]:
            size.dim_param = "n"  # Only that of truncation has no first one.
    path.write_bytes(model.SerializeToString())


def _nodes(graph):
    """The nodes of a graph of ONNX, and of the graphs inside them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _write_litert(module, path):
    import tensorflow as tf
    from tensorflow.lite.python.convert import ConverterError

    with tempfile.TemporaryDirectory() as folder:
        _write_saved_model(module, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        try:
            content = converter.convert()
        except ConverterError as error:
            lacks = re.findall(r"'tf\.(\w+)' op is neither", str(error))
            raise _no_operation("LiteRT", lacks or [error]) from error
    path.write_bytes(content)


_FORMATS = {
    "": ("SavedModel", _write_saved_model),
    ".onnx": ("ONNX", _write_onnx),
    ".tflite": ("LiteRT", _write_litert),
}


def _checked(output):
    """A path to which this process can write its format."""
    if keras.backend.backend() != _BACKEND:
        raise ValueError(
            "Keras' backend must be TensorFlow to export. Received: "
            f"{keras.backend.backend()}. Set KERAS_BACKEND={_BACKEND}: the "
            "checkpoints of a run load on either."
        )
    output = pathlib.Path(output).expanduser()
    if output.suffix not in _FORMATS:
        raise ValueError(
            "`output` must end in .onnx or .tflite, or be the name of a "
            "folder, without an ending, for a SavedModel. Received: "
            f"output={str(output)!r}"
        )
    if output.exists():
        raise FileExistsError(errno.EEXIST, "exists already", str(output))
    if output.suffix == ".onnx":
        _import_onnx()
    return output


def _import_onnx():
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            "ONNX must have tf2onnx and onnx. Received: no module "
            f"{error.name}. Install it by pip install 'kerasgan[onnx]'."
        ) from error
    return tf2onnx, onnx


def _no_operation(name, lacks):
    lacks = ", ".join(sorted({str(name) for name in lacks}))
    return ValueError(
        "`output` must be of a format that has all of the generator's "
        f"operations. Received: {name}, which lacks {lacks}. A SavedModel, "
        "whose name has no ending, has all of them."
    )


def _size(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _signature(module):
    """What it takes and gives: "latents float32 [n, 64], ... -> images ..."."""
    outputs = module.images.get_concrete_function().structured_outputs
    inputs = [_spec(spec.name, spec) for spec in module.images.input_signature]
    return f"{', '.join(inputs)} -> {_spec('images', outputs['images'])}"


def _spec(name, spec):
    sizes = ["n" if size is None else str(size) for size in spec.shape]
    return f"{name} {spec.dtype.name} [{', '.join(sizes)}]"
