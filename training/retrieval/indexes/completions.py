"""Completions of a query: clicked queries, categories, brands and titles."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest
from pathlib import Path

from feature_repo.home import ArtifactError
from training.query_understanding import words

FILE = "completions.json"
MOST = 100_000
LEAST_SHOPPERS = 2
"""A query that only one shopper typed may identify that shopper; it is never suggested."""

Phrase = tuple[str, str, float]
"""Text, kind (query, category, brand, title) and weight."""

Head = tuple[str, int]
"""The folded text of a phrase from one of its first words on, and the phrase's index."""

_WORDS = 6
_END = "\U0010ffff"


@dataclass(frozen=True)
class Completions:
    """P phrases to suggest.

    Attributes:
        phrases: each folded text once, the heaviest first.
        added: phrases that came later, in the order of their arrival.
        added_heads: their heads, sorted.
    """

    phrases: Sequence[Phrase]
    added: Sequence[Phrase] = ()
    added_heads: Sequence[Head] = ()

    @classmethod
    def fit(cls, phrases: Iterable[Phrase]) -> "Completions":
        """Keep the heaviest phrase of each folded text, and then the heaviest phrases."""
        best: dict[str, Phrase] = {}
        for phrase in phrases:
            folded = " ".join(words(phrase[0]))
            if folded and (folded not in best or best[folded][2] < phrase[2]):
                best[folded] = phrase
        return cls(nlargest(MOST, best.values(), key=_weight))

    def with_phrases(self, phrases: Iterable[Phrase]) -> "Completions":
        """Return the completions with phrases whose folded texts are new."""
        new: dict[str, Phrase] = {}
        for phrase in phrases:
            folded = " ".join(words(phrase[0]))
            if folded and not self._has(folded) and len(self.added) + len(new) < MOST:
                new.setdefault(folded, phrase)
        if not new:
            return self
        first = len(self.added)
        heads = [head for n, one in enumerate(new.values(), start=first) for head in _heads(one, n)]
        added = [*self.added, *new.values()]
        return Completions(self.phrases, added, sorted([*self.added_heads, *heads]))

    def search(self, prefix: str, size: int) -> list[Phrase]:
        """Return the heaviest phrases that have the typed prefix at the start of a word."""
        typed = " ".join(words(prefix))
        if not typed:
            return nlargest(size, [*self.phrases[:size], *self.added], key=_weight)
        start, end = bisect_left(self._heads, typed), bisect_left(self._heads, typed + _END)
        matches = {self._indexes[n] for n in range(start, end)}
        best = [self.phrases[n] for n in sorted(matches)[:size]]
        first, last = (bisect_left(self.added_heads, (end,)) for end in (typed, typed + _END))
        added = {n for _, n in self.added_heads[first:last]}
        return nlargest(size, [*best, *(self.added[n] for n in added)], key=_weight)

    def save(self, folder: Path) -> None:
        """Write the phrases into a build folder, without later ones."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(list(self.phrases), indent=0))

    @classmethod
    def load(cls, folder: Path) -> "Completions":
        """Read the phrases.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            table = json.loads((folder / FILE).read_text())
            return cls([(str(text), str(kind), float(weight)) for text, kind, weight in table])
        except (OSError, ValueError, TypeError) as error:
            raise ArtifactError(f"{folder / FILE}: expected phrases: {error}.") from None

    def _has(self, folded: str) -> bool:
        """Whether some phrase has this folded text."""
        start, end = (bisect_left(self._heads, text) for text in (folded, folded + "\0"))
        first, last = (bisect_left(self.added_heads, (text,)) for text in (folded, folded + "\0"))
        phrases = [
            *(self.phrases[n] for n in self._indexes[start:end]),
            *(self.added[n] for _, n in self.added_heads[first:last]),
        ]
        return any(" ".join(words(text)) == folded for text, _, _ in phrases)

    @cached_property
    def _sorted(self) -> list[Head]:
        return sorted(head for n, phrase in enumerate(self.phrases) for head in _heads(phrase, n))

    @cached_property
    def _heads(self) -> list[str]:
        return [head for head, _ in self._sorted]

    @cached_property
    def _indexes(self) -> list[int]:
        return [index for _, index in self._sorted]


def _weight(phrase: Phrase) -> tuple[float, str]:
    return phrase[2], phrase[0]


def _heads(phrase: Phrase, index: int) -> list[Head]:
    typed = words(phrase[0])
    return [(" ".join(typed[start:]), index) for start in range(min(len(typed), _WORDS))]
