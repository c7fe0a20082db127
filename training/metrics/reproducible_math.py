"""Logarithms and exponentials that have the same bits on every processor.

numpy computes these with the widest vector unit of the machine, and the last bit differs between
them; an SVD and trees amplify that bit to the third digit of a metric.  The functions below use
additions, multiplications, divisions and powers of two alone, which IEEE 754 defines to the bit.
The polynomials come from fdlibm (Sun Microsystems 1993); errors are below 2 ulp.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SQRT_HALF = 0.7071067811865476
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_PER_LN2 = 1.44269504088896338700
_LOG = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)
_EXP = (
    4.13813679705723846039e-08,
    -1.65339022054652515390e-06,
    6.61375632143793436117e-05,
    -2.77777777770155933842e-03,
    1.66666666666666019037e-01,
)
_LEAST_EXPONENT, _MOST_EXPONENT = -1080.0, 1025.0
"""Powers of two beyond which a float64 is zero or infinite."""


def log(values: npt.ArrayLike) -> Floats:
    """Return the natural logarithm; -inf of 0, NaN below.

    >>> log([1.0, 0.0]).tolist()
    [0.0, -inf]
    """
    numbers = np.asarray(values, dtype=np.float64)
    exponent, rest, half_square = _reduced(numbers)
    return _with_limits(
        numbers,
        exponent * _LN2_HIGH - ((half_square - (rest[1] + exponent * _LN2_LOW)) - rest[0]),
    )


def log2(values: npt.ArrayLike) -> Floats:
    """Return the binary logarithm, exact of powers of two; -inf of 0, NaN below.

    >>> log2([8.0, 0.5]).tolist()
    [3.0, -1.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    exponent, rest, half_square = _reduced(numbers)
    return _with_limits(numbers, exponent + (rest[0] - (half_square - rest[1])) * _PER_LN2)


def exp(values: npt.ArrayLike) -> Floats:
    """Return e to the power of each value.

    >>> exp([0.0, -np.inf]).tolist()
    [1.0, 0.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    exponent = np.clip(np.rint(numbers * _PER_LN2), _LEAST_EXPONENT, _MOST_EXPONENT)
    high = np.clip(numbers, -750.0, 711.0) - exponent * _LN2_HIGH
    return _scaled(_exp_near_zero(high, exponent * _LN2_LOW), exponent)


def exp2(values: npt.ArrayLike) -> Floats:
    """Return 2 to the power of each value, exact of whole numbers.

    >>> exp2([-1.0, 3.0]).tolist()
    [0.5, 8.0]
    """
    numbers = np.clip(np.asarray(values, np.float64), _LEAST_EXPONENT, _MOST_EXPONENT)
    exponent = np.rint(numbers)
    rest = numbers - exponent
    return _scaled(_exp_near_zero(rest * _LN2_HIGH, -rest * _LN2_LOW), exponent)


def _reduced(numbers: Floats) -> tuple[Floats, tuple[Floats, Floats], Floats]:
    """Return k, (f, s · (f² / 2 + R)) and f² / 2 with x = 2^k · (1 + f), |f| < 0.42."""
    mantissa, whole = np.frexp(np.where((numbers > 0) & (numbers < np.inf), numbers, 1.0))
    small = mantissa < _SQRT_HALF
    f = np.where(small, 2 * mantissa, mantissa) - 1
    s = f / (2 + f)
    series, square = np.zeros_like(s), s * s
    for factor in _LOG:
        series = (series + factor) * square
    half_square = 0.5 * f * f
    return (whole - small).astype(np.float64), (f, s * (half_square + series)), half_square


def _exp_near_zero(high: Floats, low: Floats) -> Floats:
    """Return the exponential of high - low, which is less than 0.36."""
    r = high - low
    square, series = r * r, np.zeros_like(r)
    for factor in _EXP:
        series = series * square + factor
    c = r - square * series
    return np.asarray(1 - ((low - (r * c) / (2 - c)) - high))


def _scaled(values: Floats, exponent: Floats) -> Floats:
    whole = np.where(np.isnan(exponent), 0.0, exponent).astype(np.int32)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, whole))


def _with_limits(numbers: Floats, logarithms: Floats) -> Floats:
    limits = np.where(numbers == 0, -np.inf, np.where(numbers > 0, np.inf, np.nan))
    return np.where((numbers > 0) & (numbers < np.inf), logarithms, limits)
