"""Values of listed items as numbers, so that those of all fields are counted at once."""

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

    A field's last number is that of any value which no listed item has.

    Attributes:
        code: of each field, the number of each of its K values.
        numbers: shape (W,), the number of each listed value, field by field, item by item.
        places: shape (W,), the place of its item in the list.
        sizes: how many numbers each field takes.
        longest: how many items the longest list has.
    """

    code: list[dict[str, int]]
    numbers: Ints
    places: Ints
    sizes: list[int]
    longest: int

    @classmethod
    def of(cls, lists: Sequence[Sequence[Any]]) -> "Listed":
        """Number the values of a list of items a field, of which each has a text."""
        codes: list[dict[str, int]] = []
        numbers: list[int] = []
        places: list[int] = []
        for texts in lists:
            start = sum(map(len, codes)) + len(codes)
            told, of = _told(texts)
            code: dict[str, int] = defaultdict(count(start).__next__)
            numbers += map(code.__getitem__, told)
            places += of
            codes.append(code)
        sizes, longest = [len(code) + 1 for code in codes], max(map(len, lists), default=0)
        return cls(codes, np.array(numbers, np.int64), np.array(places, np.int64), sizes, longest)

    def counted(self, weights: Floats | Flags) -> Floats:
        """Sum of the weights of the values of each number: (W,) to (numbers,)."""
        counts = np.bincount(self.numbers, weights, minlength=sum(self.sizes))
        return counts.astype(np.float64, copy=False)

    def weighed(self, weights: Floats) -> Floats:
        """The same where the weights are those of the items by place; an item beyond weighs 0."""
        by_place = np.zeros(max(weights.size, self.longest))
        by_place[: weights.size] = weights
        return self.counted(by_place[self.places])

    def by_field(self, counts: Floats) -> list[Floats]:
        """What each field has of counts of all numbers."""
        ends = [*accumulate(self.sizes)]
        return [counts[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]

    def numbers_in(self, candidates: FieldValues) -> Ints:
        """Shape (V,): the number of each value of the candidates."""
        others = [end - 1 for end in accumulate(self.sizes)]
        found = chain.from_iterable(map(numbered, self.code, candidates.distinct, others))
        numbers: Ints = np.array([*found], np.int64).take(candidates.items.codes)
        return numbers


def numbered(code: Mapping[str, int], texts: Iterable[str], other: int) -> Iterable[int]:
    """The number of each text, the other where it has none."""
    return map(code.get, texts, repeat(other))


def numbers_of(code: Mapping[str, int], texts: Sequence[str], other: int) -> Ints:
    """Shape (K,): the same of K texts."""
    return np.fromiter(numbered(code, texts, other), np.int64, len(texts))


def _told(texts: Sequence[Any]) -> tuple[Sequence[str], Sequence[int]]:
    """The values of all texts, and the place of the text of each."""
    distinct = {*texts}
    plain = {*map(type, distinct)} == {str} and "" not in distinct
    if plain and VALUE_SEPARATOR not in "".join(distinct):
        return texts, range(len(texts))
    read = [*map(split, texts)]
    return [*chain.from_iterable(read)], [n for n, values in enumerate(read) for _ in values]


def split(text: Any) -> list[str]:
    """The values of an item in one field, from the text in which a row carries them.

    >>> split("red\\x1fblue"), split(None)
    (['red', 'blue'], [])
    """
    return text.split(VALUE_SEPARATOR) if isinstance(text, str) and text else []
