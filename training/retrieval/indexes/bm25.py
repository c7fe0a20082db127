"""BM25 of single items, given the statistics of an index: equal to tantivy's, bit for bit.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]
Text = tuple[Sequence[str], Sequence[str]]
"""The stems of an item's title, and of all its texts with the title."""

TIE_BREAKER = 0.3
"""Weight of a word's scores in the other fields, as in `dis_max` queries of Elasticsearch."""

_K1, _B = np.float32(1.2), np.float32(0.75)
_EXACT_LENGTHS = 24


@dataclass(frozen=True)
class Bm25:
    """Statistics of the texts of N items.

    Attributes:
        items: N.
        mean_title, mean_all: number of stems in a title and in all texts, on average.
    """

    items: int
    mean_title: float
    mean_all: float

    @classmethod
    def of(cls, items: int, title_stems: int, all_stems: int) -> "Bm25":
        """Return the statistics, given the total numbers of stems."""
        many = np.float32(max(items, 1))
        means = [float(np.float32(stems) / many) or 1.0 for stems in (title_stems, all_stems)]
        return cls(items, *means)

    def scores(
        self, texts: Sequence[Text], counts: Callable[[str], tuple[int, int]]
    ) -> list[tuple[list[str], Weights]]:
        """Return the distinct stems of each text, and the score of each stem in it.

        Args:
            texts: one for each item.
            counts: returns the number of items with a stem in the title, and in any text.
        """
        stems = [Counter(all_stems) for _, all_stems in texts]
        in_title = [Counter(title) for title, _ in texts]
        sizes = [len(one) for one in stems]
        words = [word for one in stems for word in one]
        item_counts = np.array([counts(word) for word in words], np.int64).reshape(-1, 2)
        times = [
            (titled[word], number)
            for one, titled in zip(stems, in_title, strict=True)
            for word, number in one.items()
        ]
        frequencies = np.array(times, np.float32).reshape(-1, 2)
        lengths = np.repeat(
            np.array([[*map(len, text)] for text in texts], np.int64), sizes, axis=0
        )
        means = (self.mean_title, self.mean_all)
        title, rest = (
            self._field(frequencies[:, n], item_counts[:, n], lengths[:, n], np.float32(means[n]))
            for n in (0, 1)
        )
        highest = np.maximum(title, rest)
        scores = highest + (title + rest - highest) * np.float32(TIE_BREAKER)
        split = np.split(scores, np.cumsum(sizes)[:-1])
        return [([*one], part) for one, part in zip(stems, split, strict=True)]

    def _field(
        self,
        frequencies: Weights,
        items: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        mean: np.float32,
    ) -> Weights:
        """Return the scores of stems in one field; 0 where the field lacks the stem."""
        one, half = np.float32(1), np.float32(0.5)
        rarity = one + ((self.items - items).astype(np.float32) + half) / (
            items.astype(np.float32) + half
        )
        weights = np.array([math.log(x) for x in rarity.tolist()], np.float32) * (one + _K1)
        rounded = _LENGTHS[np.searchsorted(_LENGTHS, lengths, side="right") - 1]
        norms: Weights = _K1 * (one - _B + _B * rounded.astype(np.float32) / mean)
        scores: Weights = weights * (frequencies / (frequencies + norms))
        return scores


def _length(code: int) -> int:
    """Return the length that a byte of tantivy stands for: three significant bits, or exact."""
    rest = code - _EXACT_LENGTHS
    if rest < 8:
        return code
    return _EXACT_LENGTHS + ((rest & 7 | 8) << (rest >> 3) - 1)


_LENGTHS = np.array([_length(code) for code in range(256)], np.int64)
