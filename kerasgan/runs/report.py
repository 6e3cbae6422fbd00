"""One page with all that is known of a run."""

import pathlib

from kerasgan import storage
from kerasgan.runs.findings import find
from kerasgan.runs.page import sections
from kerasgan.runs.workdir import Workdir


def report(workdir, output=None):
    """Writes one HTML page on a run, with all pictures in it -> its path.

    It needs no network and no other file. What the run does not hold yet is
    named, with the command that makes it.

    Args:
        workdir: The run; training may go on meanwhile.
        output: A file name that ends in .html; None is the run's report.html.

    Raises:
        ValueError: `workdir` is no run, or `output` no such name.
    """
    workdir = Workdir(workdir)
    if output is None:
        output = workdir.report
    output = pathlib.Path(output).expanduser()
    if output.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"`output` must end in .html. Received: output={str(output)!r}"
        )
    page = sections.page(find(workdir))
    output.parent.mkdir(parents=True, exist_ok=True)
    storage.write_text(output, page)
    return output
