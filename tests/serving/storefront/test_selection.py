"""Filters travel in addresses and come back unchanged."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from feature_repo.shop import SIMULATED_SHOP, Shop
from serving.storefront.selection import Selection, facet_forms, read_selection
from serving.storefront.shop_list import ShopList
from serving.storefront.visitor import Visitor

SHOP = Shop.load(SIMULATED_SHOP)
CHOSEN = st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=3)
LIMITS = st.sampled_from([{"min": 1.0}, {"max": 9.5}, {"min": 2.0, "max": 300.0}])
VALUES = st.fixed_dictionaries({}, optional={"category": CHOSEN, "brand": CHOSEN})
RANGES = st.fixed_dictionaries({}, optional={"price": LIMITS, "stock": LIMITS})


def read(text):
    return read_selection(QueryParams(text), SHOP)


@given(VALUES, RANGES)
def test_an_address_gives_its_selection_back(values, ranges):
    chosen = Selection(values, ranges)

    assert read(urlencode(chosen.parameters())) == chosen


def test_fields_that_the_shop_does_not_declare_and_empty_values_have_no_effect():
    assert read("f.nothing=1&f.price=3&min.brand=2&f.brand=&max.price=").is_empty


@pytest.mark.parametrize("text", ["x", "nan", "inf", "1e999"])
def test_a_limit_that_is_no_number_is_named(text):
    selection = read(f"max.price={text}")

    assert selection.is_empty
    assert selection.problems == (f"price: expected a number, found “{text}”; it has no effect.",)


def test_a_chosen_value_stays_in_the_form_although_no_item_has_it():
    counts = {"brand": [{"value": "Acme", "count": 3}]}

    forms = facet_forms(SHOP, counts, Selection({"brand": ["Other"]}))

    (brand,) = forms
    assert [(one.value, one.count, one.is_chosen) for one in brand.options] == [
        ("Acme", 3, False),
        ("Other", None, True),
    ]


def test_a_list_is_the_request_of_the_api_that_its_address_names():
    listed = ShopList.read(QueryParams("q=boot&f.brand=Acme&max.price=9&sort=-price&page=2"), SHOP)

    body = listed.request(Visitor("s", "t", "ann"), "uk", SHOP)

    assert body == {
        "user": "ann",
        "session": "s",
        "market": "uk",
        "filters": {"brand": ["Acme"], "price": {"max": 9.0}},
        "query": "boot",
        "size": 20,
        "facets": ["category", "brand", "price", "color"],
        "sort": "-price",
        "page": 2,
    }
    assert listed.decode(body).query == "boot"
