"""What calls cost: seconds by the clock and of CPU, and the memory of a process that makes them."""

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


def costs(calls: Mapping[str, tuple[Call, int]], *, runs: int) -> Costs:
    """The best median of several runs, in which the contestants take turns.

    Args:
        calls: contestant → call, and how often it is made in each run.
        runs: how many.

    Returns:
        Contestant → `seconds`, `cpu_seconds` (of this process, for one call each) and `peak_mb`.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, (call, times) in calls.items():
            found[name].append(_medians(call, times))
    return {
        name: {
            "seconds": min(wall for wall, _ in each),
            "cpu_seconds": min(cpu for _, cpu in each),
            "peak_mb": peak_mb(calls[name][0]),
        }
        for name, each in found.items()
    }


def pace() -> float:
    """How much slower this machine usually is now than at its best; 1 where nobody else uses it.

    Median over 5th percentile of a second of one computation: other work on the same physical
    cores, be it another machine's, shows here, and in every latency alike.
    """
    took = []
    for _ in range(PACED):
        started = time.perf_counter()
        sum(range(200_000))
        took.append(time.perf_counter() - started)
    return round(float(np.median(took) / np.percentile(took, 5)), 2)


def peak_mb(call: Call) -> float:
    """The most memory a fork of this process holds while it makes a call three times, MB."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_tell_peak, args=(call, theirs))
    child.start()
    peak: float = ours.recv()
    child.join()
    return peak


def process_peak_mb() -> float:
    """The most memory this process ever held, MB; `getrusage` would tell its parent's."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


def _tell_peak(call: Call, pipe: "multiprocessing.connection.Connection") -> None:
    Path("/proc/self/clear_refs").write_text("5")
    for _ in range(3):
        call()
    pipe.send(process_peak_mb())
    pipe.close()
    os._exit(0)


def _medians(call: Call, times: int) -> tuple[float, float]:
    walls, cpus = [], []
    for _ in range(times):
        begun, busy = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - begun)
        cpus.append(time.process_time() - busy)
    return median(walls), median(cpus)
