"""All faults, in the order of the page."""

from tests.benchmarks.faults import outages

FAULTS = (*outages.FAULTS,)
