"""`make demo` goes from raw events to personalized rankings over HTTP, and resumes."""

import json
from itertools import chain

import pytest

from tests.e2e.conftest import DEMO, OWN_EVENTS, run_demo
from tests.e2e.ranklens import RANKLENS, events
from tests.scale import EXAMPLES

RANKINGS, LEAST_NDCG = (None, 0.6) if EXAMPLES > 1 else (1500, 0.55)
"""`make test` learns from the first rankings of RankLens alone: all 7,852 take four minutes and are
learned from in `make test-long`, which then expects more."""


def ranker_beats_click_rate(evaluation):
    row = next(r for r in evaluation["models"] if r["name"] == "ranker")
    return row["difference"]["low"] > 0


def test_a_killed_demo_resumes(finished_demo):
    resumed = finished_demo.answer

    ids = [item["item"] for item in resumed["showcase"]["before"]["items"]]
    moves = resumed["showcase"]["moves"]
    assert resumed["evaluation"]["test"]["ndcg@10"] > 0.4
    assert sorted(ids) == sorted(resumed["showcase"]["question"]["items"])
    assert [move["before"] for move in moves] != [move["after"] for move in moves]
    assert resumed["showcase"]["before"]["degraded"] == []
    assert "training" in resumed["seconds"]


def test_the_home_of_a_demo_is_for_its_owner_alone(finished_demo):
    files = [path for path in finished_demo.home.rglob("*") if not path.is_symlink()]

    assert {path.stat().st_mode & 0o077 for path in (finished_demo.home, *files)} == {0}


def test_a_finished_demo_reuses_its_results(finished_demo, tmp_path):
    finished_demo.copy_to(tmp_path / "home")

    again = run_demo(tmp_path / "home", DEMO)

    before, model = again["showcase"]["before"], finished_demo.answer["showcase"]["before"]
    assert "training" not in again["seconds"]
    assert before["model_version"] == model["model_version"]


@pytest.mark.skipif(not RANKLENS.exists(), reason="AISLE_DATA has no ranklens/events.jsonl.gz")
def test_real_events_give_a_ranker_that_beats_the_smoothed_click_rate(tmp_path):
    """It needs a minute: real events give a ranker only if they are more than a thousand slates."""
    items, slates = events(RANKINGS)
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, [*items, *chain(*slates)])))

    answer = run_demo(tmp_path / "home", f"EVENTS={path}", OWN_EVENTS)

    assert answer["evaluation"]["test"]["ndcg@10"] >= LEAST_NDCG
    assert ranker_beats_click_rate(answer["evaluation"])
    assert answer["showcase"]["after"]["degraded"] == []
