"""Ranking metrics, vectorized over slates: one number for each slate.

Rows have shape (R,) and are sorted by `qid`, each slate's rows in displayed order; a metric has
shape (Q,).  A metric is a value, parsed from and printed as text: `ndcg@10`, `map`, `revenue@5`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from feature_repo.home import DatasetError, SettingError
from training.metrics.reproducible_math import log2

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.ArrayLike

CONVENTIONS = (
    "gain linear (click 1, add to cart 3, purchase 6) · only rankings with a gain are counted · "
    "equal scores keep the shown order · a missing score ranks last · precision divides by k, "
    "however short the slate"
)

_TEXT = re.compile(r"([a-z]+)(?:@([1-9][0-9]{0,5}))?")
_WHOLE = ("mrr", "map")
_CUT = ("ndcg", "recall", "precision", "coverage", "novelty", "diversity", "revenue")


@dataclass(frozen=True)
class Metric:
    """A metric of a ranked slate, of its first k positions where k is given."""

    kind: str
    k: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Metric":
        """Return the metric of this name.

        >>> str(Metric.parse("ndcg@10"))
        'ndcg@10'

        Raises:
            SettingError: there is no such metric.
        """
        kind, k = match.groups() if (match := _TEXT.fullmatch(text)) else ("", None)
        if kind not in (_CUT if k else _WHOLE):
            raise SettingError(
                f"Metric {text!r}: expected {', '.join(_WHOLE)}, or {', '.join(_CUT)} with the "
                "number of positions, such as ndcg@10."
            )
        return cls(kind, int(k) if k else None)

    def __str__(self) -> str:
        return self.kind if self.k is None else f"{self.kind}@{self.k}"


@dataclass(frozen=True)
class Slates:
    """Slates to be ranked, and data of their rows.

    Attributes:
        qid: shape (R,), ascending: the slate of each row.
        gains: shape (R,), not negative.
        worth: shape (R,): revenue of each row, zero where it was not bought; None if unknown.
        information: shape (R,): surprise of each item in bits; None if unknown.
        groups: shape (R,): category of each item as an integer, -1 where it has none.
        items: shape (R,): each item as an integer.
    """

    qid: npt.NDArray[np.int64]
    gains: Floats
    worth: Floats | None = None
    information: Floats | None = None
    groups: Ints | None = None
    items: Ints | None = None

    @classmethod
    def of(cls, gains: Rows, qid: Rows) -> "Slates":
        """Return slates with gains alone."""
        return cls(np.asarray(qid), np.asarray(gains, dtype=np.float64))

    def measure(self, metrics: Sequence[Metric], scores: Rows) -> dict[str, Floats]:
        """Return each metric by name, shape (Q,); NaN where a slate has none.

        Coverage is of all slates together and has shape (1,).
        """
        ranked = Ranked(self, self.order(scores))
        return {str(metric): _MEASURES[metric.kind](ranked, metric.k or 0) for metric in metrics}

    @cached_property
    def starts(self) -> Ints:
        """Shape (Q,): the first row of each slate."""
        return slate_starts(self.qid)

    @cached_property
    def sizes(self) -> Ints:
        """Shape (Q,): rows of each slate."""
        sizes: Ints = np.diff(np.r_[self.starts, self.qid.size])
        return sizes

    @cached_property
    def position(self) -> Floats:
        """Shape (R,): position in the slate, from 1."""
        position = np.arange(1, self.qid.size + 1) - np.repeat(self.starts, self.sizes)
        return position.astype(np.float64)

    @cached_property
    def _tables(self) -> list[tuple[Ints, npt.NDArray[np.bool_], Ints]]:
        """Slates of similar size as rows of a table: first rows, which cells are used, all rows.

        Sorting a few tables is far faster than sorting all rows by slate and score.
        """
        width = 1 << np.frexp(self.sizes - 1.0)[1].astype(np.int64)
        tables = []
        for wide in np.unique(width):
            similar, columns = width == wide, np.arange(wide)
            first = self.starts[similar][:, None]
            used = columns < self.sizes[similar][:, None]
            tables.append((first, used, (first + columns)[used]))
        return tables

    def order(self, scores: Rows) -> Ints:
        """Return the rows slate by slate, best score first, shape (R,)."""
        numbers = np.asarray(scores, dtype=np.float64)
        falling = -np.where(np.isnan(numbers), -np.inf, numbers)
        order = np.empty(numbers.size, dtype=np.int64)
        for first, used, rows in self._tables:
            # Unused cells come last: the sort is stable, and no key is higher.
            table = np.full(used.shape, np.inf)
            table[used] = falling[rows]
            best_first = np.argsort(table, axis=1, kind="stable")
            order[rows] = (first + best_first)[used]
        return order

    @cached_property
    def _discount(self) -> Floats:
        discount: Floats = log2(self.position + 1)
        return discount

    @cached_property
    def ideal(self) -> Floats:
        """Shape (R,): gains in the best order."""
        return self.gains[self.order(self.gains)]

    @cached_property
    def relevant(self) -> Floats:
        """Shape (Q,): rows with gain."""
        return self.sums(self.gains > 0)

    def sums(self, values: Rows) -> Floats:
        """Shape (Q,): a sum over each slate's rows."""
        if not self.starts.size:
            return np.empty(0)
        sums: Floats = np.add.reduceat(np.asarray(values, dtype=np.float64), self.starts)
        return sums

    def discounted(self, gains: Floats, k: int) -> Floats:
        """Shape (Q,): gain / log2(position + 1) of the first k positions (Järvelin 2002)."""
        return self.sums(np.where(self.position <= k, gains / self._discount, 0.0))


