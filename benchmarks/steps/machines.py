"""Machines that were not measured: what their makers say, and what follows.

All that is computed here is an estimate from stated rates. Communication is
taken to wait for computation, and the next computation for it.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Machine:
    """Peak rates of one chip, and what joins it to the others.

    Args:
        matrix_rate: bfloat16 operations per second, dense.
        memory_rate: Bytes per second.
        memory: Bytes.
        host_rate: Bytes per second from its host's memory.
        reduce_rate: Bytes per second at which an all-reduce sends the
            2 (n - 1) / n of a tensor that each chip must.
        reduce_latency: Seconds of an all-reduce of next to nothing.
    """

    name: str
    chips: int
    matrix_rate: float
    memory_rate: float
    memory: float
    host_rate: float
    reduce_rate: float
    reduce_latency: float


# NVIDIA's data sheet of the H200 SXM gives 1,979 TFLOP/s with sparsity. Its
# NCCL moves 370 of NVLink's 450 GB/s each way (NVIDIA/nccl-tests issue 212);
# 8 H100 take 20 to 25 us for up to 1 MiB (marin-community/marin issue 6736).
_H200 = {
    "matrix_rate": 989e12,
    "memory_rate": 4.8e12,
    "memory": 141e9,
    "host_rate": 64e9,  # PCIe 5.0 x16.
    "reduce_rate": 370e9,
    "reduce_latency": 25e-6,
}
MACHINES = (
    Machine("one H200", 1, **_H200),
    Machine("eight H200", 8, **_H200),
    # docs.cloud.google.com/tpu/docs/v5e, and jax-ml.github.io/scaling-book:
    # 90 GB/s both ways along each of two axes, 1 us a hop, and half around
    # two rings of 16, there and back, makes 32 hops; 15 GB/s from the host.
    Machine(
        "TPU v5e-256",
        256,
        matrix_rate=197e12,
        memory_rate=819e9,
        memory=16e9,
        host_rate=15e9,
        reduce_rate=180e9,
        reduce_latency=32e-6,
    ),
)


def compute_rate(machine, utilization, flops):
    """Images per second of one chip, at a share of its matrix rate."""
    return utilization * machine.matrix_rate / flops


def memory_rate(machine, moved):
    """Images per second of one chip that does nothing but read and write."""
    return machine.memory_rate / moved


def reduce_seconds(machine, moved, calls):
    """All-reduces of so many bytes together, in so many calls, one by one."""
    if machine.chips == 1:
        return 0.0
    share = 2 * (machine.chips - 1) / machine.chips
    return moved * share / machine.reduce_rate + calls * machine.reduce_latency


def smallest_batch(rate, seconds, efficiency):
    """Images a chip needs in each step for communication to cost so little.

    Args:
        rate: Images per second of a chip alone.
        seconds: Of communication in each step.
        efficiency: The share of time that must be computing.
    """
    return rate * seconds * efficiency / (1 - efficiency)
