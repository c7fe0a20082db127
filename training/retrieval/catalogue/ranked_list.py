"""Ranked lists of items, the results of candidate sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


def highest(numbers: npt.NDArray[np.floating[Any]], size: int) -> Rows:
    """Return the positions of the `size` highest of N numbers, best first; ties in their order.

    >>> highest(np.array([1.0, 3.0, 2.0, 3.0, 2.0]), 3)
    array([1, 3, 2])
    """
    if numbers.size <= size:
        return np.argsort(-numbers, kind="stable")
    last = np.sort(numbers)[-size]
    above = np.flatnonzero(numbers > last)
    equal = np.flatnonzero(numbers == last)[: size - above.size]
    return np.concatenate([above[np.argsort(-numbers[above], kind="stable")], equal])


@dataclass(frozen=True)
class RankedList:
    """Items, best first.

    Attributes:
        item_ids: N ids, each once.
        scores: N numbers in the source's unit, descending.
    """

    item_ids: Sequence[str] = ()
    scores: Sequence[float] = ()

    @classmethod
    def best(cls, scores: Mapping[str, float], size: int) -> "RankedList":
        """Return the items of highest score; ties in the order of their ids.

        >>> RankedList.best({"b": 1.0, "a": 1.0, "c": 2.0}, 2)
        RankedList(item_ids=('c', 'a'), scores=(2.0, 1.0))
        """
        ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:size]
        return cls(tuple(i for i, _ in ranked), tuple(s for _, s in ranked))


@dataclass(frozen=True)
class RankedRows:
    """Rows of the item table, best first.

    Attributes:
        rows: shape (M,), each once.
        scores: shape (M,), in the source's unit, descending.
    """

    rows: Rows = field(default_factory=lambda: np.empty(0, np.int64))
    scores: npt.NDArray[np.floating[Any]] = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return self.rows.size
