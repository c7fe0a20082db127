"""A request for a list: its surface, filters and page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from feature_repo.events.contract import check_unique, identifier
from feature_repo.shop import Shop
from serving.contract import Cursor, RecommendBody, SearchBody, decode_cursor
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import Filter, parse_filters
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
    """

    surface: Surface
    seeds: Sequence[str] = ()
    filters: tuple[Filter, ...] = ()
    size: int = 10
    page: int = 1
    cursor: Cursor | None = None
    interpreted: InterpretedQuery = field(default_factory=InterpretedQuery)


def search_list_request(body: SearchBody, shop: Shop) -> ListRequest:
    """Parse the body of a search.

    Raises:
        EventError: a filter or `next` is invalid.
    """
    return ListRequest(
        surface=SURFACES[SEARCH if body.query.strip() else "browse"],
        filters=parse_filters(body.filters, shop),
        size=body.size,
        page=body.page,
        cursor=None if body.next is None else decode_cursor(body.next),
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
