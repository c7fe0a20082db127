"""The highest columns of each row equal the first columns of a stable sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from training.metrics import highest_columns, highest_entries


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=6))
def test_highest_columns_equal_a_stable_sort(table):
    values = np.array(table, dtype=np.float64)
    expected = np.argsort(-values, axis=1, kind="stable")

    for count in range(8):
        np.testing.assert_array_equal(highest_columns(values, count), expected[:, :count])


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=6))
def test_highest_entries_equal_a_stable_sort_of_the_stored_ones(table):
    values = np.array(table, dtype=np.float64)

    for count in range(1, 7):
        expected = np.zeros_like(values)
        for row, numbers in enumerate(values):
            best = np.argsort(-numbers, kind="stable")[:count]
            expected[row, best] = numbers[best]
        result = highest_entries(sparse.csr_array(values), count)
        np.testing.assert_array_equal(result.toarray(), expected)
