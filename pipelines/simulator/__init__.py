"""Shoppers for a running service: a day of a simulated shop, or visitors of any other shop."""

from pipelines.simulator.audience import audience_of
from pipelines.simulator.traffic import MOST_REQUESTS, Counts, Simulator

__all__ = [
    "MOST_REQUESTS",
    "Counts",
    "Simulator",
    "audience_of",
]
