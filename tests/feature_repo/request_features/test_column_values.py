"""Values of single columns, by family of features."""

import math
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.home import DAY, SECOND, parse_instant
from feature_repo.request_features import RequestContext, feature_columns
from feature_repo.request_features.context import ItemValues, RatePrior
from feature_repo.request_features.families.recent import Recent
from feature_repo.request_features.families.slate import (
    distance_to_median,
    frequency,
    medians,
    ranks,
)
from feature_repo.request_features.families.text_match import gram_jaccard
from tests.feature_repo.matrix_columns import COLOURS, NOW, SHOP, column, recent


@pytest.mark.parametrize(
    ("everything", "clicks", "shown", "strength", "rate"),
    [
        ((100, 10), 1, 2, 10, 11 / 102),
        ((100, 10), 1, 2, 1, 2 / 12),
        ((100, 10), 3, 10, 10, 13 / 110),
        ((20, 5), 3, 10, 10, 13 / 50),
    ],
)
def test_smoothed_rate_uses_the_prior_of_the_shop(everything, clicks, shown, strength, rate):
    impressions, total = everything
    prior = RatePrior.of_counts(clicks=total, impressions=impressions, strength=strength)

    assert prior.smoothed(clicks, shown) == pytest.approx(rate, abs=1e-15)


def test_rates_are_missing_without_any_click():
    context = RequestContext(t=NOW, item_ids=["a"], items={"item_engagement__impressions_all": [4]})

    rates = column(context, "rate__item_all", prior=RatePrior.of_counts(clicks=0, impressions=4))

    assert math.isnan(rates[0])


def test_shown_item_has_zero_clicks_and_unshown_item_is_missing():
    context = RequestContext(
        t=NOW,
        item_ids=["shown", "new"],
        items={
            "item_engagement__clicks_all": [0, None],
            "item_engagement__present": [True, False],
        },
    )

    clicks = column(context, "item_engagement__clicks_all")

    assert clicks[0] == 0
    assert math.isnan(clicks[1])
    assert column(context, "item_engagement__present") == [1, 0]


def test_a_candidate_matches_the_colours_that_were_clicked():
    context = RequestContext(
        t=NOW,
        user=recent(
            clicked=[("p2", NOW - SECOND), ("p1", NOW - 2 * SECOND)],
            clicked_colour=["green", "red"],
            clicked_tags=["", ""],
        ),
        item_ids=["p1", "p2", "p3"],
        items={"item_attributes__colour": ["red", "green", None]},
    )

    assert column(context, "taste__colour_matches", COLOURS) == [1, 1, 0]
    assert column(context, "taste__tags_matches", COLOURS) == [0, 0, 0]


def test_ignored_value_lowers_the_lift():
    context = RequestContext(
        t=NOW,
        user=recent(
            clicked=[("p1", NOW - SECOND)],
            shown=[("p1", NOW - 2 * SECOND), ("p2", NOW - 2 * SECOND)],
            clicked_colour=["red"],
            shown_colour=["red", "green"],
        ),
        item_ids=["new", "other", "third"],
        items={"item_attributes__colour": ["red", "green", "blue"]},
    )

    liked, passed, unknown = column(context, "taste__colour_lift_mean", COLOURS)

    assert liked > unknown == 0 > passed


def test_item_is_ignored_if_no_click_followed_its_impression():
    context = RequestContext(
        t=NOW,
        user=recent(
            clicked=[("again", NOW - 5), ("seen", NOW - 20)],
            shown=[("seen", NOW - 3), ("again", NOW - 5), ("seen", NOW - 30)],
        ),
    )

    row = Recent.of(context)

    assert row is not None
    assert row.ignored == [0]


def test_list_values_of_the_recent_row_are_split():
    context = RequestContext(
        t=NOW,
        user=recent(clicked=[("p1", NOW - 1)], clicked_tags=["warm\x1fsoft"]),
        item_ids=["a", "b"],
        items={"item_attributes__tags": [["soft", "warm", "new"], ["warm soft"]]},
    )

    assert column(context, "taste__tags_matches", COLOURS) == [2, 0]


def test_numbers_are_compared_with_the_median_of_the_slate():
    numbers = np.array([10.0, 20, 40, 15, 5])

    assert distance_to_median(numbers).tolist() == [-5, 5, 25, 0, -10]


def test_numbers_can_be_compared_with_the_first_few():
    numbers = np.array([10.0, 20, 30, 5, 1])

    assert distance_to_median(numbers, first=3).tolist() == [-10, 0, 10, -15, -19]


def test_frequency_of_values_within_the_slate():
    values = ItemValues.of(["a", "b", "c", "a", "b"])

    assert frequency(values).tolist() == [0.4, 0.4, 0.2, 0.4, 0.4]