@dataclass(frozen=True)
class Ranked:
    """Slates in an order.  Every measure has shape (Q,)."""

    slates: Slates
    order: Ints

    @cached_property
    def gains(self) -> Floats:
        """Shape (R,): in ranked order."""
        return self.slates.gains[self.order]

    def ndcg(self, k: int) -> Floats:
        """Discounted gain divided by the discounted gain of the best order of the same items."""
        s = self.slates
        return _share(s.discounted(self.gains, k), s.discounted(s.ideal, k))

    def mrr(self, _: int) -> Floats:
        """One over the position of the first item with gain."""
        if not self.slates.starts.size:
            return np.empty(0)
        at = np.where(self.gains > 0, self.slates.position, np.inf)
        first = np.minimum.reduceat(at, self.slates.starts)
        return np.where(np.isinf(first), np.nan, 1 / first)

    def map(self, _: int) -> Floats:
        """Mean over the items with gain of the precision down to each of them."""
        s, hits = self.slates, (self.gains > 0).astype(np.float64)
        before = np.cumsum(hits) - hits
        so_far = before - np.repeat(before[s.starts], s.sizes) + hits
        return _share(s.sums(hits * so_far / s.position), s.relevant)

    def recall(self, k: int) -> Floats:
        """Share of the items with gain that are in the first k positions."""
        return _share(self._hits(k), self.slates.relevant)

    def precision(self, k: int) -> Floats:
        """Items with gain in the first k positions, over k."""
        return np.where(self.slates.relevant > 0, self._hits(k) / k, np.nan)

    def revenue(self, k: int) -> Floats:
        """Revenue of the items in the first k positions."""
        return self._sum_of(self.slates.worth, k)

    def novelty(self, k: int) -> Floats:
        """Mean information of the first k positions, in bits (Zhou 2010)."""
        return self._sum_of(self.slates.information, k) / np.minimum(self.slates.sizes, k)

    def diversity(self, k: int) -> Floats:
        """Share of the pairs in the first k positions whose items differ in category.

        Items without a category do not count.
        """
        s = self.slates
        if s.groups is None:
            return np.full(s.starts.size, np.nan)
        group = s.groups[self.order]
        seen = (s.position <= k) & (group >= 0)
        slate = np.repeat(np.arange(s.starts.size), s.sizes)[seen]
        width = int(group.max(initial=0)) + 1
        pair, times = np.unique(slate * width + group[seen], return_counts=True)
        same = np.bincount(pair // width, times * (times - 1) / 2, minlength=s.starts.size)
        size = np.bincount(slate, minlength=s.starts.size)
        pairs = size * (size - 1) / 2
        return _share(pairs - same, pairs)

    def coverage(self, k: int) -> Floats:
        """Shape (1,): share of all items that are in the first k positions of some slate."""
        items = self.slates.items
        if items is None or not items.size:
            return np.full(1, np.nan)
        seen = np.unique(items[self.order][self.slates.position <= k])
        return np.array([seen.size / np.unique(items).size])

    def _hits(self, k: int) -> Floats:
        return self.slates.sums((self.gains > 0) & (self.slates.position <= k))

    def _sum_of(self, values: Floats | None, k: int) -> Floats:
        s = self.slates
        if values is None:
            return np.full(s.starts.size, np.nan)
        return s.sums(np.where(s.position <= k, values[self.order], 0.0))


_MEASURES: dict[str, Callable[[Ranked, int], Floats]] = {
    kind: getattr(Ranked, kind) for kind in (*_WHOLE, *_CUT)
}


def ndcg(scores: Rows, gains: Rows, qid: Rows, k: int = 10) -> Floats:
    """Return the discounted gain of the first k positions, as a share of the best order's.

    >>> ndcg([0.1, 0.2], [1, 0], [0, 0]).round(4)
    array([0.6309])
    """
    metric = Metric("ndcg", k)
    return Slates.of(gains, qid).measure([metric], scores)[str(metric)]


def slate_starts(qid: Rows) -> Ints:
    """Return the first row of each slate, shape (Q,).

    Raises:
        DatasetError: the rows are not sorted by slate.
    """
    ids = np.asarray(qid)
    if ids.size == 0:
        return np.empty(0, dtype=np.int64)
    if (ids[1:] < ids[:-1]).any():
        raise DatasetError("Rows must be sorted by qid; sort them before measuring.")
    return np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])


def _share(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return share
