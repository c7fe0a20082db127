"""Validate parsed events against the clock and the log, before they are logged.

`aisle ingest` and the HTTP service both call `validate_event`. An event may not be in the future;
a ranking without items gets the items that Aisle served; a ranking of an empty list must have the
query whose results were empty.
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
"""How far a sender's clock may be ahead; such an event counts once its time has come."""


def validate_event(
    event: AnyEvent, *, now: int, served: Callable[[str], ServedEvent | None]
) -> AnyEvent:
    """Validate an event and return it as it will be logged.

    Args:
        event: as parsed.
        now: the clock's instant.
        served: looks up Aisle's answer to a request, for example `EventLog.served`.

    Raises:
        EventError: an event of the future; a ranking without items whose request Aisle did not
            answer; or a ranking of an empty list without a query.
    """
    for field in ("event_time", "received_at"):
        instant = getattr(event, field)
        if instant > now + AHEAD:
            expected = f"a time at most 5 minutes after {to_text(now)}"
            raise EventError(field, expected, to_text(instant))
    if isinstance(event, ServedRankingEvent):
        event = _with_served_items(event, served(event.request_id))
    if isinstance(event, RankingEvent) and not event.items and not _has_query(event):
        raise EventError("items", "at least one item, or a query without results", [])
    return event


def _with_served_items(event: ServedRankingEvent, answer: ServedEvent | None) -> RankingEvent:
    if answer is None:
        raise EventError("items", "items, or the request_id of an answer of this shop", None)
    reported = msgspec.structs.asdict(event)
    served = {"items": answer.items, "temperature": answer.temperature, "seed": answer.seed}
    return RankingEvent(**reported | served)


def _has_query(event: RankingEvent) -> bool:
    return query_key(event.query, event.market) is not None
