"""Every alert, declared once; the Prometheus rules derive from these declarations.

Each alert has a section of its name in `docs/monitoring.md`, which says what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from feature_repo.views import BUILT_IN

RUNBOOK = "docs/monitoring.md"

_BATCH_VIEWS = "|".join(spec.name for spec in BUILT_IN if spec.live is None)


@dataclass(frozen=True)
class Alert:
    """One alert.

    Attributes:
        name: in CamelCase; also the heading of its runbook section.
        expression: in PromQL; true where the alert is raised.
        summary: one sentence for whoever is on duty; may use the labels.
        minutes: for which the expression must be true.
        severity: `page`: shoppers or events suffer now; `ticket`: look at it within a day.
    """

    name: str
    expression: str
    summary: str
    minutes: int = 0
    severity: Literal["page", "ticket"] = "ticket"

    def to_rule(self) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        waits: Mapping[str, str] = {"for": f"{self.minutes}m"} if self.minutes else {}
        return {
            "alert": self.name,
            "expr": self.expression,
            **waits,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "runbook": f"{RUNBOOK}#{self.name.lower()}",
            },
        }


_OF_DATA = (
    Alert(
        "PricesShifted",
        "aisle_quality_catalogue_psi > 0.15",
        "The values of {{ $labels.field }} differ from those of a week ago.",
        severity="page",
    ),
    Alert(
        "BrokenField",
        "aisle_quality_field_unreadable_share > 0.2",
        "{{ $value | humanizePercentage }} of new values of {{ $labels.field }} are unreadable.",
        severity="page",
    ),
    Alert(
        "FrozenView",
        "aisle_quality_view_rows_ratio < 0.01",
        "View {{ $labels.view }} got no row in an hour whose events make some.",
        severity="page",
    ),
    Alert(
        "StaleBatchView",
        f'aisle_quality_view_age_seconds{{view=~"{_BATCH_VIEWS}"}} > 2 * 86400',
        "The newest row of view {{ $labels.view }} is {{ $value | humanizeDuration }} old.",
        minutes=60,
    ),
    Alert(
        "BotTraffic",
        "aisle_quality_bot_share > 0.3",
        "{{ $value | humanizePercentage }} of the events of an hour come from bots.",
    ),
    Alert(
        "StaleQuality",
        "aisle_quality_age_seconds > 3600",
        "No refresh has measured quality for {{ $value | humanizeDuration }}.",
    ),
)
_OF_FEATURES = (
    Alert(
        "MissingFeature",
        "aisle_quality_feature_null_share > 0.3",
        "{{ $labels.feature }} is missing more often in answers than in training.",
        severity="page",
    ),
    Alert(
        "FeatureOutsideRange",
        "aisle_quality_feature_outside_share > 0.3",
        "{{ $labels.feature }} has values that training never had.",
    ),
    Alert(
        "FeatureDrift",
        "aisle_quality_feature_psi > 0.5",
        "{{ $labels.feature }} is distributed otherwise than in training.",
    ),
    Alert(
        "VerifyMismatch",
        "aisle_quality_verify_mismatches > 0",
        "{{ $value }} logged values differ from those that training computes.",
        severity="page",
    ),
)
_OF_ANSWERS = (
    Alert(
        "ClickRateFell",
        'aisle_quality_click_rate{window="24h"} < ignoring(window) '
        '(0.5 * aisle_quality_click_rate{window="7d"}) and ignoring(window) '
        'aisle_quality_impressions{window="24h"} >= 1000',
        "The click rate of a day is less than half of that of the week.",
        minutes=30,
        severity="page",
    ),
    Alert(
        "EmptySearches",
        'aisle_quality_empty_share{window="24h"} > 0.1 and ignoring(window) '
        'aisle_quality_empty_share{window="24h"} > ignoring(window) '
        '(2 * aisle_quality_empty_share{window="7d"}) and ignoring(window) '
        'aisle_quality_searches{window="24h"} >= 100',
        "{{ $value | humanizePercentage }} of the day's searches have no result.",
        minutes=30,
    ),
    Alert(
        "DegradedAnswers",
        "sum(rate(aisle_degraded_total[10m])) / sum(rate(aisle_answer_seconds_count[10m])) > 0.05",
        "{{ $value | humanizePercentage }} of the answers lack a stage.",
        minutes=5,
        severity="page",
    ),
    Alert(
        "SlowAnswers",
        "histogram_quantile(0.99, sum by (le, endpoint) "
        "(rate(aisle_answer_seconds_bucket[10m]))) > 0.25",
        "One in a hundred answers of {{ $labels.endpoint }} takes longer than a quarter second.",
        minutes=10,
        severity="page",
    ),
    Alert(
        "ServerErrors",
        'sum(rate(aisle_refused_total{status=~"5.."}[10m])) > 0',
        "Requests are answered with a server error.",
        minutes=5,
        severity="page",
    ),
)
_OF_STATE = (
    Alert(
        "LiveStateDown",
        "aisle_live_state_up == 0",
        "Live features cannot be read; answers are ranked by popularity.",
        minutes=2,
        severity="page",
    ),
    Alert(
        "EventsWaiting",
        "aisle_pending_events > 0",
        "{{ $value }} acknowledged events do not count in the live features.",
        minutes=10,
        severity="page",
    ),
    Alert(
        "AnswersLost",
        "increase(aisle_served_lost_total[1h]) > 0",
        "Answers were not logged, so their impressions cannot be learned from.",
    ),
    Alert(
        "ArtifactRejected",
        'increase(aisle_artifact_loads_total{outcome="refused"}[1h]) > 0',
        "A published {{ $labels.kind }} could not be loaded; the one before stays in use.",
    ),
    Alert(
        "EventsQuarantined",
        'sum(rate(aisle_events_total{outcome="quarantined"}[1h])) / '
        'sum(rate(aisle_events_total{outcome=~"accepted|quarantined"}[1h])) > 0.1',
        "{{ $value | humanizePercentage }} of the events of an hour were quarantined.",
        minutes=10,
    ),
)
ALERTS = (*_OF_DATA, *_OF_FEATURES, *_OF_ANSWERS, *_OF_STATE)
