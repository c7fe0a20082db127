"""A request for a list: its surface, filters and page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from feature_repo.events.contract import check_unique, identifier
from feature_repo.shop import Shop, ShopField
from serving.contract import Cursor, RecommendBody, SearchBody, decode_cursor
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import (
    Facet,
    Filter,
    SortOrder,
    named_fields,
    parse_facets,
    parse_filters,
    parse_sort,
)
from training.retrieval.sources import Surface, surfaces

SEARCH = "search"


SURFACES = surfaces()
"""By name; `browse` is a search without words."""


@dataclass(frozen=True)
class ListRequest:
    """A list to fill with candidates.

    Attributes:
        surface: kind of list.
        seeds: the items that the list is about.
        filters: conditions on every item.
        size, page: the part of the list to return.
        cursor: the rest of the order, where the request continues a list by `next`.
        interpreted: the interpretation of the query.
        sort: order of the matching items; None for relevance.
        facets: the fields to summarize; None for all.
        fields: of each item, in the answer.
    """

    surface: Surface
    seeds: Sequence[str] = ()
    filters: tuple[Filter, ...] = ()
    size: int = 10
    page: int = 1
    cursor: Cursor | None = None
    interpreted: InterpretedQuery = field(default_factory=InterpretedQuery)
    sort: SortOrder | None = None
    facets: tuple[Facet, ...] | None = None
    fields: tuple[ShopField, ...] = ()


def search_list_request(body: SearchBody, shop: Shop) -> ListRequest:
    """Parse the body of a search.

    Raises:
        EventError: a filter, field, `sort` or `next` is invalid.
    """
    return ListRequest(
        surface=SURFACES[SEARCH if body.query.strip() else "browse"],
        filters=parse_filters(body.filters, shop),
        size=body.size,
        page=body.page,
        cursor=None if body.next is None else decode_cursor(body.next),
        sort=parse_sort(body.sort, shop),
        facets=None if body.facets is None else parse_facets(body.facets, shop),
        fields=named_fields(body.fields, shop, "fields"),
    )


def recommendation_list_request(body: RecommendBody, surface: str, shop: Shop) -> ListRequest:
    """Parse the body of a recommendation.

    Raises:
        EventError: an item, filter or `next` is invalid.
    """
    seeds = [identifier(item, f"items[{n}]") for n, item in enumerate(body.items)]
    check_unique(seeds, "items")
    return ListRequest(
        surface=SURFACES[surface],
        seeds=seeds,
        filters=parse_filters(body.filters, shop),
        size=body.count,
        cursor=None if body.next is None else decode_cursor(body.next),
    )
