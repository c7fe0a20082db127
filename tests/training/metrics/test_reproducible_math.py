"""Logarithms, exponentials and decompositions agree with numpy's and are the same everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from training.metrics import exp, exp2, left_singular_vectors, log, log2

LIMITS = [0.0, -0.0, -1.0, np.nan, np.inf, -np.inf, 5e-324, 1e308, 1.0]
values = st.floats(1e-300, 1e300)


@given(st.lists(values, min_size=1))
def test_logarithms_agree_with_numpy(numbers):
    np.testing.assert_allclose(log(numbers), np.log(numbers), rtol=1e-15)
    np.testing.assert_allclose(log2(numbers), np.log2(numbers), rtol=1e-15)


@given(st.lists(st.floats(-700, 700), min_size=1))
def test_exponentials_agree_with_numpy(numbers):
    np.testing.assert_allclose(exp(numbers), np.exp(numbers), rtol=1e-15)
    np.testing.assert_allclose(exp2(numbers), np.exp2(numbers), rtol=1e-15)


@pytest.mark.parametrize("function", [log, log2, exp, exp2])
def test_limits_agree_with_numpy(function):
    with np.errstate(all="ignore"):
        expected = getattr(np, function.__name__)(LIMITS)

    np.testing.assert_allclose(function(LIMITS), expected, rtol=1e-15)


def test_whole_powers_of_two_are_exact():
    exponents = np.arange(-1074.0, 1024.0)

    np.testing.assert_array_equal(log2(exp2(exponents)), exponents)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (40, 60), (300, 300)])
def test_singular_vectors_equal_the_full_decomposition(shape):
    rng = np.random.default_rng(4)
    left = np.linalg.qr(rng.normal(size=(shape[0], min(shape))))[0]
    right = np.linalg.qr(rng.normal(size=(shape[1], min(shape))))[0]
    values = 0.8 ** np.arange(min(shape))
    matrix = sparse.csr_array((left * values) @ right.T)
    width = min(8, *shape)

    vectors, fitted_values = left_singular_vectors(matrix, width)

    np.testing.assert_allclose(fitted_values, values[:width], rtol=1e-6)
    np.testing.assert_allclose(np.abs((vectors * left[:, :width]).sum(axis=0)), 1, rtol=1e-6)
    assert (vectors[np.abs(vectors).argmax(axis=0), np.arange(width)] > 0).all()


def test_vectors_beyond_the_rank_are_zero():
    matrix = sparse.csr_array(np.outer([1.0, 2.0, 2.0], [3.0, 0.0, 4.0]))

    vectors, values = left_singular_vectors(matrix, 3)

    np.testing.assert_allclose(values, [15, 0, 0], atol=1e-6)
    np.testing.assert_allclose(vectors[:, 0], [1 / 3, 2 / 3, 2 / 3])
    np.testing.assert_array_equal(vectors[:, 1:], 0)
