"""What a page of the shop asks for, where its candidates are still to be found."""

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
    """A list to be made.

    Attributes:
        surface: what kind of list.
        seeds: items it is about.
        filters: what each item of it must be.
        size, page: which part of it is asked for.
        rest: the order decided before, where a later page is asked for by `next`.
        understood: what was read from the query.
    """

    surface: Surface
    seeds: Sequence[str] = ()
    filters: tuple[Filter, ...] = ()
    size: int = 10
    page: int = 1
    rest: Cursor | None = None
    interpreted: InterpretedQuery = field(default_factory=InterpretedQuery)


def search_list_request(body: SearchBody, shop: Shop) -> ListRequest:
    """What a search asks for.

    Raises:
        EventError: a filter or `next` that is none.
    """
    return ListRequest(
        surface=SURFACES[SEARCH if body.query.strip() else "browse"],
        filters=parse_filters(body.filters, shop),
        size=body.size,
        page=body.page,
        rest=None if body.next is None else decode_cursor(body.next),
    )


def recommendation_list_request(body: RecommendBody, surface: str, shop: Shop) -> ListRequest:
    """What a recommendation asks for.

    Raises:
        EventError: an item, filter or `next` that is none.
    """
    seeds = [identifier(item, f"items[{n}]") for n, item in enumerate(body.items)]
    check_unique(seeds, "items")
    return ListRequest(
        surface=SURFACES[surface],
        seeds=seeds,
        filters=parse_filters(body.filters, shop),
        size=body.count,
        rest=None if body.next is None else decode_cursor(body.next),
    )
