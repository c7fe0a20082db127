"""Experiments on live traffic: the variants of a request, and what they change."""

from serving.experiments.live_experiments import LiveExperiments
from serving.experiments.treatment import (
    Treatment,
    exposures,
    forced_treatments,
    treatments_of,
    variants_by_name,
)

__all__ = [
    "LiveExperiments",
    "Treatment",
    "exposures",
    "forced_treatments",
    "treatments_of",
    "variants_by_name",
]
