"""Spelling, from the shop's own catalogue and log.

A word is corrected only by evidence: nothing for sale has it, shoppers hardly use it, and one
neighbour of it is far more in use than it and any other.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
"""From this length on two letters may be wrong, below it one."""

AHEAD = 5.0
"""How much more in use than the word, and than the next neighbour, a correction must be."""


@dataclass(frozen=True)
class Spelling:
    """Words in use.

    Attributes:
        in_use: by word, how many items have it plus how many searches that led to a click.
        for_sale: words that some item has.
    """

    in_use: Mapping[str, int] = field(default_factory=dict)
    for_sale: frozenset[str] = frozenset()

    @classmethod
    def fit(cls, item_texts: Iterable[str], clicked_queries: Mapping[str, int]) -> "Spelling":
        """Count words.

        Args:
            item_texts: titles, brands and categories, an item each.
            clicked_queries: by query text, its searches that led to a click.
        """
        offered = Counter(word for text in item_texts for word in set(words(text)))
        asked: Counter[str] = Counter()
        for text, clicks in clicked_queries.items():
            for word in set(words(text)):
                asked[word] += clicks
        counts = (offered + asked).most_common(MOST_WORDS)
        return cls(dict(counts), frozenset(word for word, _ in counts if word in offered))

    def apply(self, word: str) -> str | None:
        """The correction of a folded word; None where the word stands."""
        if word in self.for_sale or len(word) < SHORTEST or not word.isalpha():
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

    def save(self, folder: Path) -> None:
        """Write the counts into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        told = {"in_use": dict(self.in_use), "for_sale": sorted(self.for_sale)}
        (folder / FILE).write_text(json.dumps(told, sort_keys=True, indent=0))

    @classmethod
    def load(cls, folder: Path) -> "Spelling":
        """Read the counts.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            told = json.loads((folder / FILE).read_text())
            return cls(dict(told["in_use"]), frozenset(told["for_sale"]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{folder / FILE}: expected counts of words: {error}.") from None

    def _near(self, word: str) -> list[tuple[str, int]]:
        """Words for sale at a distance of at most one, or of a long word two, and how far."""
        most = 1 if len(word) < LONG else 2
        choices = [
            other
            for size in range(len(word) - most, len(word) + most + 1)
            for other in self._by_length.get(size, ())
        ]
        found = process.extract(
            word, choices, scorer=OSA.distance, score_cutoff=most, limit=20, processor=None
        )
        return [(other, int(distance)) for other, distance, _ in found]

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for word in sorted(self.for_sale):
            found.setdefault(len(word), []).append(word)
        return found
