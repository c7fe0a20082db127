"""No event of the future, and no ranking without what was shown."""

import pytest

from feature_repo.errors import EventError
from feature_repo.events.admission import AHEAD, admit
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.histories import click, ranking, served


@pytest.mark.parametrize("event", [click("c1", NOON + AHEAD), click("c1", 0)])
def test_an_event_up_to_five_minutes_ahead_is_admitted(event):
    assert admit(event, now=NOON, served=lambda _: None) is event


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (click("c1", NOON + AHEAD + 1), "event_time"),
        (click("c1", received_at=NOON + AHEAD + 1), "received_at"),
    ],
)
def test_an_event_further_ahead_is_refused(event, field):
    with pytest.raises(EventError) as refused:
        admit(event, now=NOON, served=lambda _: None)

    assert refused.value.field == field


def test_a_ranking_that_names_no_items_takes_those_served():
    answer = served(temperature=0.5, seed=7)

    admitted = admit(ranking("r1", items=()), now=NOON, served={"r1": answer}.get)

    assert admitted == ranking("r1", items=answer.items, temperature=0.5, seed=7)


@pytest.mark.parametrize("answer", [None, served(items=())])
def test_a_ranking_of_an_unknown_answer_is_refused(answer):
    with pytest.raises(EventError, match="items"):
        admit(ranking("r1", items=()), now=NOON, served=lambda _: answer)
