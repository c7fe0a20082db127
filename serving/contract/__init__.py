"""Bodies, errors, ids and pages of the HTTP interface."""

from serving.contract.bodies import (
    MAX_BODY_BYTES,
    MAX_ITEMS,
    Candidate,
    EventsAnswer,
    NamedValue,
    QuarantinedEvent,
    RankAnswer,
    RankBody,
    RankedItem,
    encode,
    read_rank_body,
)
from serving.contract.errors import ApiError, bad_request, log_unavailable, too_large
from serving.contract.ids import new_id
from serving.contract.page_bodies import (
    RECOMMEND_SURFACES,
    AutocompleteAnswer,
    Completion,
    RecommendBody,
    SearchBody,
    SlateAnswer,
    read_recommend_body,
    read_search_body,
)
from serving.contract.pagination import Cursor, decode_cursor, encode_cursor

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_ITEMS",
    "RECOMMEND_SURFACES",
    "ApiError",
    "AutocompleteAnswer",
    "Candidate",
    "Completion",
    "Cursor",
    "EventsAnswer",
    "NamedValue",
    "QuarantinedEvent",
    "RankAnswer",
    "RankBody",
    "RankedItem",
    "RecommendBody",
    "SearchBody",
    "SlateAnswer",
    "bad_request",
    "decode_cursor",
    "encode",
    "encode_cursor",
    "log_unavailable",
    "new_id",
    "read_rank_body",
    "read_recommend_body",
    "read_search_body",
    "too_large",
]
