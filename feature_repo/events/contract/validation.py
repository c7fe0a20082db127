"""Validate parsed events against the clock and the log, before they are logged.

`aisle ingest` and the HTTP service both call `validate_event`. An event may not be in the future;
a ranking without items gets the items that Aisle served; a ranking of an empty list must have the
query whose results were empty; a reward gets the decision that it names.
"""

from collections.abc import Callable, Sequence
from typing import TypeGuard

import msgspec

from feature_repo.events.contract.decisions import DECISION, REWARD, reward_id
from feature_repo.events.contract.events import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    ServedEvent,
    ServedRankingEvent,
)
from feature_repo.events.contract.query_key import query_key
from feature_repo.home import MINUTE, EventError, to_text

AHEAD = 5 * MINUTE
"""How far a sender's clock may be ahead; such an event counts once its time has come."""


def validate_event(
    event: AnyEvent,
    *,
    now: int,
    served: Callable[[str], ServedEvent | None],
    interaction: Callable[[str], InteractionEvent | None],
) -> AnyEvent:
    """Validate an event and return it as it will be logged.

    Args:
        event: as parsed.
        now: the clock's instant.
        served: looks up Aisle's answer to a request, for example `EventLog.served`.
        interaction: looks up an interaction by its id, for example `EventLog.interaction`.

    Raises:
        EventError: an event of the future; a ranking without items whose request Aisle did not
            answer; a ranking of an empty list without a query; a decision, which no shop sends; or
            a reward that fits no decision.
    """
    latest = now + AHEAD
    if event.event_time > latest or event.received_at > latest:
        raise _future(event, now)
    if isinstance(event, InteractionEvent):
        return _with_decision(event, interaction)
    if not isinstance(event, RankingEvent) or event.items:
        return event
    if isinstance(event, ServedRankingEvent):
        event = _with_served_items(event, served(event.request_id))
    if not event.items and not _has_query(event):
        raise EventError("items", "at least one item, or a query without results", [])
    return event


def are_valid(events: Sequence[AnyEvent], now: int) -> bool:
    """Return whether `validate_event` would return each event as it is; False where it might not.

    Args:
        events: as parsed.
        now: the clock's instant.
    """
    latest = now + AHEAD
    return all(
        event.event_time <= latest
        and event.received_at <= latest
        and (
            event.type not in (DECISION, REWARD)
            if isinstance(event, InteractionEvent)
            else not isinstance(event, RankingEvent) or bool(event.items)
        )
        for event in events
    )


def received(events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
    """Return events of a file, received when they happened, or now, if they do not say when."""
    return [
        event
        if event.received_at
        else msgspec.structs.replace(event, received_at=min(event.event_time, now))
        for event in events
    ]


def _future(event: AnyEvent, now: int) -> EventError:
    name = "event_time" if event.event_time > now + AHEAD else "received_at"
    hint = f"The clock says {to_text(now)}; for historical events see AISLE_CLOCK."
    expected = "a time at most 5 minutes after the clock's"
    return EventError(name, expected, to_text(getattr(event, name)), hint)


def _with_served_items(event: ServedRankingEvent, answer: ServedEvent | None) -> RankingEvent:
    if answer is None:
        raise EventError("items", "items, or the request_id of an answer of this shop", None)
    reported = msgspec.structs.asdict(event)
    served = {"items": answer.items, "temperature": answer.temperature, "seed": answer.seed}
    return RankingEvent(**reported | served)


def _with_decision(
    event: InteractionEvent, interaction: Callable[[str], InteractionEvent | None]
) -> InteractionEvent:
    """Return a reward with its decision, under the id of the decision's only reward."""
    if event.type not in (DECISION, REWARD) or event.corrects is not None:
        return event
    if event.type == DECISION:
        raise EventError("type", "a type other than that of Aisle's own decisions", DECISION)
    decided = None if event.request_id is None else interaction(event.request_id)
    if decided is None or decided.type != DECISION or decided.decision is None:
        expected = "the decision_id of an answer of /decide, or of a slot"
        raise EventError("request_id", expected, event.request_id)
    if event.item_id != decided.item_id:
        raise EventError("item_id", f"the arm of the decision, {decided.item_id}", event.item_id)
    first, last = decided.event_time - AHEAD, decided.decision.reward_until
    if not first <= event.event_time <= last:
        expected = f"a time of the reward from {to_text(decided.event_time)} to {to_text(last)}"
        raise EventError("event_time", expected, to_text(event.event_time))
    return msgspec.structs.replace(
        event, event_id=reward_id(decided.event_id), decision=decided.decision
    )


def _has_query(event: RankingEvent) -> bool:
    return query_key(event.query, event.market) is not None


def is_corrected_by(
    stated: AnyEvent | None, correction: InteractionEvent
) -> TypeGuard[InteractionEvent]:
    """Return whether an event can be taken back by a correction: an earlier interaction can."""
    return (
        isinstance(stated, InteractionEvent)
        and stated.corrects is None
        and stated.seen_at <= correction.seen_at
    )


def check_corrected(correction: InteractionEvent, stated: AnyEvent | None) -> InteractionEvent:
    """Return the event that a correction names, if it can be taken back.

    Raises:
        EventError: the event is None, no interaction, itself a correction, or seen later.
    """
    if not isinstance(stated, InteractionEvent):
        raise EventError("corrects", "the event_id of an earlier interaction", correction.corrects)
    if stated.corrects is not None:
        expected = "the event_id of an interaction that is no correction itself"
        raise EventError("corrects", expected, stated.event_id)
    if not is_corrected_by(stated, correction):
        expected = f"an interaction seen by {to_text(correction.seen_at)}"
        raise EventError("corrects", expected, f"{stated.event_id} of {to_text(stated.seen_at)}")
    return stated


def check_first_correction(correction: InteractionEvent, first: str | None) -> None:
    """Check that no other correction, of the id `first`, took the event back before.

    Raises:
        EventError: another one did.
    """
    if first is not None and first != correction.event_id:
        expected = "the event_id of an interaction that was not corrected before"
        raise EventError("corrects", expected, f"{correction.corrects}, corrected by {first}")
