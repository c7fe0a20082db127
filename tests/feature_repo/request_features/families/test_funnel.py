"""Step rates are smoothed toward the market's rate."""

import math

import pytest

from feature_repo.request_features import RequestContext, feature_columns
from tests.feature_repo.matrix_columns import NOW, SHOP, column


@pytest.mark.parametrize(
    ("nothing", "searches", "of_market", "share"),
    [
        (2, 3, (1, 2), 12 / 23),
        (0, 5, (1, 10), 2 / 25),
        (None, None, (1, 4), 1 / 4),
        (5, 5, (0, 9), math.nan),
        (5, 5, (None, None), math.nan),
    ],
)
def test_empty_search_rate_is_smoothed_toward_the_market_rate(nothing, searches, of_market, share):
    context = RequestContext(
        t=NOW,
        item_ids=["a", "b"],
        query_row={
            "query_engagement__zero_results_30d": nothing,
            "query_engagement__searches_30d": searches,
        },
        market_row={
            "market_baseline__zero_results_all": of_market[0],
            "market_baseline__queries_all": of_market[1],
            "market_baseline__searches_all": 1000,
        },
    )

    assert column(context, "funnel__query_zero_result_30d") == pytest.approx(
        [share] * 2, nan_ok=True
    )


def test_measures_with_rates_alone_have_no_count_columns():
    counts = [name for name in feature_columns(SHOP) if "zero_result" in name]

    assert counts == ["funnel__query_zero_result_30d", "funnel__query_zero_result_all"]
