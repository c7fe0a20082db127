"""Spelling corrections, learned from the shop's catalogue and log.

A word is corrected only if no item has it or another form of it, shoppers hardly use it, and one
neighbour is used far more than the word and every other neighbour.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, pairwise, product
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from feature_repo.home import ArtifactError
from feature_repo.shop import DEFAULT_LANGUAGE
from training.query_understanding.compounds import COMPOUNDING, Compounds, split
from training.query_understanding.concepts import MOST_JOINED
from training.query_understanding.folding import fold
from training.query_understanding.price_words import number_phrases
from training.query_understanding.words import stem, words

FILE = "spelling.json"
MOST_WORDS = 50_000
MOST_OTHER_WORDS = 500_000
SHORTEST = 4
LONG = 8
"""Minimum length of words that may differ by two letters; shorter words may differ by one."""

LEAST_MODIFIERS = 2
"""Words before a part of compounds that the shop does not use alone."""

MOST_HEADS, MOST_WAYS = 8, 16
"""Compounds that stand for a part of a word, and their combinations."""

AHEAD = 5.0
"""A correction has at least this many times the uses of the word, and of the next neighbour."""


_HYPHENATED = re.compile(r"[^\W_]+(?:[-'/.&+·][^\W_]+)+")


@dataclass(frozen=True)
class Spelling:
    """The words of a shop's texts in one language, and how often they are used.

    Attributes:
        in_use: by word, the number of items that have it plus the clicked searches with it.
        for_sale: words of titles, brands and categories: the corrections.
        other: words of other texts, which need no correction.
        added: words of later items.
        joins: by joined word, its parts, as items write them with a hyphen.
        number_phrases: phrases of titles that would limit a price in a query.
        pairs: stems that follow each other in texts, the most frequent pairs; and all with `no`.
        language: of the texts.
    """

    in_use: Mapping[str, int] = field(default_factory=dict)
    for_sale: frozenset[str] = frozenset()
    other: frozenset[str] = frozenset()
    joins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    number_phrases: frozenset[str] = frozenset()
    language: str = DEFAULT_LANGUAGE
    pairs: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def fit(
        cls,
        item_texts: Iterable[str],
        clicked_queries: Mapping[str, int],
        other_texts: Iterable[str] = (),
        language: str = DEFAULT_LANGUAGE,
    ) -> "Spelling":
        """Count words.

        Args:
            item_texts: one text for each item: title, brand and categories.
            clicked_queries: by query text, the number of clicks after it.
            other_texts: of the items.
            language: of the texts.
        """
        texts, offered = list(item_texts), Counter[str]()
        for text in texts:
            offered.update(set(words(text)))
        searched: Counter[str] = Counter()
        for text, clicks in clicked_queries.items():
            for word in set(words(text)):
                searched[word] += clicks
        counts = (offered + searched).most_common(MOST_WORDS)
        for_sale = frozenset(word for word, _ in counts if word in offered)
        other = {*offered, *(word for text in other_texts for word in words(text))} - for_sale
        return cls(
            dict(counts),
            for_sale,
            frozenset(sorted(other)[:MOST_OTHER_WORDS]),
            _most_joins(texts),
            frozenset(phrase for text in texts for phrase in number_phrases(text)),
            language,
            _most_pairs(texts, language),
        )

    def apply(self, word: str) -> str | None:
        """Return the correction of a folded word; None if it needs no correction."""
        if len(word) < SHORTEST or not word.isalpha() or self.has(word):
            return None
        if self.language in COMPOUNDING:
            is_compound = self.parts(word) or self.compounds(word)
            return None if is_compound else self._best(word) or self._best_compound(word)
        return self._best(word)

    def has(self, word: str) -> bool:
        """Whether the shop uses a word, or another form of it."""
        return self._has_form(word) or word in self.joins

    def has_pair(self, first: str, second: str) -> bool:
        """Whether a word follows another in texts of the shop, in any form of both."""
        return _pair(fold(first), fold(second), self.language) in self.pairs

    def parts(self, word: str) -> tuple[str, ...]:
        """Return the words that a compound or an unused word consists of, if the shop uses them."""
        if self.language not in COMPOUNDING and self._has(word):
            return ()
        parts = split(word, self._has_form, self.language)
        if parts or self.language not in COMPOUNDING:
            return parts
        return split(word, self._is_part, self.language)

    def ways(self, word: str) -> list[tuple[str, ...]]:
        """Return the words that items with the parts of a compound have.

        A part that only occurs in compounds stands for these: `kinderjacke` for Regenjacke Kinder.
        """
        choices = [
            (part,) if self._has_form(part) else tuple(self.compounds(part))[:MOST_HEADS]
            for part in self.parts(word)
        ]
        return [*islice(product(*choices), MOST_WAYS)] if choices else []

    def compounds(self, word: str) -> dict[str, float]:
        """Return the shop's compounds with a word, and the weight of each."""
        if self.language not in COMPOUNDING:
            return {}
        root = stem(word, self.language)
        fitted = self._compounds.containing(word, root, self._has_form)
        if not self.added:
            return fitted
        return fitted | self._added_compounds.containing(word, root, self._has_form)

    def with_texts(self, item_texts: Iterable[str]) -> "Spelling":
        """Return the spelling for a shop whose items have these texts too."""
        texts = list(item_texts)
        return replace(
            self,
            added=self.added.union(word for text in texts for word in words(text)),
            joins={**_most_joins(texts), **self.joins},
            number_phrases=self.number_phrases.union(*map(number_phrases, texts)),
            pairs=self.pairs | _most_pairs(texts, self.language),
        )

    def save(self, folder: Path) -> None:
        """Write the counts into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        table = {
            "in_use": dict(self.in_use),
            "for_sale": sorted(self.for_sale),
            "other": sorted(self.other),
            "joins": dict(self.joins),
            "number_phrases": sorted(self.number_phrases),
            "language": self.language,
            "pairs": sorted(self.pairs),
        }
        (folder / FILE).write_text(json.dumps(table, sort_keys=True, indent=0))

    @classmethod
    def load(cls, folder: Path) -> "Spelling":
        """Read the counts.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            table = json.loads((folder / FILE).read_text())
            return cls(
                dict(table["in_use"]),
                frozenset(table["for_sale"]),
                frozenset(table["other"]),
                {word: tuple(parts) for word, parts in table["joins"].items()},
                frozenset(table["number_phrases"]),
                str(table["language"]),
                frozenset(table["pairs"]),
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArtifactError(f"{folder / FILE}: expected counts of words: {error}.") from None

    def _has(self, word: str) -> bool:
        return word in self.for_sale or word in self.other or word in self.added

    def _is_part(self, word: str) -> bool:
        """Whether the shop uses a word, alone or behind several other words."""
        if self._has_form(word) or len(word) < SHORTEST:
            return self._has_form(word)
        before = {one.partition(word)[0] for one in self.compounds(word)}
        return sum(map(self._has_form, before)) >= LEAST_MODIFIERS

    def _has_form(self, word: str) -> bool:
        if self._has(word):
            return True
        root = stem(word, self.language)
        return root in self._stems or root in self._added_stems

    def _best(self, word: str) -> str | None:
        """Return the neighbour of a word that is used far more than the others."""
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
        rivals = [
            (own, word),
            *((n, other) for n, other in uses[1:] if not self._same(other, best)),
        ]
        return best if most >= AHEAD * max(rivals)[0] else None

    def _same(self, one: str, other: str) -> bool:
        """Whether two words are forms of one, so that either corrects a typo of both."""
        return stem(one, self.language) == stem(other, self.language)

    def _best_compound(self, word: str) -> str | None:
        """Correct one part of a compound whose other part exists."""
        if self.language not in COMPOUNDING:
            return None
        for n in range(SHORTEST, len(word) - SHORTEST + 1):
            first, last = word[:n], word[n:]
            if self._has_form(first) and (better := self._best(last)):
                return first + better
            if self._has_form(last) and (better := self._best(first)):
                return better + last
        return None

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

    @property
    def _stems(self) -> frozenset[str]:
        if "stems" not in self._cache:
            fitted = (*self.for_sale, *self.other)
            self._cache["stems"] = frozenset(stem(word, self.language) for word in fitted)
        stems: frozenset[str] = self._cache["stems"]
        return stems

    @property
    def _compounds(self) -> Compounds:
        if "compounds" not in self._cache:
            self._cache["compounds"] = Compounds.of([*sorted(self.for_sale), *sorted(self.other)])
        compounds: Compounds = self._cache["compounds"]
        return compounds

    @cached_property
    def _added_compounds(self) -> Compounds:
        return Compounds.of(sorted(self.added))

    @cached_property
    def _added_stems(self) -> frozenset[str]:
        return frozenset(stem(word, self.language) for word in self.added)

    @property
    def _by_length(self) -> dict[int, list[str]]:
        if "by_length" not in self._cache:
            by_length: dict[int, list[str]] = {}
            for word in sorted(self.for_sale):
                by_length.setdefault(len(word), []).append(word)
            self._cache["by_length"] = by_length
        words_of_length: dict[int, list[str]] = self._cache["by_length"]
        return words_of_length


def _most_pairs(texts: Iterable[str], language: str) -> frozenset[str]:
    counts = Counter(
        _pair(first, second, language) for text in texts for first, second in pairwise(words(text))
    )
    most = [pair for pair, _ in counts.most_common(MOST_WORDS)]
    return frozenset([*most, *(pair for pair in counts if pair.startswith("no "))])


def _pair(first: str, second: str, language: str) -> str:
    return f"{stem(first, language)} {stem(second, language)}"


def _most_joins(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the parts of hyphenated words, by joined word; the most frequent ones."""
    counts = Counter(
        parts
        for text in texts
        for run in _HYPHENATED.findall(fold(text))
        if 1 < len(parts := tuple(words(run))) <= MOST_JOINED
    )
    return {"".join(parts): parts for parts, _ in reversed(counts.most_common(MOST_WORDS))}
