"""kerasgan export"""

from absl import flags

from kerasgan.cli import startup


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_string(
        "workdir", None, "The run to export.", flag_values=values
    )
    flags.DEFINE_string(
        "output",
        None,
        "What to write, which must not be there yet: a folder for a "
        "SavedModel, x.onnx, or x.tflite for LiteRT.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "checkpoint",
        "last",
        ["last", "best"],
        "Which of the run's: the newest, or the best by its metric.",
        flag_values=values,
    )


def run(values):
    """Writes the file, says what it takes and gives -> the exit status."""
    if values.workdir is None:
        raise ValueError("`--workdir` must name a run's folder. Received: none")
    if values.output is None:
        raise ValueError(
            "`--output` must name a new folder, or end in .onnx or .tflite. "
            "Received: none"
        )
    startup.import_backend()
    from kerasgan.runs.export import export

    print(export(values.workdir, values.output, values.checkpoint))
