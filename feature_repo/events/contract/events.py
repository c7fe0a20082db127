"""The records of events: changes and interactions in a shop, and Aisle's answers.

Records are immutable. Ids are text; instants are microseconds since 1970 UTC. An event stores two
times (`event_time`, when it happened; `received_at`, when the log received it); `seen_at`, the
instant after which a request may use it, follows from them.

To add a kind of event, write its record here, add it to `AnyEvent`, and declare it in `kinds.py`.
"""

from typing import Annotated, Literal

import msgspec

from feature_repo.events.contract.decisions import Decision
from feature_repo.events.contract.fields import Field
from feature_repo.events.contract.slates import ShownItem
from feature_repo.events.contract.value_types import (
    AMOUNT,
    CURRENCY,
    ID,
    INSTANT,
    OFFSET_MINUTES,
    SEED,
    SHOP_FIELDS,
    SLATE,
    TEMPERATURE,
    TEXT,
    choice,
    platform_json,
    platform_list,
)
from feature_repo.events.contract.values import FieldValue

SourceLocations = dict[str, tuple[int, float]]
"""Of one item, by candidate source: its rank in that source, from 1, and its score."""

DEFAULT_MARKET = "default"
POSITIVE_TYPES = ("click", "add_to_cart", "purchase")
"""Types of interaction that count as interest in the item."""

OTHER_TYPES = ("view", "return")
"""Further types with a meaning to Aisle: a page of an item, and a purchase that came back."""

_ItemId = Annotated[str, Field(ID, "The item; an integer becomes text.", privacy="public")]
_UserId = Annotated[str, Field(ID, "The user; an integer becomes text.", privacy="user_id")]
_SessionId = Annotated[str, Field(ID, "The visit.", privacy="personal")]
_RequestId = Annotated[
    str,
    Field(ID, "Identifies one slate; interactions with it repeat this id.", privacy="public"),
]
_OWN_FIELDS = "The shop's own fields by name; null removes one."
_Extra = Annotated[
    dict[str, FieldValue] | None,
    Field(
        SHOP_FIELDS,
        "What the sender said besides, by name; no feature reads it.",
        privacy="personal",
    ),
]


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", gc=False
):
    """The fields of every event.

    Records are no work for the garbage collector: they contain no reference back to themselves.

    Attributes:
        event_id: unique at any age; a repeated id changes nothing.
        event_time: when it happened; determines the bucket that counts it.
        received_at: when the log received it; 0 until the log stamps it.
    """

    event_id: Annotated[
        str, Field(ID, "Unique at any age; a repeated id changes nothing.", privacy="public")
    ]
    event_time: Annotated[
        int,
        Field(
            INSTANT,
            "When it happened: ISO 8601 (UTC unless it has an offset), or seconds, milliseconds or "
            "microseconds since 1970, distinguished by their size.",
            privacy="public",
        ),
    ]
    received_at: Annotated[
        int,
        Field(
            INSTANT,
            "When the shop's log received it: by default event_time in a file; over HTTP always "
            "now.",
            privacy="public",
            nullable=False,
        ),
    ] = 0

    @property
    def kind(self) -> str:
        """The name of the event's kind."""
        return str(type(self).__struct_config__.tag)

    @property
    def seen_at(self) -> int:
        """The instant after which a request may use the event."""
        return max(self.event_time, self.received_at)


class ItemEvent(Event, frozen=True, tag="item"):
    """An item was added, changed or deleted.

    Upserts merge by field; a delete hides the item until the next upsert.
    """

    item_id: _ItemId
    op: Annotated[
        Literal["upsert", "delete"],
        Field(choice("upsert", "delete"), "What happened to the item.", privacy="public"),
    ] = "upsert"
    fields: Annotated[dict[str, FieldValue], Field(SHOP_FIELDS, _OWN_FIELDS, privacy="public")] = {}


