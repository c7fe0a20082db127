"""The Grafana dashboards: `quality` has a panel for each quality metric, `service` those below."""

from dataclasses import dataclass
from typing import Any

from training.monitoring import QUALITY_METRICS, QualityMetric

_COLUMNS, _HEIGHT = 2, 8
_WIDTH = 24 // _COLUMNS


@dataclass(frozen=True)
class Panel:
    """One chart over time.

    Attributes:
        title: short.
        description: one sentence.
        expression: in PromQL.
        legend: name of a line, with labels in double braces.
        unit: in Grafana's names, such as `s` or `percentunit`; `short` for a plain number.
    """

    title: str
    description: str
    expression: str
    legend: str = ""
    unit: str = "short"


def dashboards() -> dict[str, dict[str, Any]]:
    """Return the JSON of each dashboard, by the name of its file."""
    return {
        "quality": _dashboard("Aisle: quality", tuple(map(_quality_panel, QUALITY_METRICS))),
        "service": _dashboard("Aisle: service", SERVICE_PANELS),
    }


SERVICE_PANELS = (
    Panel(
        "Answers a second",
        "Finished answers of each endpoint.",
        "sum by (endpoint) (rate(aisle_answer_seconds_count[5m]))",
        "{{endpoint}}",
        "reqps",
    ),
    Panel(
        "Answer time, p99",
        "From the read body to the finished answer.",
        "histogram_quantile(0.99, sum by (le, endpoint) (rate(aisle_answer_seconds_bucket[5m])))",
        "{{endpoint}}",
        "s",
    ),
    Panel(
        "Stage time, mean",
        "Of each stage of a ranking.",
        "sum by (stage) (rate(aisle_stage_seconds_sum[5m])) / "
        "sum by (stage) (rate(aisle_stage_seconds_count[5m]))",
        "{{stage}}",
        "s",
    ),
    Panel(
        "Degraded answers a second",
        "Answers without a stage.",
        "sum by (stage) (rate(aisle_degraded_total[5m]))",
        "{{stage}}",
        "reqps",
    ),
    Panel(
        "Refused requests a second",
        "Requests answered with an error.",
        "sum by (status) (rate(aisle_refused_total[5m]))",
        "{{status}}",
        "reqps",
    ),
    Panel("Requests in flight", "Running or waiting.", "aisle_in_flight", "{{kind}}"),
    Panel(
        "Events a second",
        "By outcome, and warnings about them.",
        "sum by (outcome) (rate(aisle_events_total[5m]))",
        "{{outcome}}",
    ),
    Panel(
        "Events that wait",
        "Acknowledged events that the live features lack.",
        "aisle_pending_events",
    ),
    Panel(
        "Live state",
        "1 while live features can be read.",
        "aisle_live_state_up",
    ),
    Panel(
        "Answers lost",
        "Answers of an hour that could not be logged.",
        "increase(aisle_served_lost_total[1h])",
    ),
    Panel(
        "Artifacts",
        "Loaded and rejected in an hour.",
        "sum by (kind, outcome) (increase(aisle_artifact_loads_total[1h]))",
        "{{kind}} {{outcome}}",
    ),
    Panel(
        "Items changed since the indexes were fitted",
        "The next refresh fits them again.",
        "aisle_changed_items",
    ),
)


def _quality_panel(metric: QualityMetric) -> Panel:
    """Return the panel of a metric; of many features, only the highest ten are drawn."""
    name = metric.full_name
    expression = f"topk(10, {name})" if "feature" in metric.labels else name
    unit = "s" if name.endswith("_seconds") else "percentunit" if _is_share(name) else "short"
    return Panel(
        metric.name.replace("_", " ").capitalize(),
        metric.help,
        expression,
        " ".join(f"{{{{{label}}}}}" for label in metric.labels),
        unit,
    )


def _is_share(name: str) -> bool:
    return name.endswith(("_share", "_rate", "_disagreement"))


def _dashboard(title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    return {
        "uid": title.lower().replace(": ", "-"),
        "title": title,
        "schemaVersion": 39,
        "timezone": "utc",
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus"}],
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS)
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": source,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {
                "refId": "A",
                "datasource": source,
                "expr": panel.expression,
                "legendFormat": panel.legend,
            }
        ],
    }
