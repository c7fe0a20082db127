"""Every pipeline runs through Kubeflow's local runner; `test_pipeline.py` has `retrain`."""

import json

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.home import Clock, Home, Settings
from pipelines.catalogue import pipeline_of, pipelines
from pipelines.kubeflow import run_pipeline
from pipelines.steps import recent_runs
from training.studies.simulation import simulate

ARGUMENTS = {
    "features": {},
    "indices": {},
    "search": {"trials": 1},
    "backfill": {"until": "2026-01-01"},
    "daily_report": {"date": "2026-01-08"},
    "verify": {},
}
"""The pipelines in the order in which they run, with their parameters."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory, shared_redis):
    """A home in which the pipelines ran one after the other, and the report of each."""
    root = tmp_path_factory.mktemp("pipelines")
    events = simulate(root / "shop.jsonl", users=120, items=40, days=8)
    old = root / "old.jsonl"
    old.write_text(json.dumps(purchase("2025-12-30")) + "\n" + json.dumps(purchase("2025-12-31")))
    home = Home(root / "home")
    ingest([events], home=home, clock=Clock.of(Settings(home, clock="2026-01-14T00:00:00Z")))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDIS_URL", shared_redis.url)
        arguments = {**ARGUMENTS, "backfill": {**ARGUMENTS["backfill"], "events": [str(old)]}}
        return home, {
            name: run_pipeline(pipeline_of(name), home, values, retries=False)
            for name, values in arguments.items()
        }


def purchase(day):
    return {
        "kind": "interaction",
        "event_id": f"old-{day}",
        "event_time": f"{day}T10:00:00Z",
        "type": "purchase",
        "item_id": "i00001",
        "user_id": "u00001",
    }


def test_every_pipeline_ends_well_and_reports_it(reports):
    home, _ = reports

    assert {*ARGUMENTS, "retrain"} == pipelines().keys()
    runs = [(run["name"], run["state"]) for run in recent_runs(home)]
    assert sorted(runs) == [(name, "SUCCEEDED") for name in sorted(ARGUMENTS)]


def test_every_pipeline_returns_the_report_of_its_result(reports):
    home, results = reports

    assert results["features"]["views"]["item_engagement"]["rows"] > 0
    assert results["backfill"]["views"]["item_engagement"]["rows"] > 0
    assert "lexical" in results["indices"]["versions"]
    assert results["search"]["best"]["max_depth"] > 0
    assert results["daily_report"]["day"] == "2026-01-08"
    assert results["verify"]["mismatches"] == []
    assert (home.current / "lexical" / "default").exists()
