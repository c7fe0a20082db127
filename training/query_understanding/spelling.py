"""Spelling corrections, learned from the shop's catalogue and log.

A word is corrected only if no item has it, shoppers hardly use it, and one neighbour is used far
more than the word and every other neighbour.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from feature_repo.home import ArtifactError
from training.query_understanding.words import words

FILE = "spelling.json"
MOST_WORDS = 50_000
SHORTEST = 4
LONG = 8
"""Minimum length of words that may differ by two letters; shorter words may differ by one."""

AHEAD = 5.0
"""A correction has at least this many times the uses of the word, and of the next neighbour."""


@dataclass(frozen=True)
class Spelling:
    """Words and how often they are used.

    Attributes:
        in_use: by word, the number of items that have it plus the clicked searches with it.
        for_sale: words that some item has.
        added: words of items that came later; they need no correction either.
    """

    in_use: Mapping[str, int] = field(default_factory=dict)
    for_sale: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()

    @classmethod
    def fit(cls, item_texts: Iterable[str], clicked_queries: Mapping[str, int]) -> "Spelling":
        """Count words.

        Args:
            item_texts: one text for each item: title, brand and categories.
            clicked_queries: by query text, the number of clicks after it.
        """
        offered = Counter(word for text in item_texts for word in set(words(text)))
        searched: Counter[str] = Counter()
        for text, clicks in clicked_queries.items():
            for word in set(words(text)):
                searched[word] += clicks
        counts = (offered + searched).most_common(MOST_WORDS)
        return cls(dict(counts), frozenset(word for word, _ in counts if word in offered))

    def apply(self, word: str) -> str | None:
        """Return the correction of a folded word; None if it needs no correction."""
        if (
            word in self.for_sale
            or word in self.added
            or len(word) < SHORTEST
            or not word.isalpha()
        ):
            return None
        own = self.in_use.get(word, 0)
        near = self._near(word)
        if not near:
            return None
        least = min(distance for _, distance in near)
        uses = sorted(
            ((self.in_use[other], other) for other, distance in near if distance == least),
            reverse=True,
        )
        most, best = uses[0]
        rival = max(own, uses[1][0] if len(uses) > 1 else 0)
        return best if most >= AHEAD * rival and most > 1 else None

    def with_words(self, item_words: Iterable[str]) -> "Spelling":
        """Return the spelling for a shop whose items have these words too."""
        return replace(self, added=self.added.union(item_words) - self.for_sale)

    def save(self, folder: Path) -> None:
        """Write the counts into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        table = {"in_use": dict(self.in_use), "for_sale": sorted(self.for_sale)}
        (folder / FILE).write_text(json.dumps(table, sort_keys=True, indent=0))

    @classmethod
    def load(cls, folder: Path) -> "Spelling":
        """Read the counts.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            table = json.loads((folder / FILE).read_text())
            return cls(dict(table["in_use"]), frozenset(table["for_sale"]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{folder / FILE}: expected counts of words: {error}.") from None

    def _near(self, word: str) -> list[tuple[str, int]]:
        """Return neighbours among the words for sale, and their distances, at most 2."""
        most = 1 if len(word) < LONG else 2
        choices = [
            other
            for size in range(len(word) - most, len(word) + most + 1)
            for other in self._by_length.get(size, ())
        ]
        matches = process.extract(
            word, choices, scorer=OSA.distance, score_cutoff=most, limit=20, processor=None
        )
        return [(other, int(distance)) for other, distance, _ in matches]

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        by_length: dict[int, list[str]] = {}
        for word in sorted(self.for_sale):
            by_length.setdefault(len(word), []).append(word)
        return by_length
