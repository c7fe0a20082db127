"""A list has the items that its total counts, also where few shoppers clicked them."""

import pyarrow as pa
import pytest

from feature_repo.home import EventError, Home
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop, ShopField
from serving.candidates import DEPTH, merge, retrieve_candidates
from serving.query import SURFACES, ListRequest, Query
from serving.state import LoadedArtifact, ModelRegistry
from training.artifacts import Manifest
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import (
    ItemTable,
    RankedList,
    parse_facets,
    parse_filters,
    parse_sort,
)
from training.retrieval.indexes import ITEM_TABLE, LEXICAL, LexicalIndexes, TopLists

SHOP = Shop(
    "s",
    (
        ShopField("title", "text", "title", "title"),
        ShopField("brand", "category", "brand", "brand"),
        ShopField("price", "number", "price", "price"),
    ),
)
MANY = 12_000
IDS = [f"i{n:05}" for n in range(MANY)]
ITEMS = ItemTable(
    pa.table(
        {
            "item_id": IDS,
            "title": ["boots"] * MANY,
            "brand": [f"b{n // 150}" for n in range(MANY)],
            "price": [float(n) for n in range(MANY)],
        }
    ),
    SHOP,
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Indexes of a shop whose popular items are the first ones."""
    popular = {("", ""): RankedList(IDS[:2000], [float(MANY - n) for n in range(2000)])}
    indexes = {
        ITEM_TABLE: ITEMS,
        LEXICAL: LexicalIndexes.fit(ITEMS, ["english"]),
        "popular": TopLists(popular),
    }
    registry = ModelRegistry(Home(tmp_path_factory.mktemp("home")), SHOP)
    for kind, index in indexes.items():
        registry.artifacts[kind, "default"] = LoadedArtifact(
            "1", Manifest(kind, "default", {}), index
        )
    return registry


def listed(registry, surface, filters, *words, sort="relevance", chosen=None):
    request = ListRequest(
        SURFACES[surface],
        sort=parse_sort(sort, SHOP),
        facets=None if chosen is None else parse_facets(chosen, SHOP),
        filters=parse_filters(filters, SHOP),
        interpreted=InterpretedQuery(words),
    )
    retrieval = retrieve_candidates(registry.index, Query("r", 9), request, RequestContext(t=9))
    return retrieval, merge(retrieval, request.surface).item_ids


@pytest.mark.parametrize("surface", ["browse", "home", "trending"])
@pytest.mark.parametrize(
    ("filters", "total"),
    [({"brand": "b7"}, 150), ({"brand": "b79"}, 150), ({"not": {"brand": "b1"}}, MANY - 150)],
)
def test_a_list_with_filters_has_all_items_that_meet_them(registry, surface, filters, total):
    retrieval, item_ids = listed(registry, surface, filters)

    assert retrieval.total == total
    assert len(item_ids) == len(set(item_ids)) == min(total, DEPTH)


def test_a_search_with_filters_lists_matches_beyond_the_best_of_the_whole_shop(registry):
    retrieval, item_ids = listed(
        registry, "search", {"brand": "b79", "price": {"min": 11_990}}, "boots"
    )

    assert retrieval.total == len(item_ids) == 10


@pytest.mark.parametrize("words", [("boots",), ()])
def test_a_sorted_list_has_the_first_of_all_matching_items(registry, words):
    surface = "search" if words else "browse"

    cheap = listed(registry, surface, {"price": {"min": 50}}, *words, sort="price")[1]
    dear = listed(registry, surface, {}, *words, sort="-price")[1]

    assert cheap == IDS[50 : 50 + DEPTH]
    assert dear == IDS[: -DEPTH - 1 : -1]


@pytest.mark.parametrize("sort", ["brand", "-", "", "newest!"])
def test_a_sort_by_another_field_is_refused(sort):
    with pytest.raises(EventError, match="relevance, newest, price"):
        parse_sort(sort, SHOP)


def test_only_chosen_facets_are_counted(registry):
    assert listed(registry, "browse", {}, chosen=["brand"])[0].facets.keys() == {"brand"}
    assert listed(registry, "browse", {}, chosen=[])[0].facets == {}


def test_missing_sources_are_named(registry):
    retrieval, _ = listed(registry, "home", {})

    assert "together" in retrieval.missing
    assert retrieval.dropped_words == ()


@pytest.fixture(scope="module")
def shirts(tmp_path_factory):
    """Indexes of a shop with three colours of each of 100 shirts, and two socks."""
    colours = ("red", "blue", "green")
    titles = [f"{colour} shirt" for _ in range(100) for colour in colours] + ["red sock"] * 2
    shop = Shop("s", (*SHOP.item_fields, ShopField("model", "category", "model", "group")))
    items = ItemTable(
        pa.table(
            {
                "item_id": [f"i{n:03}" for n in range(302)],
                "title": titles,
                "brand": ["b"] * 302,
                "price": [float(n) for n in range(302)],
                "model": [f"m{n // 3}" for n in range(300)] + [None, None],
            }
        ),
        shop,
    )
    registry = ModelRegistry(Home(tmp_path_factory.mktemp("home")), shop)
    for kind, index in {ITEM_TABLE: items, LEXICAL: LexicalIndexes.fit(items, ["english"])}.items():
        manifest = Manifest(kind, "default", {})
        registry.artifacts[kind, "default"] = LoadedArtifact("1", manifest, index)
    return registry


def test_a_list_shows_the_best_variant_of_each_product(shirts):
    retrieval, item_ids = listed(shirts, "search", {}, "blue", "shirt")

    assert (retrieval.total, item_ids[:100]) == (100, [f"i{n:03}" for n in range(1, 300, 3)])
    assert len(item_ids) == 100


def test_sorted_and_filtered_lists_show_one_variant_of_each_product(shirts):
    retrieval, item_ids = listed(shirts, "search", {}, "shirt", sort="-price")
    browsed = listed(shirts, "browse", {"brand": "b"})

    assert (retrieval.total, item_ids[:2], len(item_ids)) == (100, ["i299", "i296"], 100)
    assert (browsed[0].total, len(browsed[1])) == (102, 102)


CLICKED = RequestContext(
    t=9,
    user={
        "user_recent__clicked_item_ids": [IDS[0], IDS[5]],
        "user_recent__clicked_at": [5, 3],
        "user_recent__clicked_brand": ["b0", "b0"],
    },
)
FEW = [
    {"brand": "b70"},
    {"brand": ["b70", "b71"], "price": {"min": 10_700}},
    {"price": {"min": 11_990}},
    {"not": {"price": {"min": 3}}},
    {"not": {"brand": [f"b{n}" for n in range(78)]}, "price": {"min": 11_000}},
]


@pytest.mark.parametrize("user_id", [None, "u1"])
@pytest.mark.parametrize("filters", FEW, ids=str)
@pytest.mark.parametrize("surface", SURFACES)
def test_every_list_with_filters_has_the_items_that_its_total_counts(
    registry, surface, filters, user_id
):
    interpreted = InterpretedQuery(words=("boots",)) if surface == "search" else InterpretedQuery()
    request = ListRequest(
        SURFACES[surface],
        seeds=[IDS[11_999]] if surface in ("similar", "together") else [],
        filters=parse_filters(filters, SHOP),
        interpreted=interpreted,
    )
    query = Query("r", 9, user_id=user_id, session_id="s", surface=surface, list_request=request)

    retrieval = retrieve_candidates(registry.index, query, request, CLICKED)
    listed = merge(retrieval, request.surface).item_ids

    assert retrieval.total is not None
    assert 0 < min(retrieval.total, DEPTH) <= len(listed) == len(set(listed))
    rows = [IDS.index(item_id) for item_id in listed]
    meets = [one.mask(ITEMS) for one in request.filters]
    assert all(mask[row] for mask in meets for row in rows)
