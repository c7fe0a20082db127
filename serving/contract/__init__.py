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
from serving.contract.errors import RefusedError, bad_request, log_unavailable, too_large
from serving.contract.ids import new_id
from serving.contract.page_bodies import (
    RECOMMENDED,
    AutocompleteAnswer,
    Completion,
    RecommendBody,
    SearchBody,
    SlateAnswer,
    read_recommend_body,
    read_search_body,
)
from serving.contract.pagination import Rest, from_token, to_token

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_ITEMS",
    "RECOMMENDED",
    "AutocompleteAnswer",
    "Candidate",
    "Completion",
    "EventsAnswer",
    "NamedValue",
    "QuarantinedEvent",
    "RankAnswer",
    "RankBody",
    "RankedItem",
    "RecommendBody",
    "RefusedError",
    "Rest",
    "SearchBody",
    "SlateAnswer",
    "bad_request",
    "encode",
    "from_token",
    "log_unavailable",
    "new_id",
    "read_rank_body",
    "read_recommend_body",
    "read_search_body",
    "to_token",
    "too_large",
]
