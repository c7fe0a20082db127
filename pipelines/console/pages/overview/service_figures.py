"""What the running service has answered since it started, from its metrics."""

from collections.abc import Mapping, Sequence

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from pipelines.console.content import Block, Column, Notice, Row, Table

_SECONDS = "aisle_answer_seconds"
_COUNTS = {
    "aisle_degraded": ("stage", "Answers without the stage"),
    "aisle_refused": ("status", "Requests answered with the status"),
    "aisle_events": ("outcome", "Events with the outcome"),
}
"""By metric, its label and what is counted."""


def service_figures(text: str) -> list[Block]:
    """Show answers with their times, and what was degraded, refused or received.

    Args:
        text: the metrics in Prometheus' text format.
    """
    samples = {family.name: family.samples for family in text_string_to_metric_families(text)}
    waiting = sum(sample.value for sample in samples.get("aisle_pending_events", ()))
    lost = f"{waiting:,.0f} events wait for Redis, so answers lack them. See the findings on Redis."
    return [
        *([Notice(lost)] if waiting else []),
        _answers(samples.get(_SECONDS, ())),
        _counts(samples),
    ]


def _answers(samples: Sequence[Sample]) -> Table:
    columns = [
        Column("endpoint", "endpoint"),
        Column("answers", "answers"),
        Column("mean", "mean, ms"),
        Column("p50", "half within, ms"),
        Column("p95", "95 % within, ms"),
    ]
    rows = [_row(name, samples) for name in sorted({one.labels["endpoint"] for one in samples})]
    caption = "Answers since the service started"
    return Table("answers", caption, columns, [row for row in rows if row["answers"]])


def _row(endpoint: str, samples: Sequence[Sample]) -> Row:
    of_endpoint = [one for one in samples if one.labels["endpoint"] == endpoint]
    value = {one.name: one.value for one in of_endpoint}
    count = value.get(f"{_SECONDS}_count", 0.0)
    buckets = {
        float(one.labels["le"]): one.value
        for one in of_endpoint
        if one.name == f"{_SECONDS}_bucket"
    }
    return {
        "endpoint": endpoint,
        "answers": int(count),
        "mean": 1000 * value[f"{_SECONDS}_sum"] / count if count else None,
        "p50": _within(buckets, 0.5 * count),
        "p95": _within(buckets, 0.95 * count),
    }


def _within(buckets: Mapping[float, float], count: float) -> float | None:
    """Return the end of the first bucket that has so many answers, ms; None beyond the last."""
    end = next((end for end in sorted(buckets) if buckets[end] >= count), float("inf"))
    return 1000 * end if end < float("inf") else None


def _counts(samples: Mapping[str, Sequence[Sample]]) -> Table:
    columns = [Column("what", "what"), Column("of", "of"), Column("count", "count")]
    rows: list[Row] = [
        {"what": what, "of": sample.labels[label], "count": int(sample.value)}
        for metric, (label, what) in _COUNTS.items()
        for sample in samples.get(metric, ())
        if sample.name == f"{metric}_total" and sample.value
    ]
    empty = "Nothing was degraded or refused, and no event came since the service started."
    return Table("outcomes", "Degraded answers, errors and events", columns, rows, empty)
