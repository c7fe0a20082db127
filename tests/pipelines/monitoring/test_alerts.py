"""Each alert is raised by what it names and by nothing else; each metric is read by somebody."""

import json
import re
import subprocess

import pytest
from prometheus_client.metrics import MetricWrapperBase

from feature_repo.home import CHECKOUT
from pipelines.cli.main import main
from pipelines.monitoring.alerts import ALERTS, RUNBOOK
from pipelines.monitoring.dashboards import dashboards
from pipelines.monitoring.files import texts
from serving.monitoring import metrics
from tests.pipelines.monitoring.promtool import check, needs_promtool, raises, series
from training.monitoring import QUALITY_METRICS

MINUTES = 130
"""Length of the series, longer than each alert waits."""

Q = "aisle_quality_"


def flat(name, value, **labels):
    return [series(name, [value] * (MINUTES // 10 + 1), **labels)]


def rising(name, step, **labels):
    return [series(name, [n * step for n in range(MINUTES // 10 + 1)], **labels)]


def in_windows(name, **values):
    windows = {"day": "24h", "week": "7d"}
    return [one for key, v in values.items() for one in flat(Q + name, v, window=windows[key])]


RAISING = {
    "PricesShifted": flat(Q + "catalogue_psi", 0.2, field="price"),
    "BrokenField": flat(Q + "field_unreadable_share", 0.3, field="price"),
    "FrozenView": flat(Q + "view_rows_ratio", 0, view="item_engagement"),
    "StaleBatchView": flat(Q + "view_age_seconds", 200_000, view="item_percentiles"),
    "BotTraffic": flat(Q + "bot_share", 0.5),
    "StaleQuality": flat(Q + "age_seconds", 4000),
    "MissingFeature": flat(Q + "feature_null_share", 0.4, feature="price"),
    "FeatureOutsideRange": flat(Q + "feature_outside_share", 0.4, feature="price"),
    "FeatureDrift": flat(Q + "feature_psi", 0.6, feature="price"),
    "VerifyMismatch": flat(Q + "verify_mismatches", 1),
    "ClickRateFell": in_windows("click_rate", day=0.04, week=0.1)
    + in_windows("impressions", day=2000),
    "EmptySearches": in_windows("empty_share", day=0.3, week=0.1) + in_windows("searches", day=200),
    "DegradedAnswers": rising("aisle_degraded_total", 100, stage="hydrate")
    + rising("aisle_answer_seconds_count", 1000, endpoint="rank"),
    "SlowAnswers": rising("aisle_answer_seconds_bucket", 10, endpoint="rank", le="0.2")
    + rising("aisle_answer_seconds_bucket", 1000, endpoint="rank", le="0.5")
    + rising("aisle_answer_seconds_bucket", 1000, endpoint="rank", le="+Inf"),
    "ServerErrors": rising("aisle_refused_total", 1, status="503"),
    "LiveStateDown": flat("aisle_live_state_up", 0),
    "EventsWaiting": flat("aisle_pending_events", 3),
    "AnswersLost": rising("aisle_served_lost_total", 1),
    "ArtifactRejected": rising("aisle_artifact_loads_total", 1, kind="ranker", outcome="refused"),
    "EventsQuarantined": rising("aisle_events_total", 30, outcome="quarantined")
    + rising("aisle_events_total", 100, outcome="accepted"),
}
"""Alert → series that raise it and no other."""

QUIET = [
    *flat(Q + "catalogue_psi", 0.1, field="price"),
    *flat(Q + "field_unreadable_share", 0.1, field="price"),
    *flat(Q + "view_rows_ratio", 0.1, view="item_engagement"),
    *flat(Q + "view_age_seconds", 100_000, view="item_percentiles"),
    *flat(Q + "view_age_seconds", 10**7, view="user_attributes"),
    *flat(Q + "bot_share", 0.2),
    *flat(Q + "age_seconds", 1200),
    *flat(Q + "feature_null_share", 0.2, feature="price"),
    *flat(Q + "feature_outside_share", 0.2, feature="price"),
    *flat(Q + "feature_psi", 0.4, feature="price"),
    *flat(Q + "verify_mismatches", 0),
    *in_windows("click_rate", day=0.06, week=0.1),
    *in_windows("impressions", day=2000),
    *in_windows("empty_share", day=0.15, week=0.1),
    *in_windows("searches", day=200),
    *rising("aisle_degraded_total", 10, stage="hydrate"),
    *rising("aisle_answer_seconds_count", 1000, endpoint="rank"),
    *rising("aisle_answer_seconds_bucket", 1000, endpoint="rank", le="0.2"),
    *rising("aisle_answer_seconds_bucket", 1000, endpoint="rank", le="+Inf"),
    *rising("aisle_refused_total", 100, status="429"),
    *flat("aisle_live_state_up", 1),
    *flat("aisle_pending_events", 0),
    *flat("aisle_served_lost_total", 7),
    *rising("aisle_artifact_loads_total", 1, kind="ranker", outcome="loaded"),
    *rising("aisle_events_total", 5, outcome="quarantined"),
    *rising("aisle_events_total", 100, outcome="accepted"),
]


@needs_promtool
def test_each_alert_is_raised_by_its_own_series_alone(tmp_path):
    cases = [raises(name, inputs, [MINUTES], [[name]]) for name, inputs in RAISING.items()]

    check(tmp_path, [*cases, raises("quiet", QUIET, [MINUTES], [[]])])

    assert set(RAISING) == {alert.name for alert in ALERTS}


@needs_promtool
def test_promtool_notices_an_alert_that_is_not_raised(tmp_path):
    case = raises("quiet", QUIET, [MINUTES], [["BotTraffic"]])

    with pytest.raises(AssertionError, match="BotTraffic"):
        check(tmp_path, [case])


def test_each_alert_has_a_runbook_section():
    headings = re.findall(r"^### (\w+)$", (CHECKOUT / RUNBOOK).read_text(), re.MULTILINE)

    assert sorted(headings) == sorted(alert.name for alert in ALERTS)
    for alert in ALERTS:
        assert alert.to_rule()["annotations"]["runbook"] == f"{RUNBOOK}#{alert.name.lower()}"
        assert alert.summary.endswith(".")


def test_the_manifests_have_the_declared_rules_and_dashboards(tmp_path, capsys):
    assert main(["monitor", "--out", str(tmp_path), "--json"]) == 0

    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    folder = CHECKOUT / "k8s" / "base" / "monitoring"
    assert written == texts()
    assert {path.name: path.read_text() for path in folder.iterdir()} == written, (
        "run `aisle monitor --out k8s/base/monitoring`"
    )


def expressions():
    panels = [panel for board in dashboards().values() for panel in board["panels"]]
    return [
        *(alert.expression for alert in ALERTS),
        *(target["expr"] for panel in panels for target in panel["targets"]),
    ]


def names_read():
    """Names of metrics in all expressions, without the endings of counters and histograms."""
    names = {name for text in expressions() for name in re.findall(r"\baisle_\w+", text)}
    return {re.sub("_(total|bucket|sum|count)$", "", name) for name in names}


def test_every_declared_metric_is_read_and_every_metric_that_is_read_is_declared():
    of_the_machine = {
        metric._name for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)
    }
    declared = {metric.full_name for metric in QUALITY_METRICS} | of_the_machine

    assert names_read() == declared


def test_every_label_that_is_read_is_declared():
    labels = {metric.full_name: {*metric.labels} for metric in QUALITY_METRICS}
    labels |= {
        metric._name: {*metric._labelnames}
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
    }

    for text in expressions():
        for name, selector in re.findall(r"\b(aisle_\w+)\{([^}]*)\}", text):
            selected = set(re.findall(r"(\w+)=", selector))
            assert selected <= labels[re.sub("_(total|bucket|sum|count)$", "", name)], text


def test_dashboards_are_json_with_a_description_for_each_panel():
    for name, board in dashboards().items():
        assert json.loads(texts()[f"{name}.json"]) == board
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        for panel in board["panels"]:
            assert panel["description"].endswith("."), panel["title"]


@needs_promtool
def test_prometheus_can_parse_every_expression(tmp_path):
    path = tmp_path / "panels.json"
    rules = [{"record": f"r{n}", "expr": text} for n, text in enumerate(expressions())]
    path.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))

    command = ["promtool", "check", "rules", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
