"""All faults, in the order of the page."""

from tests.benchmarks.faults import (
    attacks,
    changed_bytes,
    changed_files,
    full_disk,
    kills,
    memory,
    outages,
    processes,
)

FAULTS = (
    *outages.FAULTS,
    *attacks.FAULTS,
    *kills.FAULTS,
    *changed_bytes.FAULTS,
    *changed_files.FAULTS,
    *full_disk.FAULTS,
    *memory.FAULTS,
    *processes.FAULTS,
)
