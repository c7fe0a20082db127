"""The HTTP contract: bodies, answers, errors, ids and cursors."""

from serving.contract.bodies import (
    MAX_BODY_BYTES,
    MAX_ITEMS,
    MAX_NAMED,
    Candidate,
    EventFinding,
    EventsAnswer,
    NamedValue,
    QuarantinedEvent,
    RankAnswer,
    RankBody,
    RankedItem,
    body_reader,
    encode,
)
from serving.contract.decisions import DecideAnswer, DecideBody, Slot
from serving.contract.errors import ApiError, bad_request, log_unavailable, too_large
from serving.contract.ids import new_id
from serving.contract.page_bodies import (
    MAX_COMPLETIONS,
    RECOMMEND_SURFACES,
    AutocompleteAnswer,
    Completion,
    RecommendBody,
    SearchBody,
    SlateAnswer,
)
from serving.contract.pagination import Cursor, decode_cursor, encode_cursor
from serving.contract.user_answers import ErasedAnswer, PersonAnswer, SessionAnswer

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_COMPLETIONS",
    "MAX_ITEMS",
    "MAX_NAMED",
    "RECOMMEND_SURFACES",
    "ApiError",
    "AutocompleteAnswer",
    "Candidate",
    "Completion",
    "Cursor",
    "DecideAnswer",
    "DecideBody",
    "ErasedAnswer",
    "EventFinding",
    "EventsAnswer",
    "NamedValue",
    "PersonAnswer",
    "QuarantinedEvent",
    "RankAnswer",
    "RankBody",
    "RankedItem",
    "RecommendBody",
    "SearchBody",
    "SessionAnswer",
    "SlateAnswer",
    "Slot",
    "bad_request",
    "body_reader",
    "decode_cursor",
    "encode",
    "encode_cursor",
    "log_unavailable",
    "new_id",
    "too_large",
]
