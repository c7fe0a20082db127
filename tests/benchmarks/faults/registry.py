"""All faults, in the order of the page."""

from tests.benchmarks.faults import changed_bytes, kills, outages

FAULTS = (*outages.FAULTS, *kills.FAULTS, *changed_bytes.FAULTS)
