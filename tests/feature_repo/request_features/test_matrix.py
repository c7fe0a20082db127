"""The matrix of a request depends only on its context."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import CatalogueError
from feature_repo.home.errors import ExtensionError
from feature_repo.request_features import RequestContext, feature_columns, feature_matrix
from feature_repo.request_features.families import Block, checked_blocks, registry
from feature_repo.shop import SIMULATED_SHOP, Shop, ShopField
from tests.feature_repo.matrix_columns import COLOURS, NOW, PRIOR, SHOP, recent
from tests.scale import examples


def test_no_feature_column_is_a_position():
    assert not [name for name in feature_columns(SHOP) if "position" in name]


def test_columns_of_every_shop_are_unique():
    names = [feature_columns(shop) for shop in (SHOP, COLOURS, Shop("bare", ()))]

    assert [len(set(columns)) for columns in names] == [len(columns) for columns in names]
    assert "taste__colour_lift_mean" in names[1]


def test_fields_with_the_same_column_name_share_a_column():
    fields = (ShopField("rate_all", "number", "rate_all"), ShopField("click", "category", "click"))
    shop = Shop("odd", fields)

    matrix = feature_matrix(RequestContext(t=NOW, item_ids=["a"]), shop, PRIOR)

    assert len(set(feature_columns(shop))) == len(feature_columns(shop)) == matrix.shape[1]


def test_an_empty_slate_has_all_columns_and_no_rows():
    matrix = feature_matrix(RequestContext(t=NOW), SHOP, PRIOR)

    assert matrix.shape == (0, len(feature_columns(SHOP)))


def test_request_without_any_history_has_a_matrix():
    matrix = feature_matrix(RequestContext(t=NOW, item_ids=["a", "b"]), SHOP, PRIOR)

    assert matrix.shape == (2, len(feature_columns(SHOP)))
    assert matrix.dtype == np.float32
    assert not np.isinf(matrix).any()


numbers = st.one_of(st.none(), st.floats(), st.integers(0, 2**40))
texts = st.one_of(st.none(), st.sampled_from(["a", "b", "", "ç", "a\x1fb"]))


@st.composite
def slates(draw):
    size = draw(st.integers(0, 6))
    column_of = lambda values: draw(st.lists(values, min_size=size, max_size=size))  # noqa: E731
    clicked = draw(st.lists(st.tuples(st.sampled_from("abcxy"), st.integers(0, NOW)), max_size=5))
    shown = draw(st.lists(st.tuples(st.sampled_from("abcxy"), st.integers(0, NOW)), max_size=5))
    return RequestContext(
        t=NOW,
        query=draw(st.one_of(st.none(), st.text(max_size=8))),
        user=recent(clicked=clicked, shown=shown, clicked_brand=[draw(texts) for _ in clicked]),
        item_ids=column_of(st.sampled_from("abcde")),
        items={
            "item_attributes__price": column_of(numbers),
            "item_attributes__brand": column_of(texts),
            "item_attributes__title": column_of(texts),
            "item_engagement__clicks_all": column_of(numbers),
            "item_engagement__impressions_all": column_of(numbers),
        },
    )


@settings(deadline=None, max_examples=examples(60))
@given(slates(), st.randoms(use_true_random=False))
def test_row_of_a_candidate_does_not_depend_on_its_position(context, random):
    order = list(range(len(context.item_ids)))
    random.shuffle(order)
    moved = RequestContext(
        t=context.t,
        query=context.query,
        user=context.user,
        item_ids=[context.item_ids[n] for n in order],
        items={name: [values[n] for n in order] for name, values in context.items.items()},
    )

    np.testing.assert_array_equal(
        feature_matrix(moved, SHOP, PRIOR), feature_matrix(context, SHOP, PRIOR)[order]
    )


@settings(deadline=None, max_examples=examples(60))
@given(slates())
def test_lists_and_arrays_give_the_same_bits(context):
    def as_arrays(row):
        return {
            name: np.array(value, dtype=object) if isinstance(value, list) else value
            for name, value in row.items()
        }

    arrays = RequestContext(
        t=context.t,
        query=context.query,
        user=as_arrays(context.user),
        item_ids=context.item_ids,
        items=as_arrays(context.items),
    )

    np.testing.assert_array_equal(
        feature_matrix(arrays, SHOP, PRIOR), feature_matrix(context, SHOP, PRIOR)
    )


def test_shipped_shops_have_columns():
    shops = sorted((Path(SIMULATED_SHOP).parent).glob("*.toml"))

    assert all(len(feature_columns(Shop.load(path))) > 50 for path in shops)


def age_again(context, shop, prior):
    """A family whose column another family has."""
    return [Block(("slate__size",), [1.0])]


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (
            age_again,
            "'slate__size' of family age_again: expected a new name, found a column of slate",
        ),
        ("text", "entry point 'sizes' of aisle.request_features: expected a function"),
        (lambda context: [], r"found .*\(context\): too many positional arguments"),
        (
            lambda context, shop, prior: [
                Block(("foo__x",), context.item_table(["item_engagement__click_7d"]))
            ],
            "item views, found 'item_engagement__click_7d'; did you mean "
            "'item_engagement__clicks_7d'",
        ),
        (
            lambda context, shop, prior: [Block(("foo__x",), [context.user["user_recent__no"]])],
            "test_matrix:<lambda>: expected columns of the user views, found 'user_recent__no'",
        ),
        (
            lambda context, shop, prior: [
                Block(("foo__x", "foo__y"), context.item_table(["item_engagement__clicks_7d"]))
            ],
            r"test_matrix:<lambda>, block of foo__x, foo__y: expected an array \(2, N\)",
        ),
        (
            lambda context, shop, prior: [Block(("foo__x", "foo__y"), [1.0])],
            r"sequence of 2 numbers, found shape \(1,\)",
        ),
        (lambda context, shop, prior: 1 / 0, "found ZeroDivisionError: division by zero"),
    ],
)
def test_installed_family_that_cannot_be_used_is_named(monkeypatch, family, message):
    monkeypatch.setattr(registry, "extensions", lambda _: {"sizes": family})
    registry.installed_families.cache_clear()
    feature_columns.cache_clear()

    with pytest.raises((CatalogueError, ExtensionError), match=message):
        feature_columns(SHOP)

    monkeypatch.undo()
    registry.installed_families.cache_clear()


@pytest.mark.parametrize(
    ("service", "family"),
    [(service, family) for service, families in registry.BUILT_IN.items() for family in families],
)
def test_built_in_family_passes_the_check_of_installed_families(service, family):
    with np.errstate(all="ignore"):
        names = [name for block in checked_blocks(family, SHOP) for name in block.names]

    assert set(names) <= set(feature_columns(SHOP, service))