def test_age_is_in_seconds_from_the_fields_time():
    added = datetime.fromisoformat("2022-03-01T00:00:00+02:00").timestamp() * SECOND
    context = RequestContext(
        t=parse_instant("2022-03-28T00:00:00+02:00"),
        item_ids=["a"],
        items={"item_attributes__added_at": [int(added)]},
    )

    assert column(context, "age__added_at_seconds") == [2_332_800]


def test_gram_jaccard_of_two_texts():
    assert gram_jaccard("foobar", "foo") == 0.25


def test_the_query_is_compared_with_the_title():
    context = RequestContext(
        t=NOW,
        query="Red  shoes",
        item_ids=["a", "b", "c"],
        items={"item_attributes__title": ["Shoes, red", "Red hat", None]},
    )

    covered = column(context, "text__tokens_covered")

    assert covered[:2] == [1, 0.5]
    assert math.isnan(covered[2])


def test_items_clicked_under_the_query_have_weight_share_and_rank():
    context = RequestContext(
        t=NOW,
        query_row={
            "query_clicked_items__present": True,
            "query_clicked_items__clicked_item_keys": ["b", "a"],
            "query_clicked_items__clicked_item_weights": np.array([3, 1]),
        },
        item_ids=["a", "b", "c"],
    )

    assert column(context, "query_item__weight") == [1, 3, 0]
    assert column(context, "query_item__share") == [0.25, 0.75, 0]
    assert column(context, "query_item__rank")[:2] == [2, 1]


def test_history_has_the_time_since_the_last_click_and_impression():
    context = RequestContext(
        t=NOW,
        user=recent(
            clicked=[("a", NOW - 10 * SECOND)],
            shown=[("a", NOW - 20 * SECOND), ("a", NOW - DAY)],
        ),
        item_ids=["a", "b"],
    )

    assert column(context, "history__times_shown") == [2, 0]
    assert column(context, "history__clicked_seconds")[0] == 10
    assert column(context, "history__shown_seconds")[0] == 20
    assert math.isnan(column(context, "history__shown_seconds")[1])


def test_every_word_of_a_long_query_is_matched():
    context = RequestContext(
        t=NOW,
        query=" ".join(map(str, range(2000))),
        item_ids=["a", "b"],
        items={
            "item_attributes__title": ["7 1999 hat", "hat"],
            "item_attributes__brand": ["8", "9"],
        },
    )

    assert column(context, "text__tokens_covered") == pytest.approx([2 / 2000, 0])
    assert column(context, "text__all_covered") == pytest.approx([3 / 2000, 1 / 2000])


def test_value_that_is_no_number_is_missing():
    values = [float("inf"), 1e300, "12", 10**400, None, [3], True]
    context = RequestContext(t=NOW, item_ids=[*"abcdefg"], items={"item_attributes__price": values})

    prices = column(context, "item_attributes__price")

    assert [price for price in prices if not math.isnan(price)] == [12, 1]


tables = st.integers(1, 6).flatmap(
    lambda n: st.lists(
        st.one_of(st.just(math.nan), st.integers(-5, 5).map(float)), min_size=n, max_size=n
    )
)


@given(tables)
def test_median_ignores_missing_numbers(values):
    numbers = [value for value in values if not math.isnan(value)]

    median = medians(np.array([values]))[0]

    np.testing.assert_array_equal(median, np.median(numbers) if numbers else math.nan)


@given(tables)
def test_rank_is_the_share_of_lower_numbers_with_equals_counting_half(values):
    numbers = [value for value in values if not math.isnan(value)]

    def expected(value):
        if math.isnan(value):
            return math.nan
        lower = sum(other < value for other in numbers)
        return (lower + (numbers.count(value) - 1) / 2) / max(len(numbers) - 1, 1)

    np.testing.assert_allclose(ranks(np.array([values]))[0], [*map(expected, values)])


def test_columns_of_sources_are_rank_and_score():
    source_ranks = {
        "a": {"lexical": (1, 7.25), "past": (3, 0.5), "rules": (1, 0.0)},
        "b": {"lexical": (2, 6.0)},
        "elsewhere": {"popular": (1, 9.0)},
    }
    context = RequestContext(t=NOW, item_ids=["b", "a", "c"], source_ranks=source_ranks)
    brought = RequestContext(t=NOW, item_ids=["b", "a", "c"])

    np.testing.assert_array_equal(column(context, "source__lexical_rank"), [2, 1, math.nan])
    np.testing.assert_array_equal(column(context, "source__lexical_score"), [6, 7.25, math.nan])
    np.testing.assert_array_equal(column(context, "source__past_rank"), [math.nan, 3, math.nan])
    assert np.isnan(column(context, "source__popular_rank")).all()
    assert np.isnan(column(brought, "source__lexical_rank")).all()
    assert not [name for name in feature_columns(SHOP) if "rules" in name]
