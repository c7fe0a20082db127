"""All faults, in the order of the page."""

from tests.benchmarks.faults import changed_bytes, outages

FAULTS = (*outages.FAULTS, *changed_bytes.FAULTS)
