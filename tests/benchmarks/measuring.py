"""Measure calls: wall and CPU seconds, and the peak memory of a process that makes them."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np

PACED = 300

Call = Callable[[], object]
Costs = dict[str, dict[str, float]]


def costs(calls: Mapping[str, tuple[Call, int]], *, runs: int, with_memory: bool = True) -> Costs:
    """Return the best median of several runs, with the contestants taking turns.

    Args:
        calls: contestant → call, and number of calls in each run.
        runs: number of runs.
        with_memory: whether to measure memory too, in a fork; a call on an event loop or an open
            connection cannot be forked.

    Returns:
        Contestant → `seconds`, `cpu_seconds` (of this process) of one call, and `peak_mb`.
    """
    medians: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, (call, times) in calls.items():
            medians[name].append(_medians(call, times))
    return {
        name: {
            "seconds": min(wall for wall, _ in each),
            "cpu_seconds": min(cpu for _, cpu in each),
            **({"peak_mb": peak_mb(calls[name][0])} if with_memory else {}),
        }
        for name, each in medians.items()
    }


def pace() -> float:
    """Return how much slower this machine is now than at its best; 1 when it is idle.

    Median over 5th percentile of a second of one computation.  Other work on the same physical
    cores, even of another virtual machine, raises this and every latency.
    """
    seconds = []
    for _ in range(PACED):
        started = time.perf_counter()
        sum(range(200_000))
        seconds.append(time.perf_counter() - started)
    return round(float(np.median(seconds) / np.percentile(seconds, 5)), 2)


def peak_mb(call: Call) -> float:
    """Return the peak memory of a fork of this process that makes a call three times, MB."""
    receiver, sender = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_send_peak, args=(call, sender))
    child.start()
    peak: float = receiver.recv()
    child.join()
    return peak


def process_peak_mb() -> float:
    """Return the peak memory of this process, MB; `getrusage` would report its parent's."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


def _send_peak(call: Call, pipe: "multiprocessing.connection.Connection") -> None:
    Path("/proc/self/clear_refs").write_text("5")
    for _ in range(3):
        call()
    pipe.send(process_peak_mb())
    pipe.close()
    os._exit(0)


def _medians(call: Call, times: int) -> tuple[float, float]:
    walls, cpus = [], []
    for _ in range(times):
        started, cpu_started = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - started)
        cpus.append(time.process_time() - cpu_started)
    return median(walls), median(cpus)
