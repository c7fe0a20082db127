"""What a shopper may be about to type: queries that led to clicks, categories, brands, titles."""

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
"""A query only one shopper ever typed may say who that is; it is suggested to nobody."""

_WORDS = 6
_END = "\U0010ffff"


@dataclass(frozen=True)
class Completions:
    """P phrases that can be suggested.

    Attributes:
        phrases: text, what it is (query, category, brand, title), weight; each folded text once.
    """

    phrases: Sequence[tuple[str, str, float]]

    @classmethod
    def fit(cls, phrases: Iterable[tuple[str, str, float]]) -> "Completions":
        """Keep the heaviest of each folded text, and of all."""
        best: dict[str, tuple[str, str, float]] = {}
        for phrase in phrases:
            folded = " ".join(words(phrase[0]))
            if folded and (folded not in best or best[folded][2] < phrase[2]):
                best[folded] = phrase
        return cls(nlargest(MOST, best.values(), key=lambda phrase: (phrase[2], phrase[0])))

    def search(self, prefix: str, size: int) -> list[tuple[str, str, float]]:
        """The heaviest phrases of which a word begins what was typed so far."""
        typed = " ".join(words(prefix))
        if not typed:
            return list(self.phrases[:size])
        start, end = bisect_left(self._heads, typed), bisect_left(self._heads, typed + _END)
        found = {self._places[n] for n in range(start, end)}
        return [self.phrases[n] for n in sorted(found)[:size]]

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
            told = json.loads((folder / FILE).read_text())
            return cls([(str(text), str(kind), float(weight)) for text, kind, weight in told])
        except (OSError, ValueError, TypeError) as error:
            raise ArtifactError(f"{folder / FILE}: expected phrases: {error}.") from None

    @cached_property
    def _sorted(self) -> list[tuple[str, int]]:
        """Every phrase from each of its first words on, and which phrase that is."""
        heads = []
        for n, (text, _, _) in enumerate(self.phrases):
            told = words(text)
            heads += [(" ".join(told[start:]), n) for start in range(min(len(told), _WORDS))]
        return sorted(heads)

    @cached_property
    def _heads(self) -> list[str]:
        return [head for head, _ in self._sorted]

    @cached_property
    def _places(self) -> list[int]:
        return [place for _, place in self._sorted]
