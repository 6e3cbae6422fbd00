"""kerasgan report"""

from absl import flags


def define(values):
    """Adds this command's flags."""
    flags.DEFINE_string(
        "workdir", None, "The run to report on.", flag_values=values
    )
    flags.DEFINE_string(
        "output",
        None,
        "The page, which ends in .html. Default: report.html in the workdir.",
        flag_values=values,
    )


def run(values):
    """Writes the page -> the exit status."""
    if values.workdir is None:
        raise ValueError("`--workdir` must name a run's folder. Received: none")
    from kerasgan.runs.report import report

    print(f"wrote {report(values.workdir, values.output)}")
