"""What was understood of a query, and the queries that undo it."""

import pytest

from feature_repo.shop import Market, ShopField
from serving.storefront.chips import chips
from training.query_understanding import Understanding

PRICE = ShopField("price", "number", "price", "price")


def described(query, *, corrected=None, relaxed=()):
    understood = Understanding().apply(query, Market("uk", "english"), reads_prices=True).to_dict()
    if corrected:
        understood["corrected"] = corrected
    return chips(query, understood, relaxed, PRICE)


def test_a_correction_is_undone_by_quotes():
    (chip,) = described("rad shoes", corrected={"rad": "red"})

    assert (chip.label, chip.query) == ("“rad” read as “red”", '"rad" shoes')
    assert chip.undo == 'search instead for "rad" shoes'


def test_a_price_is_undone_and_the_rest_stays():
    price, phrase, without = described('red "dark boots" under 50 -leather')

    assert (price.label, price.query) == ("price up to 50", 'red "dark boots" -leather')
    assert price.ranges is None
    assert phrase.query == "red dark boots under 50 -leather"
    assert without.query == 'red "dark boots"'
    assert without.ranges == {"price": {"max": 50.0}}


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("boots over 20", "price from 20"),
        ("boots between 20 and 50", "price 20 to 50"),
        ("boots without leather", "without leather"),
    ],
)
def test_conditions_are_named_in_words(query, label):
    assert label in [chip.label for chip in described(query)]


def test_conditions_that_the_search_dropped_are_named():
    (chip,) = described("boots", relaxed=["words"])

    assert chip.label == "no item has all words; these have most"
    assert chip.query is None
