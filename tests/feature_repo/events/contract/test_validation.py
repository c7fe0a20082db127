"""Events of the future, rankings without items or query, and misplaced rewards are invalid."""

import msgspec
import pytest

from feature_repo.events.contract import DECISION, REWARD, Decision
from feature_repo.events.contract import validate_event as validate_any
from feature_repo.events.contract.validation import AHEAD
from feature_repo.home import HOUR, EventError
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.event_samples import as_served, click, ranking, served

DECIDED = msgspec.structs.replace(
    click("d1"), item_id="sale", type=DECISION, decision=Decision("banner/-/sale", 0.5, NOON + HOUR)
)


def validate_event(event, *, now, served, logged=(DECIDED,)):
    by_id = {event.event_id: event for event in logged}
    return validate_any(event, now=now, served=served, interaction=by_id.get)


def reward(at=NOON + 1, **changes):
    named = {"item_id": "sale", "type": REWARD, "request_id": "d1", **changes}
    return msgspec.structs.replace(click("own-id", at), **named)


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


def test_a_reward_gets_the_decision_that_it_names_and_the_id_of_its_only_reward():
    valid = validate_event(reward(), now=NOON, served=lambda _: None)

    assert valid == reward(event_id="d1:reward", decision=DECIDED.decision)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (reward(request_id=None), "request_id"),
        (reward(request_id="never-decided"), "request_id"),
        (reward(request_id="c1"), "request_id"),
        (reward(item_id="other"), "item_id"),
        (reward(NOON + HOUR + 1), "event_time"),
        (reward(NOON - AHEAD - 1), "event_time"),
        (reward(type=DECISION), "type"),
    ],
    ids=["no decision", "unknown", "a click", "another arm", "too late", "too early", "decision"],
)
def test_a_reward_that_fits_no_decision_is_invalid(event, field):
    with pytest.raises(EventError) as refused:
        validate_event(event, now=NOON + 2 * HOUR, served=lambda _: None, logged=(DECIDED, click()))

    assert refused.value.field == field


def test_a_correction_of_a_decision_is_valid():
    correction = reward(type=DECISION, corrects="d1")

    assert validate_event(correction, now=NOON, served=lambda _: None) is correction
