"""A request as the platform understands it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feature_repo.events.contract import (
    DEFAULT_MARKET,
    FieldValue,
    check_unique,
    identifier,
    identifiers,
    query_key,
    shop_field,
    text,
)
from feature_repo.home import EventError, parse_instant, utc_offset_minutes
from feature_repo.shop import Shop
from serving.contract import (
    Candidate,
    NamedValue,
    RankBody,
    RecommendBody,
    SearchBody,
    bad_request,
    new_id,
)
from serving.query.list_request import ListRequest, recommendation_list_request, search_list_request

Fields = dict[str, FieldValue]


@dataclass(frozen=True)
class Query:
    """Who asks for what, at which instant.

    Attributes:
        t: the server's clock, microseconds since 1970 UTC; features are read as of it, or as of a
            moment later, which then is the instant of the answer.
        timestamp: the sender's clock, where it sent one that can be read.
        item_ids: the candidates, in the order given, each once.
        overrides: by item id, fields that count instead of the stored ones.
        explain: whether to answer with feature values.
        shown: whether the sender reports the answer as shown.
        wanted: what is asked for where the candidates are still to be found; else None.
    """

    request_id: str
    t: int
    user_id: str | None = None
    session_id: str | None = None
    text: str | None = None
    market: str = DEFAULT_MARKET
    surface: str | None = None
    timestamp: int | None = None
    utc_offset_minutes: int | None = None
    item_ids: Sequence[str] = ()
    overrides: Mapping[str, Fields] = field(default_factory=dict)
    explain: bool = False
    shown: bool = False
    list_request: ListRequest | None = None

    @property
    def key(self) -> str | None:
        """Key of the query entity; None where there is no query."""
        return query_key(self.text, self.market)

    @property
    def reports_no_results(self) -> bool:
        """Whether an answer without items says that its query found none; a later page does not."""
        list_request = self.list_request
        is_first = list_request is None or (list_request.page == 1 and list_request.rest is None)
        return self.key is not None and is_first


def read_query(body: RankBody, *, t: int, explain: bool = False, shown: bool = False) -> Query:
    """Understand a body.

    Raises:
        ApiError: 400; an id that is none, a field with an impossible value, an item twice.
    """
    try:
        item_ids = identifiers([candidate.id for candidate in body.items], "items")
        check_unique(item_ids, "items")
        fields = _fields(body.fields, "fields")
        return Query(
            request_id=_optional(body.id, "id") or new_id(),
            t=t,
            user_id=_optional(body.user, "user"),
            session_id=_optional(body.session, "session"),
            text=_text_of(fields, "query"),
            market=_text_of(fields, "market") or DEFAULT_MARKET,
            surface=_text_of(fields, "surface"),
            timestamp=_instant(body.timestamp),
            utc_offset_minutes=utc_offset_minutes(body.timestamp),
            item_ids=item_ids,
            overrides=_overrides(body.items, item_ids),
            explain=explain,
            shown=shown,
        )
    except EventError as error:
        raise bad_request(error) from None


def read_list_query(
    body: SearchBody | RecommendBody,
    surface: str,
    shop: Shop,
    *,
    t: int,
    explain: bool = False,
    shown: bool = False,
) -> Query:
    """Understand who asks for a list of a surface.

    Raises:
        ApiError: 404, no such surface; 400, an id, filter or `next` that is none.
    """
    try:
        return Query(
            request_id=_optional(body.id, "id") or new_id(),
            t=t,
            user_id=_optional(body.user, "user"),
            session_id=_optional(body.session, "session"),
            text=text(body.query, "query") if isinstance(body, SearchBody) else None,
            market=_optional(body.market or None, "market") or DEFAULT_MARKET,
            surface=surface,
            timestamp=_instant(body.timestamp),
            utc_offset_minutes=utc_offset_minutes(body.timestamp),
            explain=explain,
            shown=shown,
            list_request=search_list_request(body, shop)
            if isinstance(body, SearchBody)
            else recommendation_list_request(body, surface, shop),
        )
    except EventError as error:
        raise bad_request(error) from None


def _overrides(candidates: Sequence[Candidate], item_ids: Sequence[str]) -> dict[str, Fields]:
    return {
        item_id: _fields(candidate.fields, f"items[{n}].fields")
        for n, (item_id, candidate) in enumerate(zip(item_ids, candidates, strict=True))
        if candidate.fields
    }


def _fields(named: Sequence[NamedValue] | None, place: str) -> Fields:
    return {
        text(f.name, f"{place}[{n}].name"): shop_field(f.value, f"{place}[{n}].value")
        for n, f in enumerate(named or ())
    }


def _optional(value: str | int | None, name: str) -> str | None:
    return None if value is None else identifier(value, name)


def _text_of(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else text(value, f"fields.{name}")


def _instant(timestamp: object) -> int | None:
    """The sender's instant; one that cannot be read is missing, for a shopper waits."""
    try:
        return None if timestamp is None else parse_instant(timestamp, "timestamp")
    except EventError:
        return None
