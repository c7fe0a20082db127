"""Differences of logarithms do not depend on the last bit of the processor's log."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.request_features.context import rounded_log

prices = st.floats(0.01, 1e7)


@given(prices, st.integers(1, 200))
def test_mean_of_equal_prices_has_no_distance_to_the_price(price, times):
    logs = rounded_log(np.full(times, price))

    assert logs.sum() / times - rounded_log(price) == 0


@given(prices)
def test_neighbouring_logarithms_round_to_one_number(price):
    exact = math.log(price)

    rounded = {float(np.float32(x)) for x in (exact, float(rounded_log(price)))}

    assert rounded == {float(rounded_log(price))}
