"""The quality figures of the home in Prometheus' text format.

`aisle refresh` measures them in its own process; a scrape of the service reads one small file, and
a request pays nothing.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from feature_repo.home import SECOND, Home
from training.monitoring import AGE, QUALITY_METRICS, Quality


def quality_exposition(home: Home, now: int) -> bytes:
    """Return the last quality figures; ages are those at `now`.  Without a measurement, nothing."""
    quality = Quality.read(home)
    if quality is None:
        return b""
    registry = CollectorRegistry()
    registry.register(_QualityCollector(quality, now))
    return generate_latest(registry)


class _QualityCollector(Collector):
    def __init__(self, quality: Quality, now: int) -> None:
        self._quality = quality
        self._age = (now - quality.measured_at) / SECOND

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each metric that has samples."""
        for metric in QUALITY_METRICS:
            family = GaugeMetricFamily(metric.full_name, metric.help, labels=metric.labels)
            older = self._age if metric.name.endswith("age_seconds") else 0.0
            samples = [one for one in self._quality.samples if one.name == metric.name]
            for sample in samples:
                family.add_metric(sample.labels, sample.value + older)
            if metric == AGE:
                family.add_metric((), self._age)
            if family.samples:
                yield family
