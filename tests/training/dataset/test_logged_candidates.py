"""A slate is compared with every candidate that was ranked for it, shown or not."""

import pytest

from feature_repo.events.contract import RankingEvent, ServedEvent, ShownItem
from feature_repo.home import HOUR, Home
from tests.feature_repo.histories import START, write_log
from training.dataset import labelled_rankings
from training.dataset.build import numbered
from training.dataset.logged_candidates import with_unshown_candidates


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def slate(kind, request, items, at=START, **fields):
    shown = tuple(map(ShownItem, items))
    named = f"{kind.__name__}-{request}-{at}"
    return kind(
        event_id=named, event_time=at, received_at=at, request_id=request, items=shown, **fields
    )


def candidates(home, events):
    """The shown and the other items of each request, in order."""
    write_log(home, events)
    rows = numbered(labelled_rankings(home))
    requests = with_unshown_candidates(home, rows)
    assert requests["qid"].to_pylist() == sorted(requests["qid"].to_pylist())
    shown, items_by_request = {}, {}
    for row in rows.to_pylist():
        shown.setdefault(row["request_id"], []).append(row["item_id"])
    for row in requests.to_pylist():
        items_by_request.setdefault(row["request_id"], []).append(row["item_id"])
    for request, items in shown.items():
        assert items_by_request[request][: len(items)] == items
    return {
        request: (items, items_by_request[request][len(items) :])
        for request, items in shown.items()
    }


def test_candidates_that_were_not_shown_follow_the_shown_items(home):
    events = [
        slate(ServedEvent, "page", "ab", considered=("d", "c")),
        slate(RankingEvent, "page", "ba"),
        slate(ServedEvent, "rank", "abcd"),
        slate(RankingEvent, "rank", "cx"),
    ]

    assert candidates(home, events) == {
        "page": (["b", "a"], ["c", "d"]),
        "rank": (["c", "x"], ["a", "b", "d"]),
    }


def test_slate_without_an_answer_has_no_other_candidates(home):
    events = [
        slate(RankingEvent, "own", "ab"),
        slate(ServedEvent, "other", "abcd", considered=("e",)),
    ]

    assert candidates(home, events) == {"own": (["a", "b"], [])}


def test_slate_uses_the_answer_nearest_in_time(home):
    events = [
        slate(ServedEvent, "r", "ab", at=START, considered=("early",)),
        slate(ServedEvent, "r", "ab", at=START + 2 * HOUR, considered=("near",)),
        slate(RankingEvent, "r", "a", at=START + 3 * HOUR),
    ]

    assert candidates(home, events) == {"r": (["a"], ["b", "near"])}


def test_log_without_answers_adds_no_candidates(home):
    write_log(home, [slate(RankingEvent, "own", "ab")])
    rows = numbered(labelled_rankings(home))

    assert with_unshown_candidates(home, rows) is rows
