"""Quality of data and answers, measured from the log and from recorded feature vectors."""

from training.monitoring.features import ServedFeature, served_features
from training.monitoring.metric import QualityMetric
from training.monitoring.metrics import AGE, QUALITY_METRICS
from training.monitoring.quality import Quality, measure_quality, write_verification
from training.monitoring.snapshot import Distribution, Snapshot, write_snapshot

__all__ = [
    "AGE",
    "QUALITY_METRICS",
    "Distribution",
    "Quality",
    "QualityMetric",
    "ServedFeature",
    "Snapshot",
    "measure_quality",
    "served_features",
    "write_snapshot",
    "write_verification",
]
