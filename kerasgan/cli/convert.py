"""kerasgan convert"""

from absl import flags

from kerasgan.cli import startup


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_string(
        "source",
        None,
        "Whose checkpoint it is, such as r3gan or stylegan2_ada_pytorch.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "checkpoint",
        None,
        "The file as its authors published it.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output",
        "model.keras",
        "The model to write, which must not be there yet.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "network",
        "generator",
        ["generator", "discriminator"],
        "Which of the two. A generator is the averaged one, if the file has it.",
        flag_values=values,
    )


def run(values):
    """Writes the model, says what it is -> the exit status."""
    for name in ("source", "checkpoint"):
        if values[name].value is None:
            raise ValueError(f"`--{name}` must be given. Received: none")
    startup.import_backend()
    from kerasgan.runs import convert

    for line in convert.convert(
        values.source, values.checkpoint, values.output, values.network
    ):
        print(line, flush=True)