class UserEvent(Event, frozen=True, tag="user"):
    """A user's own fields changed, a session or an account became theirs, or they were erased.

    From a link on, what the session did belongs to the user; an unlink ends that, whoever the
    user is. A merge makes the history of one account part of another's.
    """

    user_id: _UserId
    op: Annotated[
        Literal["upsert", "erase", "link", "unlink", "merge"],
        Field(
            choice("upsert", "erase", "link", "unlink", "merge"),
            "What happened to the user.",
            privacy="public",
        ),
    ] = "upsert"
    fields: Annotated[
        dict[str, FieldValue], Field(SHOP_FIELDS, _OWN_FIELDS, privacy="personal")
    ] = {}
    session_id: Annotated[
        str | None,
        Field(ID, "The visit that is linked or unlinked.", privacy="personal"),
    ] = None
    from_user_id: Annotated[
        str | None,
        Field(ID, "The user whose history becomes part of user_id's.", privacy="user_id"),
    ] = None


class SlateEvent(Event, frozen=True):
    """The fields of every event with a slate.

    If the order was drawn, it is the order of score + temperature * Gumbel noise of (seed, item),
    and each propensity is the probability of the item at its position, given the items above it
    (`training/metrics/plackett_luce.py`).
    """

    request_id: _RequestId
    items: Annotated[
        tuple[ShownItem, ...],
        Field(
            SLATE,
            "The items that were shown, best position first. Leave it out if Aisle's own answer "
            "was shown; send an empty list, with the query, if the search had no results.",
            privacy="public",
            nullable=False,
        ),
    ]
    user_id: _UserId | None = None
    session_id: _SessionId | None = None
    surface: Annotated[
        str | None, Field(TEXT, "Where in the shop the slate was shown.", privacy="public")
    ] = None
    query: Annotated[str | None, Field(TEXT, "The search text.", privacy="public")] = None
    market: Annotated[
        str,
        Field(
            ID,
            "Country, language or branch; queries of two markets are two queries.",
            privacy="public",
            nullable=False,
        ),
    ] = DEFAULT_MARKET
    utc_offset_minutes: Annotated[
        int | None,
        Field(
            OFFSET_MINUTES,
            "Local time ahead of UTC; by default the offset of event_time.",
            privacy="public",
        ),
    ] = None
    temperature: Annotated[
        float | None,
        Field(
            TEMPERATURE,
            "Scale of the Gumbel noise on the scores, if the order was drawn.",
            privacy="public",
        ),
    ] = None
    seed: Annotated[
        int | None,
        Field(
            SEED,
            "Seed of that noise: with scores and temperature the order can be drawn again.",
            privacy="personal",
        ),
    ] = None


class RankingEvent(SlateEvent, frozen=True, tag="ranking"):
    """A slate was shown, best position first. Rankings are the only source of impressions.

    A ranking without items is a search without results.
    """

    extra: _Extra = None


class ServedRankingEvent(RankingEvent, frozen=True, tag="ranking"):
    """A ranking without items, as sent by a shop that showed Aisle's own answer.

    The log never contains one: validation replaces it with a ranking of the served items.
    """

    items: tuple[ShownItem, ...] = ()


