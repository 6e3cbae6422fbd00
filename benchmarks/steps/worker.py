"""One contender in a process of its own, which trains when it is told to.

    python worker.py CONTENDER CASE

A line with a number of steps on stdin gives a line of JSON on stdout: seconds
on the clock, and of all threads.
"""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))


def _runner(name, case):
    from steps import cases

    (case,) = cases.get([case]).values()
    if name == "torch_mimicry":
        from steps.mimicry import mimicry

        return mimicry(case)
    if name.startswith("torch"):
        from steps.plain_torch import plain_torch

        return plain_torch(case, channels_last=name == "torch_channels_last")
    from steps import contenders

    return contenders.CONTENDERS[name](case)


def main(name, case):
    replies = os.dup(1)
    os.dup2(2, 1)  # What libraries print may not stand between replies.
    run = _runner(name, case)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        run(int(line))
        cost = time.perf_counter() - wall, time.process_time() - cpu
        os.write(replies, (json.dumps(cost) + "\n").encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
