"""Values of listed items as numbers, so that one array operation counts all fields."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, count, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context import FieldValues, Flags, Floats
from feature_repo.views import VALUE_SEPARATOR

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Listed:
    """The values of listed items in F fields, numbered field by field.

    A field's last number represents every value that no listed item has.

    Attributes:
        code: for each field, value → number.
        numbers: shape (W,), the number of each listed value, field by field, item by item.
        positions: shape (W,), the index of its item in the list.
        sizes: the number of numbers of each field.
        longest: the number of items of the longest list.
    """

    code: list[dict[str, int]]
    numbers: Ints
    positions: Ints
    sizes: list[int]
    longest: int

    @classmethod
    def of(cls, lists: Sequence[Sequence[Any]]) -> "Listed":
        """Number the values of F lists of items, one text an item."""
        codes: list[dict[str, int]] = []
        numbers: list[int] = []
        positions: list[int] = []
        for texts in lists:
            start = sum(map(len, codes)) + len(codes)
            values, items = _split_all(texts)
            code: dict[str, int] = defaultdict(count(start).__next__)
            numbers += map(code.__getitem__, values)
            positions += items
            codes.append(code)
        sizes, longest = [len(code) + 1 for code in codes], max(map(len, lists), default=0)
        return cls(
            codes, np.array(numbers, np.int64), np.array(positions, np.int64), sizes, longest
        )

    def counted(self, weights: Floats | Flags) -> Floats:
        """Sum weights by number: (W,) to (numbers,)."""
        counts = np.bincount(self.numbers, weights, minlength=sum(self.sizes))
        return counts.astype(np.float64, copy=False)

    def weighed(self, weights: Floats) -> Floats:
        """Sum the weights of items by number; an item without a weight has weight 0."""
        by_position = np.zeros(max(weights.size, self.longest))
        by_position[: weights.size] = weights
        return self.counted(by_position[self.positions])

    def by_field(self, counts: Floats) -> list[Floats]:
        """Split counts of all numbers by field."""
        ends = [*accumulate(self.sizes)]
        return [counts[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]

    def numbers_in(self, candidates: FieldValues) -> Ints:
        """Return the number of each value of the candidates, shape (V,)."""
        others = [end - 1 for end in accumulate(self.sizes)]
        numbers_of_distinct = chain.from_iterable(
            map(numbered, self.code, candidates.distinct, others)
        )
        numbers: Ints = np.array([*numbers_of_distinct], np.int64).take(candidates.items.codes)
        return numbers


def numbered(code: Mapping[str, int], texts: Iterable[str], other: int) -> Iterable[int]:
    """Return the number of each text, `other` for a text without one."""
    return map(code.get, texts, repeat(other))


def numbers_of(code: Mapping[str, int], texts: Sequence[str], other: int) -> Ints:
    """Return the numbers of K texts as an array, shape (K,)."""
    return np.fromiter(numbered(code, texts, other), np.int64, len(texts))


def _split_all(texts: Sequence[Any]) -> tuple[Sequence[str], Sequence[int]]:
    """The values of all texts, and the index of each value's text."""
    distinct = {*texts}
    plain = {*map(type, distinct)} == {str} and "" not in distinct
    if plain and VALUE_SEPARATOR not in "".join(distinct):
        return texts, range(len(texts))
    read = [*map(split, texts)]
    return [*chain.from_iterable(read)], [n for n, values in enumerate(read) for _ in values]


def split(text: Any) -> list[str]:
    """Split the text that a row stores into an item's values in one field.

    >>> split("red\\x1fblue"), split(None)
    (['red', 'blue'], [])
    """
    return text.split(VALUE_SEPARATOR) if isinstance(text, str) and text else []
