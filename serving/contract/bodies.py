"""Bodies and answers of ranking and events, and their limits."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from feature_repo.events.contract import LONGEST_SLATE
from feature_repo.events.quality import LISTED, Finding
from serving.contract.errors import decode_body, too_large

MAX_BODY_BYTES = 1 << 20
MAX_ITEMS = LONGEST_SLATE

Body = TypeVar("Body")


class NamedValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of a request or of a candidate, in Metarank's format."""

    name: str
    value: Any = None


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item to rank; its fields override the stored ones in this request.

    Attributes:
        relevancy, label: of Metarank's ranking event; not read.
    """

    id: str | int
    fields: list[NamedValue] | None = None
    relevancy: Any = None
    label: Any = None


class RankBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /rank/{model}`.

    The fields `query`, `market`, `surface` and `device` have their own meaning.  `timestamp` is
    logged and gives the shopper's local hour; the instant of the answer is the server's.

    Attributes:
        event, tenant: of Metarank's ranking event; not read.
    """

    items: list[Candidate]
    id: str | int | None = None
    timestamp: Any = None
    user: str | int | None = None
    session: str | int | None = None
    fields: list[NamedValue] | None = None
    event: str | None = None
    tenant: str | None = None

    def check_limits(self) -> None:
        """Check the number of items.

        Raises:
            ApiError: 413.
        """
        if len(self.items) > MAX_ITEMS:
            raise too_large("items", f"at most {MAX_ITEMS} items", len(self.items))


class RankedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item of the answer.

    Attributes:
        features: with `?explain=1`; null where missing.
        sources: with `?explain=1`, rank from 1 and score in each candidate source of the item.
        title: with the sources.
        fields: the chosen fields of the item, by name; null where missing.
    """

    item: str
    score: float
    title: str | None = None
    features: dict[str, float | None] | None = None
    sources: dict[str, tuple[int, float]] | None = None
    fields: dict[str, Any] | None = None


class RankAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of `POST /rank/{model}`, best item first.

    Attributes:
        took: milliseconds inside the service.
        model_version: of the ranker; `popularity/…` where popularity ranked; null without either.
        degraded: skipped stages: hydrate, score, record.
        dropped: candidates that are deleted.
        experiments: experiment → variant, where any changed the request.
    """

    took: float
    items: list[RankedItem]
    request_id: str
    model_version: str | None
    feature_service: str | None
    degraded: list[str]
    dropped: list[str]
    experiments: dict[str, str] = {}


MAX_NAMED = LISTED
"""Entries of each list of findings in an answer, so that no body has an answer of many times its
size."""


class EventFinding(Finding, frozen=True):
    """What is wrong with an event of a batch; `index` is its position, from 0."""

    index: int


class QuarantinedEvent(msgspec.Struct, frozen=True):
    """An event of a batch that was not accepted, why, and what to do."""

    index: int
    field: str
    reason: str
    hint: str


class EventsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Answer of `POST /events` and `/feedback`; the three add up to the events of the body.

    Attributes:
        quarantined: the first MAX_NAMED quarantined events.
        quarantined_count: of all quarantined events, where there are more.
        reasons: their numbers by field and expected value, the MAX_NAMED most frequent ones.
        warnings: what the shop should look at in accepted events, the first MAX_NAMED.
        warnings_count: of all warnings, where there are any.
        warning_reasons: their numbers, by field and expected value.
    """

    accepted: int
    duplicate: int
    quarantined: list[QuarantinedEvent]
    quarantined_count: int = 0
    reasons: dict[str, int] = {}
    warnings: list[EventFinding] = []
    warnings_count: int = 0
    warning_reasons: dict[str, int] = {}

    @property
    def status(self) -> int:
        """The status of HTTP: 422 if all events of the body were quarantined, 207 if some."""
        if not self.quarantined:
            return 200
        return 207 if self.accepted or self.duplicate else 422


encode = msgspec.json.Encoder().encode


@cache
def body_reader(body: type[Body]) -> Callable[[bytes], Body]:
    """Return the function that decodes a request body and checks its limits.

    The function raises ApiError: 400 for malformed JSON, 413 beyond a limit.  `bytes` is the raw
    body.
    """
    if body is bytes:
        return cast("Callable[[bytes], Body]", bytes)
    decode = msgspec.json.Decoder(body).decode
    check_limits: Callable[[Body], None] = getattr(body, "check_limits")  # noqa: B009

    def read(data: bytes) -> Body:
        decoded = decode_body(decode, data, body)
        check_limits(decoded)
        return decoded

    return read
