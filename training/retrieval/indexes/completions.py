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

_WORDS = 6
_END = "\U0010ffff"


@dataclass(frozen=True)
class Completions:
    """P phrases to suggest.

    Attributes:
        phrases: text, kind (query, category, brand, title) and weight; each folded text once.
    """

    phrases: Sequence[tuple[str, str, float]]

    @classmethod
    def fit(cls, phrases: Iterable[tuple[str, str, float]]) -> "Completions":
        """Keep the heaviest phrase of each folded text, and then the heaviest phrases."""
        best: dict[str, tuple[str, str, float]] = {}
        for phrase in phrases:
            folded = " ".join(words(phrase[0]))
            if folded and (folded not in best or best[folded][2] < phrase[2]):
                best[folded] = phrase
        return cls(nlargest(MOST, best.values(), key=lambda phrase: (phrase[2], phrase[0])))

    def search(self, prefix: str, size: int) -> list[tuple[str, str, float]]:
        """Return the heaviest phrases that have the typed prefix at the start of a word."""
        typed = " ".join(words(prefix))
        if not typed:
            return list(self.phrases[:size])
        start, end = bisect_left(self._heads, typed), bisect_left(self._heads, typed + _END)
        matches = {self._indexes[n] for n in range(start, end)}
        return [self.phrases[n] for n in sorted(matches)[:size]]

    def save(self, folder: Path) -> None:
        """Write the phrases into a build folder."""
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

    @cached_property
    def _sorted(self) -> list[tuple[str, int]]:
        """Suffixes of every phrase from each of its first words, with the phrase's index."""
        heads = []
        for n, (text, _, _) in enumerate(self.phrases):
            typed = words(text)
            heads += [(" ".join(typed[start:]), n) for start in range(min(len(typed), _WORDS))]
        return sorted(heads)

    @cached_property
    def _heads(self) -> list[str]:
        return [head for head, _ in self._sorted]

    @cached_property
    def _indexes(self) -> list[int]:
        return [index for _, index in self._sorted]
