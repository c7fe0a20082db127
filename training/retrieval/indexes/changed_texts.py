"""The words of items whose texts changed since a lexical index was fitted."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from training.retrieval.catalogue import Flags, Rows
from training.retrieval.indexes.bm25 import Weights
from training.retrieval.indexes.item_ids import rows_by_id

_NONE: Rows = np.empty(0, np.int64)


@dataclass(frozen=True)
class ChangedTexts:
    """Changes on top of an index over N items, whose ids are sorted.

    Attributes:
        size: N + A.
        added_ids: A items that the index lacks, in the order of their arrival.
        positions: of these items by id, from N on.
        ranks: shape (A,), the order of these items by id.
        following: shape (A,), the position in the index of the item after each, by id.
        words: by position, the words of each item that changed; none of a deleted item.
        postings: by word, the positions of changed items that have it, and its score in each.
    """

    size: int = 0
    added_ids: Sequence[str] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    ranks: Rows = field(default_factory=lambda: _NONE)
    following: Rows = field(default_factory=lambda: _NONE)
    words: Mapping[int, Sequence[str]] = field(default_factory=dict)
    postings: Mapping[str, tuple[Rows, Weights]] = field(default_factory=dict)

    @cached_property
    def is_changed(self) -> Flags:
        """Shape (size,): which items changed."""
        changed = np.zeros(self.size, dtype=np.bool_)
        changed[[*self.words]] = True
        return changed

    @cached_property
    def rows_by_id(self) -> dict[str, list[int]]:
        """The positions of added items, by the forms of their ids."""
        return rows_by_id(self.added_ids, self.positions.values())

    def with_items(self, item_ids: Sequence[str], fitted: Sequence[str]) -> "ChangedTexts":
        """Give a position to the items that the index lacks.

        Args:
            item_ids: of any items.
            fitted: N ids of the index, sorted.
        """
        following = [bisect_left(fitted, item_id) for item_id in item_ids]
        new = {
            item_id: position
            for item_id, position in zip(item_ids, following, strict=True)
            if fitted[position : position + 1] != [item_id] and item_id not in self.positions
        }
        if not new:
            return replace(self, size=len(fitted) + len(self.added_ids))
        ids, first = [*self.added_ids, *new], len(fitted)
        ranks = np.empty(len(ids), np.int64)
        ranks[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return replace(
            self,
            size=first + len(ids),
            added_ids=ids,
            positions={item_id: first + n for n, item_id in enumerate(ids)},
            ranks=ranks,
            following=np.concatenate([self.following, [*new.values()]]).astype(np.int64),
        )

    def with_words(
        self, positions: Sequence[int], scored: Sequence[tuple[Sequence[str], Weights]]
    ) -> "ChangedTexts":
        """Replace the words of items, given the words of each and their scores."""
        postings = dict(self.postings)
        stale = {word for position in positions for word in self.words.get(position, ())}
        gone = np.array(positions, np.int64)
        for word in stale:
            rows, scores = postings[word]
            remaining = ~np.isin(rows, gone)
            postings[word] = rows[remaining], scores[remaining]
        fresh: dict[str, tuple[list[int], list[float]]] = {}
        for position, (words, scores) in zip(positions, scored, strict=True):
            for word, score in zip(words, scores.tolist(), strict=True):
                rows_of, scores_of = fresh.setdefault(word, ([], []))
                rows_of.append(position)
                scores_of.append(score)
        for word, (more_rows, more_scores) in fresh.items():
            rows, scores = postings.get(word, (_NONE, _NONE.astype(np.float32)))
            postings[word] = (
                np.concatenate([rows, np.array(more_rows, np.int64)]),
                np.concatenate([scores, np.array(more_scores, np.float32)]),
            )
        words_of = {p: words for p, (words, _) in zip(positions, scored, strict=True)}
        return replace(self, words={**self.words, **words_of}, postings=postings)

    def sorted_by_id(self, positions: Rows, size: int) -> Rows:
        """Sort ascending positions by the ids of their items; `size` is N."""
        first = int(np.searchsorted(positions, size))
        fitted, added = positions[:first], positions[first:] - size
        if not added.size:
            return positions
        added = added[np.argsort(self.ranks[added])]
        return np.insert(fitted, np.searchsorted(fitted, self.following[added]), added + size)
