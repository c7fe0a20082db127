"""The demo ranks a slate of the log twice, if the log has one."""

import json

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import Clock
from pipelines.demo.showcase import choose_request

SHOWN = {
    "kind": "ranking",
    "event_id": "r",
    "event_time": "2026-01-05T10:00:00Z",
    "request_id": "q",
    "user_id": "ann",
    "items": [{"item_id": item} for item in "abcd"],
}
CLICK = {
    "kind": "interaction",
    "event_id": "c",
    "event_time": "2026-01-05T10:01:00Z",
    "type": "click",
    "item_id": "a",
    "user_id": "ann",
}


@pytest.fixture
def log_of(home):
    """Returns a function that writes a log of some events."""

    def write(*events):
        path = home.root.parent / "events.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        ingest([path], home=home, clock=Clock())
        return EventLog(home, Clock())

    return write


def test_the_slate_of_a_user_with_a_click_is_chosen(log_of):
    request = choose_request(log_of(SHOWN, CLICK))

    assert (request.user, request.items) == ("ann", ["a", "b", "c", "d"])


@pytest.mark.parametrize(
    "events",
    [[SHOWN], [CLICK], [SHOWN, {**CLICK, "user_id": "ben"}], [{**SHOWN, "items": []}, CLICK]],
    ids=["no click", "no ranking", "a click of another user", "no items"],
)
def test_a_log_without_such_a_slate_has_none(log_of, events):
    assert choose_request(log_of(*events)) is None
