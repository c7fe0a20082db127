"""The report of a day agrees with a count of the events."""

import json

import pytest
from msgspec.structs import replace

from feature_repo.events.log import EventLog
from feature_repo.home import DAY, HOUR, MINUTE, Clock, SettingError, Settings, to_text
from pipelines.steps import DAY_PAGE, DAY_REPORT, report_day
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.event_samples import click, item, ranking

TODAY = to_text(NOON)[:10]


@pytest.fixture
def day_home(home):
    """A home with a day of searches, and a day with fewer a week before."""
    log = EventLog(home, Clock.of(Settings(home=home, clock=to_text(NOON + HOUR))))
    events = [
        item("n1", at=NOON - 7 * DAY),
        *_search(1, "lamp", NOON - 2 * DAY),
        *_search(6, "lamp", NOON),
        *_search(2, "sofa", NOON, items=()),
        ranking("home", NOON, surface="home", user_id="u1"),
        click("c1", NOON + MINUTE, request_id=f"lamp{NOON}0", user_id="u1"),
        click("c2", NOON + MINUTE, request_id=f"lamp{NOON}0", user_id="u1"),
        replace(click("c3", NOON + 2 * MINUTE, value=12.5, user_id="u2"), type="purchase"),
        click("c4", NOON + 3 * MINUTE, corrects="c2"),
    ]
    log.writer().append(events)
    log.seal()
    log.compact()
    return home


def test_day_report_counts_the_events_of_the_day(day_home, tmp_path):
    summary = report_day(day_home.root, tmp_path / "out", TODAY)

    report = json.loads((tmp_path / "out" / DAY_REPORT).read_text())
    today, before = report["days"][0], report["days"][2]
    assert summary == today
    assert (today["slates"], today["searches"], today["empty_searches"]) == (9, 8, 2)
    assert (today["impressions"], today["clicks"], today["clicked_slates"]) == (14, 1, 1)
    assert (today["orders"], today["revenue"]) == (1, 12.5)
    assert today["zero_result_share"] == 2 / 8
    assert (before["searches"], before["clicks"]) == (1, 0)
    assert report["coverage"] == {"items": 1, "shown": 1, "clicked": 1}


def test_day_report_lists_queries_that_need_attention(day_home, tmp_path):
    report_day(day_home.root, tmp_path / "out", TODAY)

    queries = json.loads((tmp_path / "out" / DAY_REPORT).read_text())["queries"]
    assert [query["query"] for query in queries["top"]] == ["lamp", "sofa"]
    assert [query["query"] for query in queries["zero_results"]] == ["sofa"]
    assert [query["query"] for query in queries["rising"]] == ["lamp"]
    assert queries["rising"][0]["usual_searches"] == pytest.approx(1 / 7)
    page = (tmp_path / "out" / DAY_PAGE).read_text()
    assert "Rising queries" in page
    assert "<script" not in page


def test_a_day_without_events_has_a_report(home, tmp_path):
    Clock.of(Settings(home=home, clock=to_text(NOON)))

    summary = report_day(home.root, tmp_path / "out")

    assert summary["slates"] == 0
    assert summary["zero_result_share"] is None


def test_a_date_that_is_no_date_is_refused(home, tmp_path):
    with pytest.raises(SettingError, match=r"such as 2026-01-31, found '31\.1\.'"):
        report_day(home.root, tmp_path / "out", "31.1.")


def _search(number, query, at, **changes):
    """Return searches for a query, each by another user."""
    return [
        ranking(f"{query}{at}{n}", at + n, query=query, user_id=f"u{n}", **changes)
        for n in range(number)
    ]
