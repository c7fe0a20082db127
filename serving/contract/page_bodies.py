"""Bodies and answers of search, recommendations and completions."""

from typing import Any

import msgspec

from serving.contract.bodies import RankedItem
from serving.contract.decisions import Slot
from serving.contract.errors import ApiError, too_large

RECOMMEND_SURFACES = ("home", "similar", "together", "again", "trending")
"""Surfaces of `/recommend/{surface}`."""

MAX_PAGE, MAX_PAGE_SIZE = 1000, 100
MAX_SEEDS = 100
MAX_FILTERS = 50
MAX_FIELDS = 50
MAX_QUERY_CHARACTERS = 10_000
MAX_COMPLETIONS = 50


class SearchBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /search`.

    Without a query it browses: recommendations for the shopper within the filters.

    Attributes:
        device: what the shopper uses, such as `mobile`: a segment of experiments.
        filters: by name or role of a field: a text, a list of texts, a boolean, or a range
            `{"min", "max"}`; `not` has filters that items must not meet.
        page: from 1; each request ranks again.
        next: of the previous answer, instead of `page`; never repeats one of its items.
        sort: `relevance`, or a number or time field, with `-` for the highest first.
        facets: the fields to summarize; all where it is absent.  A name or role, or
            `{"field", "ranges": [{"min", "max"}]}`.
        fields: names or roles of the fields that each item of the answer has.
    """

    query: str = ""
    id: str | int | None = None
    timestamp: Any = None
    user: str | int | None = None
    session: str | int | None = None
    market: str | None = None
    device: str | None = None
    filters: dict[str, Any] = {}
    page: int = 1
    size: int = 24
    next: str | None = None
    sort: str = "relevance"
    facets: list[str | dict[str, Any]] | None = None
    fields: list[str] = []

    def check_limits(self) -> None:
        """Check lengths and ranges.

        Raises:
            ApiError: 400, out of range; 413, too large.
        """
        if len(self.query) > MAX_QUERY_CHARACTERS:
            expected = f"at most {MAX_QUERY_CHARACTERS} characters"
            raise too_large("query", expected, len(self.query))
        _check_range("size", self.size, MAX_PAGE_SIZE)
        _check_range("page", self.page, MAX_PAGE)
        for name, names in (("facets", self.facets or []), ("fields", self.fields)):
            if len(names) > MAX_FIELDS:
                raise too_large(name, f"at most {MAX_FIELDS} fields", len(names))
        _check_filters(self.filters)


class RecommendBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /recommend/{surface}`; `count`, `user` and `items` as in Metarank.

    Attributes:
        items: the item on the page, or the items of the cart.
    """

    count: int = 10
    user: str | int | None = None
    items: list[str | int] = []
    id: str | int | None = None
    timestamp: Any = None
    session: str | int | None = None
    market: str | None = None
    device: str | None = None
    filters: dict[str, Any] = {}
    next: str | None = None

    def check_limits(self) -> None:
        """Check lengths and ranges.

        Raises:
            ApiError: 400, out of range; 413, too large.
        """
        _check_range("count", self.count, MAX_PAGE_SIZE)
        if len(self.items) > MAX_SEEDS:
            raise too_large("items", f"at most {MAX_SEEDS} items", len(self.items))
        _check_filters(self.filters)


class SlateAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of `POST /search` and `/recommend/{surface}`, best item first.

    Attributes:
        took: milliseconds inside the service.
        model_version: of the ranker; null where the candidate sources ranked.
        degraded: stages that were skipped in whole or in part.
        total: number of items that match; only the first few hundred are returned.  Partial matches
            follow and are not counted.
        facets: by field, counts of the values of the matching items; empty on later pages.
        understood: interpretation of the query; the log has the original query.
        relaxed: conditions that were dropped to have results: words, price, query.
        next: requests the following page; null on the last one.
        redirect: address that the shop shows for this query, from `synonyms.toml`.
        experiments: experiment → variant, where any changed the request.
        slots: bandit → its decision, where the page has a slot for it.
        trace: the stages, with `?explain=1`.
    """

    took: float
    items: list[RankedItem]
    request_id: str
    model_version: str | None
    feature_service: str | None
    degraded: list[str]
    total: int | None
    facets: dict[str, Any]
    understood: dict[str, Any]
    relaxed: list[str]
    next: str | None
    redirect: str | None = None
    experiments: dict[str, str] = {}
    slots: dict[str, Slot] = {}
    trace: list[dict[str, Any]] | None = None


class Completion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A suggested text.

    Attributes:
        type: query, category, brand, title, or item for an item whose id was typed.
        item: id of an item with the title.
    """

    text: str
    type: str
    weight: float
    item: str = ""


class AutocompleteAnswer(msgspec.Struct, frozen=True):
    """Answer of `GET /autocomplete`."""

    took: float
    suggestions: list[Completion]
    degraded: list[str]


def _check_range(name: str, number: int, maximum: int) -> None:
    if not 1 <= number <= maximum:
        raise ApiError(400, name, f"1 to {maximum}", number)


def _check_filters(filters: dict[str, Any]) -> None:
    if len(filters) > MAX_FILTERS:
        raise too_large("filters", f"at most {MAX_FILTERS} fields", len(filters))
