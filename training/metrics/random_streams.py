"""Reproducible random numbers: generators by purpose, and noise by number.

A generator depends only on the seed, its name and its numbers, so a day is the same in every
process and after any other days.
"""

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Seeds = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """Return the generator of one purpose, such as ("visits", day, block)."""
    return np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode()), *numbers]))


def noise(seeds: Seeds | np.uint64, numbers: Ints) -> Floats:
    """Return a uniform number in (0, 1) for each pair of a seed and a number, broadcast.

    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over seed and number.

    >>> noise(np.uint64(7), np.array([1, 1, 2])).round(3).tolist()
    [0.017, 0.017, 0.901]
    """
    mixed = np.asarray(seeds, np.uint64) + (numbers.astype(np.uint64) + np.uint64(1)) * _GOLDEN
    for shift, factor in _MIX:
        mixed ^= mixed >> shift
        mixed *= factor
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(((mixed >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)


def draw_from(cumulative: Floats, uniforms: Floats) -> Ints:
    """Draw an index by its weight; `cumulative` ascends to 1."""
    return np.minimum(np.searchsorted(cumulative, uniforms, side="right"), cumulative.size - 1)
