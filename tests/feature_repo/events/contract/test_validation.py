"""Events of the future and rankings with neither items nor query are invalid."""

import msgspec
import pytest

from feature_repo.events.contract import validate_event
from feature_repo.events.contract.validation import AHEAD
from feature_repo.home import EventError
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.event_samples import as_served, click, ranking, served


@pytest.mark.parametrize("event", [click("c1", NOON + AHEAD), click("c1", 0)])
def test_event_up_to_five_minutes_ahead_is_valid(event):
    assert validate_event(event, now=NOON, served=lambda _: None) is event


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (click("c1", NOON + AHEAD + 1), "event_time"),
        (click("c1", received_at=NOON + AHEAD + 1), "received_at"),
    ],
)
def test_event_further_ahead_is_invalid(event, field):
    with pytest.raises(EventError) as refused:
        validate_event(event, now=NOON, served=lambda _: None)

    assert refused.value.field == field


def test_ranking_without_items_gets_the_served_items():
    answer = served(temperature=0.5, seed=7)

    valid = validate_event(as_served("r1"), now=NOON, served={"r1": answer}.get)

    assert valid == ranking("r1", items=answer.items, temperature=0.5, seed=7)


@pytest.mark.parametrize("query", [None, "green shoes"])
def test_ranking_without_items_needs_a_served_answer(query):
    with pytest.raises(EventError, match="items: expected items, or the request_id of an answer"):
        validate_event(as_served("r1", query=query), now=NOON, served=lambda _: None)


@pytest.mark.parametrize("answer", [None, served(), served(items=())])
def test_ranking_of_an_empty_list_with_a_query_is_valid(answer):
    empty = ranking("r1", items=(), query="green shoes")

    assert validate_event(empty, now=NOON, served=lambda _: answer) == empty


def test_shown_answer_without_items_is_a_search_without_results():
    shown = as_served("r1", query="green shoes")

    valid = validate_event(shown, now=NOON, served=lambda _: served(items=()))

    assert valid == ranking("r1", items=(), query="green shoes")


@pytest.mark.parametrize("query", [None, "", "  "])
@pytest.mark.parametrize("event", [ranking("r1", items=()), as_served("r1")])
def test_ranking_without_items_or_query_is_invalid(event, query):
    queried = msgspec.structs.replace(event, query=query)

    with pytest.raises(
        EventError, match="items: expected at least one item, or a query without results"
    ):
        validate_event(queried, now=NOON, served=lambda _: served(items=()))
