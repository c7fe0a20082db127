"""The kinds of events, one declaration each; everything else about a kind derives from it.

Parsing and JSON Schemas, the columns of the compacted log, erasure, lookups and the relations that
transformations read enumerate `EVENT_KINDS`.
"""

from collections.abc import Mapping

from feature_repo.events.contract.event_kind import EventKind, Lookup, OnlyWith
from feature_repo.events.contract.events import (
    AnyEvent,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ServedEvent,
    ServedRankingEvent,
    UserEvent,
)

EVENT_KINDS: Mapping[str, EventKind] = {
    kind.name: kind
    for kind in (
        EventKind(ItemEvent),
        EventKind(
            UserEvent,
            conditions=(
                OnlyWith("fields", ("upsert", "erase"), required=False),
                OnlyWith("session_id", ("link", "unlink")),
                OnlyWith("from_user_id", ("merge",)),
            ),
            scopes={"erase": "users"},
        ),
        EventKind(
            RankingEvent,
            draft=ServedRankingEvent,
            lookup=Lookup("request_id", winner="first"),
            row_group=2_000,
        ),
        EventKind(InteractionEvent, lookup=Lookup("event_id")),
        EventKind(
            ServedEvent,
            sent_by_shop=False,
            feeds_features=False,
            lookup=Lookup("request_id", winner="last"),
            row_group=500,
        ),
    )
}

SHOP_KINDS = tuple(name for name, kind in EVENT_KINDS.items() if kind.sent_by_shop)
"""Names of the kinds that a shop may send."""
FEATURE_KINDS = tuple(name for name, kind in EVENT_KINDS.items() if kind.feeds_features)
"""Names of the kinds that features are computed from."""
ARROW_SCHEMAS = {name: kind.arrow_schema for name, kind in EVENT_KINDS.items()}
"""Columns of the compacted log, by kind."""


def kind_of_event(event: AnyEvent) -> EventKind:
    """Return the declaration of an event's kind."""
    return EVENT_KINDS[event.kind]
