"""What a page of the shop asks for, where its candidates are still to be found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feature_repo.events.contract import check_unique, identifier
from feature_repo.shop import Shop
from serving.contract import Cursor, RecommendBody, SearchBody, decode_cursor
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import Filter, parse_filters

SEARCH = "search"


@dataclass(frozen=True)
class Surface:
    """Where a list stands in the shop, and what it is made of.

    Attributes:
        sources: weight of each source of candidates.
        ranker: how much the ranker's order counts against that of retrieval, 0 to 1.
        later: sources of what fits in part: whatever they alone have comes after all the rest.
    """

    sources: Mapping[str, float]
    ranker_weight: float = 1.0
    partial_match_sources: frozenset[str] = frozenset()


_PERSONAL = {
    **{"popular": 1.0, "favourites": 1.0, "together": 1.0},
    **{"past": 2.0, "similar": 0.7, "newest": 0.3},
}
SURFACES: dict[str, Surface] = {
    SEARCH: Surface(
        {"lexical": 1.0, "query_clicked": 1.0, "some_words": 0.1, "category": 0.1},
        partial_match_sources=frozenset({"some_words", "category"}),
    ),
    "browse": Surface(_PERSONAL),
    "home": Surface({**_PERSONAL, "trending": 0.5}),
    "similar": Surface({"similar": 1.0, "together": 0.3}, 0.3),
    "together": Surface({"together": 1.0, "similar": 0.1}, 0.3),
    "again": Surface({"past": 1.0}, 0.0),
    "trending": Surface({"trending": 1.0, "popular": 0.1}, 0.2),
}
"""By name; browse is a search without words."""


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
