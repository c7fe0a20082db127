"""A request for a ranking, parsed."""

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
from feature_repo.home import EventError, did_you_mean, parse_instant, utc_offset_minutes
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
    """A request for a ranking: shopper, query text, market and candidates, at one instant.

    Attributes:
        t: the server's clock, microseconds since 1970 UTC.  Features are read as of it, or as of a
            moment later, which is then the instant of the answer.
        text: the typed query; None without a search.
        device: what the shopper uses, in the sender's words.
        timestamp: the sender's clock; None where it is absent or cannot be parsed.
        item_ids: the candidates, in the given order, each once.
        overrides: by item id, fields that replace the stored ones.
        explain: whether to answer with feature values.
        shown: whether the sender reports the answer as shown.
        list_request: the list to fill with candidates; None where the request has candidates.
    """

    request_id: str
    t: int
    user_id: str | None = None
    session_id: str | None = None
    text: str | None = None
    market: str = DEFAULT_MARKET
    surface: str | None = None
    device: str | None = None
    timestamp: int | None = None
    utc_offset_minutes: int | None = None
    item_ids: Sequence[str] = ()
    overrides: Mapping[str, Fields] = field(default_factory=dict)
    explain: bool = False
    shown: bool = False
    list_request: ListRequest | None = None

    @property
    def key(self) -> str | None:
        """Key of the query entity; None without a query."""
        return query_key(self.text, self.market)

    @property
    def is_anonymous(self) -> bool:
        """Whether the request names neither a user nor a session."""
        return self.user_id is None and self.session_id is None

    @property
    def reports_no_results(self) -> bool:
        """Whether an empty answer means that the query has no results: on the first page."""
        list_request = self.list_request
        is_first = list_request is None or (list_request.page == 1 and list_request.cursor is None)
        return self.key is not None and is_first


def read_query(
    body: RankBody, shop: Shop, *, t: int, explain: bool = False, shown: bool = False
) -> Query:
    """Parse the body of a ranking request.

    Raises:
        ApiError: 400; an id, a field value or the market is invalid, or an item occurs twice.
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
            market=market_of(_text_of(fields, "market"), "fields.market", shop),
            surface=_text_of(fields, "surface"),
            device=_text_of(fields, "device"),
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
    """Parse the body of a search or a recommendation.

    Raises:
        ApiError: 404, there is no such surface; 400, an id, the market, a filter or `next` is
            invalid.
    """
    try:
        return Query(
            request_id=_optional(body.id, "id") or new_id(),
            t=t,
            user_id=_optional(body.user, "user"),
            session_id=_optional(body.session, "session"),
            text=text(body.query, "query") if isinstance(body, SearchBody) else None,
            market=market_of(_optional(body.market or None, "market"), "market", shop),
            surface=surface,
            device=_optional(body.device or None, "device"),
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


def market_of(name: str | None, field: str, shop: Shop) -> str:
    """Return the market of a request.

    Raises:
        EventError: the shop declares others; or the request names none, and no market is the
            default.
    """
    market = shop.declared_market(name or None)
    if market is None and shop.markets:
        names = [declared.name for declared in shop.markets]
        default = "Name it, or give one market of shop.toml `default = true`."
        hint = did_you_mean(name, names) if name else default
        raise EventError(field, f"one of {', '.join(names)}", name, hint)
    return market or DEFAULT_MARKET


def _overrides(candidates: Sequence[Candidate], item_ids: Sequence[str]) -> dict[str, Fields]:
    return {
        item_id: _fields(candidate.fields, f"items[{n}].fields")
        for n, (item_id, candidate) in enumerate(zip(item_ids, candidates, strict=True))
        if candidate.fields
    }


def _fields(named: Sequence[NamedValue] | None, path: str) -> Fields:
    return {
        text(f.name, f"{path}[{n}].name"): shop_field(f.value, f"{path}[{n}].value")
        for n, f in enumerate(named or ())
    }


def _optional(value: str | int | None, name: str) -> str | None:
    return None if value is None else identifier(value, name)


def _text_of(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else text(value, f"fields.{name}")


def _instant(timestamp: object) -> int | None:
    """Parse the sender's instant; an invalid one counts as missing, because a shopper waits."""
    try:
        return None if timestamp is None else parse_instant(timestamp, "timestamp")
    except EventError:
        return None
