"""All faults, in the order of the page."""

from tests.benchmarks.faults import attacks, changed_bytes, kills, outages, processes

FAULTS = (
    *outages.FAULTS,
    *attacks.FAULTS,
    *kills.FAULTS,
    *changed_bytes.FAULTS,
    *processes.FAULTS,
)
