"""A filter selects the same items from the whole table as item by item."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import EventError
from feature_repo.shop import Shop, ShopField
from tests.scale import examples
from training.retrieval.catalogue import ItemTable, all_of, facets, parse_filters, sellable

SHOP = Shop(
    "s",
    (
        ShopField("Brand", "category", "brand", "brand"),
        ShopField("tags", "list", "tags"),
        ShopField("price", "number", "price", "price"),
        ShopField("new", "bool", "new"),
        ShopField("stock", "number", "stock", "stock"),
        ShopField("markets", "list", "markets", "market"),
    ),
)
words = st.sampled_from(["red", "Red", "blue", "ß", "SS", "x"])
items = st.lists(
    st.fixed_dictionaries(
        {
            "brand": st.none() | words,
            "tags": st.none() | st.lists(words, max_size=3),
            "price": st.none() | st.sampled_from([0.0, 1.5, 2.0, 50.0]),
            "new": st.none() | st.booleans(),
            "stock": st.none() | st.sampled_from([-1.0, 0.0, 1.0]),
            "markets": st.none() | st.lists(st.sampled_from(["uk", "de"]), max_size=2),
        }
    ),
    max_size=8,
)
filters_ = st.fixed_dictionaries(
    {},
    optional={
        "brand": words | st.lists(words, min_size=1, max_size=2),
        "tags": words,
        "price": st.fixed_dictionaries(
            {"min": st.sampled_from([0, 1.5, 3])}, optional={"max": st.sampled_from([2, 50])}
        ),
        "new": st.booleans(),
        "not": st.fixed_dictionaries({}, optional={"tags": words, "brand": words}),
    },
)
TYPES = {
    "brand": pa.string(),
    "tags": pa.list_(pa.string()),
    "price": pa.float64(),
    "new": pa.bool_(),
    "stock": pa.float64(),
    "markets": pa.list_(pa.string()),
}


def assortment_of(rows):
    columns = {name: pa.array([row[name] for row in rows], type_) for name, type_ in TYPES.items()}
    ids = pa.array([f"i{n}" for n in range(len(rows))], pa.string())
    return ItemTable(pa.table({"item_id": ids, **columns}), SHOP)


@settings(max_examples=examples(150), deadline=None)
@given(items, filters_)
def test_mask_of_all_items_equals_the_condition_on_each(rows, raw):
    filters = parse_filters(raw, SHOP)

    selected = all_of(filters, assortment_of(rows))

    assert selected.tolist() == [
        all(f.allows(row[f.field.column]) for f in filters) for row in rows
    ]


@settings(max_examples=examples(100), deadline=None)
@given(items, st.sets(st.integers(0, 39)))
def test_facets_count_few_and_many_selected_items(rows, positions):
    rows = rows * 5
    selected = np.isin(np.arange(len(rows)), list(positions))
    left = [row for row, keep in zip(rows, selected, strict=True) if keep]

    summary = facets(assortment_of(rows), selected)

    brands = Counter(row["brand"].casefold() for row in left if row["brand"])
    tags = Counter(tag for row in left for tag in {t.casefold() for t in row["tags"] or ()})
    prices = [row["price"] for row in left if row["price"] is not None]
    assert {f["value"].casefold(): f["count"] for f in summary.get("Brand", [])} == brands
    assert {f["value"].casefold(): f["count"] for f in summary.get("tags", [])} == tags
    assert summary.get("price", []) == (
        [{"min": min(prices), "max": max(prices), "count": len(prices)}] if prices else []
    )


@settings(max_examples=examples(60), deadline=None)
@given(items, st.lists(st.sampled_from(["UK", "de", "nowhere", ""]), min_size=1, max_size=3))
def test_items_out_of_stock_or_outside_the_market_are_not_sellable(rows, markets):
    item_table = assortment_of(rows)

    selected = {market: sellable(item_table, market).tolist() for market in markets}

    assert selected == {
        market: [
            not (row["stock"] is not None and row["stock"] <= 0)
            and (not row["markets"] or market.casefold() in row["markets"])
            for row in rows
        ]
        for market in markets
    }


def test_forms_of_a_value_are_one_in_filters_and_facets():
    forms = ["Nike", "NIKE", "Nike", "nike ", "39", "39.0", None]
    rows = [dict.fromkeys(TYPES) | {"brand": form} for form in forms]
    item_table = assortment_of(rows)

    summary = facets(item_table, np.ones(len(rows), np.bool_))
    selected = [all_of(parse_filters({"brand": v}, SHOP), item_table) for v in ("NIKE", 39.0, "39")]

    assert summary == {"Brand": [{"value": "Nike", "count": 4}, {"value": "39", "count": 2}]}
    assert [int(flags.sum()) for flags in selected] == [4, 2, 2]


def test_negated_filters_pass_the_items_that_do_not_meet_them():
    rows = [dict.fromkeys(TYPES) | {"brand": b, "price": p} for b, p in (("red", 1.0), ("x", 5.0))]
    rows.append(dict.fromkeys(TYPES))
    raw = {"not": {"brand": ["Red", "blue"], "price": {"min": 9}}}

    filters = parse_filters(raw, SHOP)

    assert all_of(filters, assortment_of(rows)).tolist() == [False, True, True]


def test_markets_that_no_item_names_share_one_cache_entry():
    item_table = assortment_of([])

    for n in range(50):
        sellable(item_table, f"m{n}")

    assert len(item_table.sellable) == 1


@pytest.mark.parametrize(
    "raw",
    [
        {"colour": "red"},
        {"price": 5},
        {"price": {}},
        {"price": {"min": "a"}},
        {"Brand": []},
        {"not": 3},
        {"not": {"x": 1}},
    ],
)
def test_invalid_filter_is_rejected_with_its_path(raw):
    with pytest.raises(EventError) as raised:
        parse_filters(raw, SHOP)

    assert raised.value.field.startswith(f"filters.{next(iter(raw))}")