class InteractionEvent(Event, frozen=True, tag="interaction"):
    """A shopper interacted with an item that a ranking may have shown.

    `corrects` names an earlier event that this one takes back.  A `reward` names a decision of a
    bandit by its `request_id`, and the arm by its `item_id`.
    """

    item_id: _ItemId
    type: Annotated[
        str,
        Field(
            ID,
            "What the shopper did: click, add_to_cart, purchase, or the shop's own.",
            privacy="public",
        ),
    ]
    request_id: _RequestId | None = None
    user_id: _UserId | None = None
    session_id: _SessionId | None = None
    value: Annotated[
        float | None,
        Field(AMOUNT, "An amount that belongs to the interaction.", privacy="public"),
    ] = None
    corrects: Annotated[
        str | None,
        Field(
            ID,
            "The event_id of the interaction that this event takes back, once; whatever is given "
            "here, the item, user, type and value of that interaction are subtracted where it "
            "counted.",
            privacy="public",
        ),
    ] = None
    quantity: Annotated[float | None, Field(AMOUNT, "Units of the item.", privacy="public")] = None
    currency: Annotated[
        str | None,
        Field(
            CURRENCY,
            "ISO 4217 code of value, by default the shop's currency. An amount of another currency "
            "is converted where shop.toml has a rate; without a rate no feature reads it.",
            privacy="public",
        ),
    ] = None
    decision: Annotated[
        Decision | None,
        Field(
            platform_json(),
            "The bandit's decision that it is, or rewards.",
            privacy="public",
            by_platform=True,
        ),
    ] = None
    extra: _Extra = None


class ServedEvent(SlateEvent, frozen=True, tag="served"):
    """An answer of the API. It can be reproduced; it is not an impression until reported as shown.

    Attributes:
        event_time: t, the instant of the feature read.
        sources: the locations of each item; empty if the request brought the candidates.
        considered: candidates that were scored and not answered.
        layout: columns of the feature matrix.
        vectors: the feature matrix of N items, base64 of little-endian float32 rows, for the
            recorded share of requests.
    """

    items: Annotated[
        tuple[ShownItem, ...],
        Field(SLATE, "The items of the answer, best first.", privacy="public", nullable=False),
    ] = ()
    timestamp: Annotated[
        int | None, Field(INSTANT, "The time in the request.", privacy="personal")
    ] = None
    model_version: Annotated[
        str | None, Field(TEXT, "The model that ranked.", privacy="public")
    ] = None
    feature_service: Annotated[
        str | None, Field(TEXT, "The feature service it read.", privacy="public")
    ] = None
    degraded: Annotated[
        tuple[str, ...], Field(platform_list(), "Stages that failed.", privacy="public")
    ] = ()
    took_ms: Annotated[
        float | None,
        Field(AMOUNT, "Milliseconds inside the service, up to the answer.", privacy="public"),
    ] = None
    device: Annotated[
        str | None,
        Field(TEXT, "What the shopper used, as the request says.", privacy="personal"),
    ] = None
    experiments: Annotated[
        dict[str, tuple[str, str]],
        Field(
            platform_json(),
            "Variant and kind of unit of each experiment that treated the request.",
            privacy="public",
        ),
    ] = {}
    shadow_version: Annotated[
        str | None,
        Field(TEXT, "The ranker that scored the answer too and was not shown.", privacy="public"),
    ] = None
    shadow_scores: Annotated[
        tuple[float, ...],
        Field(platform_json(), "Its score of each item of the answer.", privacy="personal"),
    ] = ()
    teams: Annotated[
        tuple[str, ...],
        Field(
            platform_list(),
            "The variant that took each position of an interleaved answer; empty for none.",
            privacy="public",
        ),
    ] = ()
    other_version: Annotated[
        str | None,
        Field(TEXT, "The second model of an interleaved answer.", privacy="public"),
    ] = None
    overrides: Annotated[
        dict[str, dict[str, FieldValue]],
        Field(platform_json(), "Item fields in the request.", privacy="public"),
    ] = {}
    sources: Annotated[
        tuple[SourceLocations, ...],
        Field(platform_json(), "Candidate sources of each item.", privacy="personal"),
    ] = ()
    considered: Annotated[
        tuple[str, ...],
        Field(platform_list(), "Other scored candidates.", privacy="personal"),
    ] = ()
    layout: Annotated[
        tuple[str, ...], Field(platform_list(), "Feature columns.", privacy="personal")
    ] = ()
    vectors: Annotated[
        str | None, Field(TEXT, "The feature matrix, base64.", privacy="personal")
    ] = None


AnyEvent = ItemEvent | UserEvent | RankingEvent | InteractionEvent | ServedEvent
