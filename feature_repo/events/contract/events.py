"""The event contract: four kinds of what happened, and `served`, what was answered.

A record is immutable.  Ids are text, instants are microseconds since 1970 UTC.  An event has two
times of its own (`event_time`, when it happened; `received_at`, when the log took it) and one that
follows from them (`seen_at`, from when a request may know it).
"""

from typing import Literal

import msgspec
import pyarrow as pa

FieldValue = str | float | bool | list[str] | None
"""A shop's own field; null removes it."""

SourceLocations = dict[str, tuple[int, float]]
"""By source of candidates: at which rank, from 1, it had an item, and with which score."""

DEFAULT_MARKET = "default"
POSITIVE_TYPES = ("click", "add_to_cart", "purchase")
"""Interactions that say a shopper wanted the item."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What every event has.

    Attributes:
        event_id: unique at any age; a repeated id changes nothing.
        event_time: when it happened; which bucket it counts in.
        received_at: when the log took it; stamped by the log where the sender gave none.
    """

    event_id: str
    event_time: int
    received_at: int = 0

    @property
    def seen_at(self) -> int:
        """The instant after which a request may know the event."""
        return max(self.event_time, self.received_at)


class ItemEvent(Event, frozen=True, tag="item"):
    """An item came, changed or went.

    Upserts merge by field; delete hides until the next upsert.
    """

    item_id: str
    op: Literal["upsert", "delete"] = "upsert"
    fields: dict[str, FieldValue] = {}


class UserEvent(Event, frozen=True, tag="user"):
    """A user's own fields changed, or the user asked to be forgotten."""

    user_id: str
    op: Literal["upsert", "erase"] = "upsert"
    fields: dict[str, FieldValue] = {}


class ShownItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of a slate."""

    item_id: str
    score: float | None = None
    propensity: float | None = None


class RankingEvent(Event, frozen=True, tag="ranking"):
    """A slate that was shown, best position first.  The only source of impressions.

    One without items is a search that found nothing.  Where the order was drawn, it was that of
    score + temperature * Gumbel noise of (seed, item), and each propensity is the item's at its
    place, given those above it (`training/metrics/plackett_luce.py`).
    """

    request_id: str
    items: tuple[ShownItem, ...]
    user_id: str | None = None
    session_id: str | None = None
    surface: str | None = None
    query: str | None = None
    market: str = DEFAULT_MARKET
    utc_offset_minutes: int | None = None
    temperature: float | None = None
    seed: int | None = None


class ServedRankingEvent(RankingEvent, frozen=True, tag="ranking"):
    """A ranking that leaves out its items, as its sender means those this shop answered with.

    The log holds none: validation makes a ranking of it, with the served items.
    """

    items: tuple[ShownItem, ...] = ()


class InteractionEvent(Event, frozen=True, tag="interaction"):
    """A shopper acted on an item; `request_id` names the ranking that showed it, when known.

    `value` is an amount that belongs to it, such as money, and `quantity` the units meant;
    `corrects` names another event, which this one takes back: what it says itself is counted off
    where that event counted.
    """

    item_id: str
    type: str
    request_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    value: float | None = None
    corrects: str | None = None
    quantity: float | None = None


class ServedEvent(Event, frozen=True, tag="served"):
    """An answer of the API: reproducible, and no impression until it is reported shown.

    `event_time` is t, the instant at which the features were read.  `vectors` holds the feature
    matrix, base64 of little-endian float32 rows, for the recorded share of requests.  `sources`
    says of each item where it was found; it is empty where the candidates came with the request.
    `considered` are the candidates that were scored beside the items answered.
    """

    request_id: str
    items: tuple[ShownItem, ...] = ()
    user_id: str | None = None
    session_id: str | None = None
    surface: str | None = None
    query: str | None = None
    market: str = DEFAULT_MARKET
    utc_offset_minutes: int | None = None
    timestamp: int | None = None
    model_version: str | None = None
    feature_service: str | None = None
    temperature: float | None = None
    seed: int | None = None
    degraded: tuple[str, ...] = ()
    overrides: dict[str, dict[str, FieldValue]] = {}
    sources: tuple[SourceLocations, ...] = ()
    considered: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()
    vectors: str | None = None


AnyEvent = ItemEvent | UserEvent | RankingEvent | InteractionEvent | ServedEvent
KINDS: dict[str, type[Event]] = {
    "item": ItemEvent,
    "user": UserEvent,
    "ranking": RankingEvent,
    "interaction": InteractionEvent,
    "served": ServedEvent,
}
SHOP_KINDS = ("item", "user", "ranking", "interaction")
"""The kinds a shop may send; `served` is written by the platform alone."""

_INSTANT = pa.timestamp("us", tz="UTC")
_EVERY = [
    pa.field("event_id", pa.string(), nullable=False),
    pa.field("event_time", _INSTANT, nullable=False),
    pa.field("received_at", _INSTANT, nullable=False),
    pa.field("seen_at", _INSTANT, nullable=False),
    pa.field("part", pa.int64(), nullable=False),
]
_SHOWN = pa.list_(
    pa.struct(
        [
            pa.field("item_id", pa.string(), nullable=False),
            pa.field("score", pa.float64()),
            pa.field("propensity", pa.float64()),
        ]
    )
)
_SLATE = [
    pa.field("request_id", pa.string(), nullable=False),
    pa.field("items", _SHOWN, nullable=False),
    pa.field("user_id", pa.string()),
    pa.field("session_id", pa.string()),
    pa.field("surface", pa.string()),
    pa.field("query", pa.string()),
    pa.field("query_key", pa.string()),
    pa.field("market", pa.string(), nullable=False),
    pa.field("utc_offset_minutes", pa.int32()),
    pa.field("temperature", pa.float64()),
    pa.field("seed", pa.int64()),
]

ARROW_SCHEMAS: dict[str, pa.Schema] = {
    "item": pa.schema(
        [
            *_EVERY,
            pa.field("item_id", pa.string(), nullable=False),
            ("op", pa.string()),
            ("fields", pa.string()),
        ]
    ),
    "user": pa.schema(
        [
            *_EVERY,
            pa.field("user_id", pa.string(), nullable=False),
            ("op", pa.string()),
            ("fields", pa.string()),
        ]
    ),
    "ranking": pa.schema([*_EVERY, *_SLATE]),
    "interaction": pa.schema(
        [
            *_EVERY,
            pa.field("item_id", pa.string(), nullable=False),
            pa.field("type", pa.string(), nullable=False),
            ("request_id", pa.string()),
            ("user_id", pa.string()),
            ("session_id", pa.string()),
            ("value", pa.float64()),
            ("corrects", pa.string()),
            ("quantity", pa.float64()),
        ]
    ),
    "served": pa.schema(
        [
            *_EVERY,
            *_SLATE,
            ("timestamp", _INSTANT),
            ("model_version", pa.string()),
            ("feature_service", pa.string()),
            ("degraded", pa.list_(pa.string())),
            ("overrides", pa.string()),
            ("sources", pa.string()),
            ("considered", pa.list_(pa.string())),
            ("layout", pa.list_(pa.string())),
            ("vectors", pa.string()),
        ]
    ),
}
"""Columns of the compacted log, by kind.  `fields`, `overrides` and `sources` are JSON."""
