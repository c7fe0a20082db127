"""Admission: what a well-formed event must meet besides its form before it is logged.

Every door asks here, `aisle ingest` as well as HTTP: an event may not lie in the future, a ranking
that leaves out its items takes those this shop answered with, and one that showed none must name
the query that found nothing.
"""

from collections.abc import Callable

import msgspec

from feature_repo.events.contract.events import (
    AnyEvent,
    RankingEvent,
    ServedEvent,
    ServedRankingEvent,
)
from feature_repo.events.contract.query_key import query_key
from feature_repo.home import MINUTE, EventError, to_text

AHEAD = 5 * MINUTE
"""How far a sender's clock may be ahead of ours; such an event is held until its time."""


def validate_event(
    event: AnyEvent, *, now: int, served: Callable[[str], ServedEvent | None]
) -> AnyEvent:
    """Give the event as it is to be logged.

    Args:
        event: as parsed.
        now: the clock.
        served: looks up this shop's answer to a request, `EventLog.served` for one.

    Raises:
        EventError: an event of the future, a ranking that leaves out its items and was not answered
            here, or one of no items and no query.
    """
    for field in ("event_time", "received_at"):
        if getattr(event, field) > now + AHEAD:
            found = to_text(getattr(event, field))
            raise EventError(field, f"a time at most 5 minutes after {to_text(now)}", found)
    if isinstance(event, ServedRankingEvent):
        event = _with_served_items(event, served(event.request_id))
    if isinstance(event, RankingEvent) and not event.items and _key_of(event) is None:
        raise EventError("items", "at least one item, or a query that found none", [])
    return event


def _with_served_items(event: ServedRankingEvent, answer: ServedEvent | None) -> RankingEvent:
    if answer is None:
        raise EventError("items", "items, or the request_id of an answer of this shop", None)
    told = msgspec.structs.asdict(event)
    served = {"items": answer.items, "temperature": answer.temperature, "seed": answer.seed}
    return RankingEvent(**told | served)


def _key_of(event: RankingEvent) -> str | None:
    return query_key(event.query, event.market)
