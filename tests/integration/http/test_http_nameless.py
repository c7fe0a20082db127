"""At one instant the service answers a visit without a name, a new user and a linked visit equally.

The three have clicks of the same instants.  Their answers are computed in this process, because
two HTTP requests are never of the same microsecond, which the ages among the features show.
"""

import asyncio
import uuid

import pytest

from feature_repo.home import SECOND
from serving.contract import Candidate, RankBody, RecommendBody, SearchBody
from serving.flow import Resources, answer, answer_page

CLICKS = 6
LINKED_AFTER = 3
SHOPPERS = "user", "session", "linked"


class StoppedClock:
    """A clock that always returns the same instant."""

    def __init__(self, instant):
        self.instant = instant

    def now(self):
        return self.instant


def clicks_of(shopper, id_, instants, items):
    """Return the events of a shopper; the third one is linked after some clicks."""
    who = {"user_id" if shopper == "user" else "session_id": id_}
    events = [
        {
            "kind": "interaction",
            "type": "click",
            "event_id": uuid.uuid4().hex,
            "event_time": instant,
            "item_id": item,
            **who,
        }
        for instant, item in zip(instants, items, strict=True)
    ]
    if shopper == "linked":
        link = {"kind": "user", "op": "link", "user_id": f"owner of {id_}", **who}
        at = instants[LINKED_AFTER - 1] + 1
        events.append({**link, "event_id": uuid.uuid4().hex, "event_time": at})
    return events


@pytest.fixture(scope="module")
def answers(shop, running_service):
    """By kind of request, the answer to each shopper."""
    service = running_service
    items, query = service.items, "shoes"
    # Ahead of the clock: such an event counts from its own time, not from its arrival.
    first = service.clock.now() + 3 * SECOND
    instants = [first + n * SECOND // 1000 for n in range(CLICKS)]
    ids = {shopper: f"{shopper}-{uuid.uuid4().hex[:8]}" for shopper in SHOPPERS}
    events = [
        e for shopper, id_ in ids.items() for e in clicks_of(shopper, id_, instants, items[:CLICKS])
    ]
    sent = service.http.post("/events", json=events).json()
    assert sent["accepted"] == len(events), sent
    who = {
        "user": {"user": ids["user"]},
        "session": {"session": ids["session"]},
        "linked": {"user": f"owner of {ids['linked']}", "session": ids["linked"]},
    }
    for shopper in SHOPPERS:
        assert service.eventually(lambda who=who[shopper]: counted(service, who) == CLICKS)
    candidates = [Candidate(id=item) for item in items]

    async def of(resources, who):
        return {
            "rank": await answer(
                resources, "default", RankBody(items=candidates, **who), explain=True
            ),
            "search": await answer_page(
                resources, "search", SearchBody(query=query, **who), explain=True
            ),
            **{
                surface: await answer_page(resources, surface, RecommendBody(**who), explain=True)
                for surface in ("home", "again", "trending")
            },
        }

    async def of_all():
        resources = Resources.open(shop)
        try:
            resources.clock = StoppedClock(service.clock.now())
            return {shopper: await of(resources, who[shopper]) for shopper in SHOPPERS}
        finally:
            await resources.close()

    return asyncio.run(of_all())


def counted(service, who):
    item = service.items[0]
    return service.explain([item], **who)[item]["user_engagement__clicks_all"]


@pytest.mark.parametrize("other", ["user", "linked"])
@pytest.mark.parametrize("request_kind", ["rank", "search", "home", "again", "trending"])
def test_a_nameless_visit_is_answered_bit_for_bit_like(request_kind, other, answers):
    nameless, named = answers["session"][request_kind], answers[other][request_kind]

    assert nameless.degraded == named.degraded == []
    assert nameless.items
    assert nameless.items == named.items
