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
    """The items of each request, in order, those that were shown beside those that were not."""
    write_log(home, events)
    rows = numbered(labelled_rankings(home))
    asked = with_unshown_candidates(home, rows)
    assert asked["qid"].to_pylist() == sorted(asked["qid"].to_pylist())
    shown, found = {}, {}
    for row in rows.to_pylist():
        shown.setdefault(row["request_id"], []).append(row["item_id"])
    for row in asked.to_pylist():
        found.setdefault(row["request_id"], []).append(row["item_id"])
    for request, items in shown.items():
        assert found[request][: len(items)] == items
    return {request: (items, found[request][len(items) :]) for request, items in shown.items()}


def test_what_was_answered_or_considered_and_not_shown_stands_behind_what_was(home):
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


def test_a_shops_own_slate_is_all_there_is(home):
    events = [
        slate(RankingEvent, "own", "ab"),
        slate(ServedEvent, "other", "abcd", considered=("e",)),
    ]

    assert candidates(home, events) == {"own": (["a", "b"], [])}


def test_of_several_answers_the_one_nearest_in_time_counts(home):
    events = [
        slate(ServedEvent, "r", "ab", at=START, considered=("early",)),
        slate(ServedEvent, "r", "ab", at=START + 2 * HOUR, considered=("near",)),
        slate(RankingEvent, "r", "a", at=START + 3 * HOUR),
    ]

    assert candidates(home, events) == {"r": (["a"], ["b", "near"])}


def test_a_log_without_answers_is_left_as_it_is(home):
    write_log(home, [slate(RankingEvent, "own", "ab")])
    rows = numbered(labelled_rankings(home))

    assert with_unshown_candidates(home, rows) is rows
