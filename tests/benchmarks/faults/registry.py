"""All faults, in the order of the page."""

from tests.benchmarks.faults import kills, outages

FAULTS = (*outages.FAULTS, *kills.FAULTS)
