"""A running service exposes the metrics that alerts and dashboards read, and no other."""

import re

import pytest

from pipelines.cli.main import main
from pipelines.steps import refresh
from tests.pipelines.monitoring.test_alerts import names_read
from training.monitoring import QUALITY_METRICS, Quality

ANSWERS, SLATE = 12, 50
"""Enough recorded rows for the figures of features."""

NEED_A_FAULT = {"aisle_served_lost", "aisle_degraded"}
"""Counters of faults; Prometheus' client writes one with labels when it first counts."""


@pytest.fixture(scope="module")
def measured(shop, running_service):
    """The service, after answers, events and a refresh that measured their quality."""
    service = running_service
    for n in range(ANSWERS):
        service.rank(service.items[:SLATE], user=service.users[n % 5], params={"shown": "1"})
    service.search("red")
    service.click(service.items[0])
    service.http.post("/rank/default", content=b"{")
    ranked = f"answers of {ANSWERS} requests"
    assert service.eventually(lambda: len(list(service.log.unsealed())) >= 2 * ANSWERS), ranked
    refresh(shop, wait=True)
    return service


def exposed(service):
    """Names in the exposition, without the endings of counters and histograms."""
    names = set(re.findall(r"^# TYPE (aisle_\w+)", service.http.get("/metrics").text, re.MULTILINE))
    return {re.sub("_total$", "", name) for name in names}


def test_a_running_service_exposes_what_alerts_and_dashboards_read(measured):
    exposing = exposed(measured)

    rare = {metric.full_name for metric in QUALITY_METRICS if metric.full_name not in exposing}

    assert exposing <= names_read()
    assert names_read() - exposing <= NEED_A_FAULT | rare
    assert {name.removeprefix("aisle_quality_") for name in rare} <= {
        *("field_unreadable_share", "verify_mismatches", "view_rows_ratio", "bot_share"),
        *("feature_psi", "catalogue_psi", "shadow_disagreement"),
    }


def test_answers_are_counted_by_surface_and_ranker(measured):
    version = measured.rank(measured.items[:2]).json()["model_version"]

    line = f'aisle_quality_answers{{surface="",variant="{version}"}}'

    assert measured.metric(line) >= ANSWERS
    assert measured.metric(f'aisle_quality_scores{{quantile="0.5",variant="{version}"}}') != 0


def test_features_of_answers_are_compared_with_the_training(measured):
    text = measured.http.get("/metrics").text

    assert 'aisle_quality_feature_null_share{feature="item_attributes__price"}' in text
    assert 'aisle_quality_feature_outside_share{feature="' in text


def test_a_verification_is_shown_after_the_next_measurement(measured, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(measured.home.root))
    assert main(["verify", "--json"]) == 0

    assert main(["monitor", "--json"]) == 0

    assert "aisle_quality_verify_mismatches 0.0" in measured.http.get("/metrics").text
    assert measured.metric("aisle_quality_age_seconds") >= 0


def test_a_damaged_file_of_figures_leaves_the_other_metrics(measured):
    path = measured.home.monitoring / "quality.json"
    before = path.read_bytes()
    path.write_bytes(before[: len(before) // 2])

    text = measured.http.get("/metrics").text

    assert Quality.read(measured.home) is None
    assert "aisle_quality" not in text
    assert "aisle_answer_seconds" in text
    path.write_bytes(before)
