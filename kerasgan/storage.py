"""Files that are whole or not there, whatever ends the program."""

import contextlib
import errno
import glob
import json
import os
import pathlib
import shutil

import psutil

PART = "part-"  # What the names of unfinished files begin with.


@contextlib.contextmanager
def replacing(path):
    """A path to write to; when all went well, the file there becomes `path`.

    It lies beside `path` and has the same ending, by which some writers know
    what to write. Until then, what `path` held stays.
    """
    path = pathlib.Path(path)
    part = path.with_name(f"{PART}{os.getpid()}-{path.name}")
    _forget_unfinished(path)
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def creating(path):
    """As `replacing`, of a file that must not be there, also when it is done.

    Raises:
        FileExistsError: It is.
    """
    path = _absent(path)  # Before any work; and again, for good, after it.
    with replacing(path) as part:
        yield part
        if part.exists():
            open(path, "x").close()


@contextlib.contextmanager
def creating_folder(path):
    """As `creating`, of a folder."""
    path = _absent(path)
    part = path.with_name(f"{PART}{os.getpid()}-{path.name}")
    _forget_unfinished(path)
    try:
        yield part
        os.rename(part, path)
    finally:
        _remove(part)


def _absent(path):
    path = pathlib.Path(path)
    if path.exists():
        raise FileExistsError(errno.EEXIST, "exists already", str(path))
    return path


def _forget_unfinished(path):
    """Removes what processes that are no more had begun to write."""
    for old in path.parent.glob(f"{PART}*-{glob.escape(path.name)}"):
        process = old.name.removeprefix(PART).partition("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            _remove(old)


def _remove(part):
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def write_text(path, text):
    """The file has the new text, which ends its last line, or the old one."""
    with replacing(path) as part:
        part.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def read_jsonl(path, having=None):
    """The records of a file of JSON lines; a torn last line is left out.

    Args:
        having: A name that they must hold, since lines of logs and lines of
            metrics share a file: "images_per_second" or "metrics".
    """
    path = pathlib.Path(path)
    records = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return [r for r in records if having is None or having in r]
