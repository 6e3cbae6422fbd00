"""What the benchmarks share: turns, medians, the machine, tables, JSON.

Timings on a shared machine drift, so what is compared takes turns in one run,
and ratios are taken within each turn before their median is. CPU seconds, of
all threads, hardly depend on what else runs; wall seconds are what one waits.
"""

import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shlex
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import psutil
from absl import app

PACKAGES = (
    "kerasgan", "keras", "tensorflow", "jax", "numpy", "pillow", "torch",
)  # fmt: skip


def check(flag, names, known):
    """Raises what `app.run` shows as usage, if a name is not known."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise app.UsageError(
            f"`--{flag}` must be of {', '.join(known)}. Received: {unknown}"
        )


class Cost(NamedTuple):
    """Seconds on the clock, and of all threads' computing."""

    wall: float
    cpu: float


class ProcessCost(NamedTuple):
    wall: float
    cpu: float
    output: str  # What it wrote to stdout.


def time_once(function):
    """Calls it -> `Cost`. It must wait for its own results.

    What works elsewhere, in another process, gives its `Cost` itself.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    cost = function()
    if isinstance(cost, Cost):
        return cost
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def paired(functions, repetitions, warmups=1):
    """Functions take turns in this process -> {name: [Cost, ...]}.

    Every second round runs in the opposite order.

    Args:
        functions: {name: function without arguments}. One that has timed
            itself, elsewhere, gives its `Cost`.
        warmups: Rounds that are not counted: they trace and compile.
    """
    costs = {name: [] for name in functions}
    for turn in range(warmups + repetitions):
        for name in list(functions)[:: -1 if turn % 2 else 1]:
            cost = time_once(functions[name])
            if turn >= warmups:
                costs[name].append(cost)
    return costs


def run_process(command, environment=()):
    """One process, its children included -> `ProcessCost`.

    Raises:
        RuntimeError: It failed; with the end of what it said.
    """
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **dict(environment)},
        capture_output=True,
        text=True,
    )
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        raise RuntimeError(
            f"{shlex.join(map(str, command))} ended with {done.returncode}:\n"
            + (done.stdout + done.stderr)[-3000:]
        )
    cpu = after.children_user - before.children_user
    cpu += after.children_system - before.children_system
    return ProcessCost(wall, cpu, done.stdout)


def paired_processes(commands, repetitions, warmups=1):
    """Programs take turns -> {name: [ProcessCost, ...]}.

    Args:
        commands: {name: list of words}.
        warmups: Rounds that are not counted: they fill the disk's cache.
    """
    costs = {name: [] for name in commands}
    for turn in range(warmups + repetitions):
        for name in list(commands)[:: -1 if turn % 2 else 1]:
            cost = run_process(commands[name])
            if turn >= warmups:
                costs[name].append(cost)
    return costs


def summary(costs, against=None):
    """{name: costs of turns} -> {name: medians, and ratios to `against`}.

    Below 1 is faster than `against`. A ratio is the median over turns; beside
    it stand the quartiles.
    """
    found = {}
    for name, turns in costs.items():
        found[name] = {
            "wall_s": statistics.median(cost.wall for cost in turns),
            "cpu_s": statistics.median(cost.cpu for cost in turns),
            "turns": len(turns),
        }
        if against is None or name == against:
            continue
        for kind in ("wall", "cpu"):
            ratios = [
                getattr(ours, kind) / max(getattr(theirs, kind), 1e-9)
                for ours, theirs in zip(turns, costs[against], strict=True)
            ]
            found[name][f"{kind}_ratio"] = statistics.median(ratios)
            quartiles = np.percentile(ratios, [25, 75])
            found[name][f"{kind}_ratio_quartiles"] = quartiles.tolist()
    return found


def conditions():
    """The machine, the versions, the command: what figures depend on."""
    return {
        "command": shlex.join(["python", *sys.argv]),
        "machine": {
            "processor": _processor(),
            "cores": len(psutil.Process().cpu_affinity()),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
            "system": platform.platform(),
            "load": round(os.getloadavg()[0], 1),
        },
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _processor():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"model name\s*: (.*)", text)
    return found[1] if found else platform.machine()


def _versions():
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # Optional, or run from its source.
    return versions


def peak_bytes():
    """The largest resident memory of this process, since `forget_peak`.

    Linux' own figure; that of `getrusage` begins with the parent's.
    """
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def forget_peak():
    """From here on, `peak_bytes` counts anew from what is resident now."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def table(rows):
    """[{column: text or number}] -> a Markdown table; None leaves blank."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(column)) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value):
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"


def report(results, rows, path=None):
    """Prints the table of rows; writes `conditions` and results as JSON."""
    print(table(rows), flush=True)
    if path:
        text = json.dumps({**conditions(), **results}, indent=2)
        pathlib.Path(path).write_text(text + "\n")
