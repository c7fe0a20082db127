"""Completions of a query: clicked queries, categories, brands, titles; and items by their ids."""

import json
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import nlargest
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from feature_repo.home import ArtifactError
from training.query_understanding import words
from training.retrieval.indexes.item_ids import id_forms

FILE = "completions.json"
MOST, MOST_IDS = 100_000, 500_000
MOST_WITH_PREFIX = 1_000
"""Ids and codes that are read for a typed beginning."""
LEAST_SHOPPERS = 2
"""A query that only one shopper typed may identify that shopper; it is never suggested."""

SHORTEST_ID, SHORTEST_TYPO, LONG = 3, 4, 8
"""Characters of a typed id; of a typed word that may differ by one letter, and by two."""

_WORDS = 6
_END = "\U0010ffff"


class Phrase(NamedTuple):
    """A text to suggest.

    Attributes:
        kind: query, category, brand, title, or item for an item that was typed by its id.
        item: id of an item with this title, or of the typed item; empty for other kinds.
        markets: folded names of the markets that show it; None for all.
    """

    text: str
    kind: str
    weight: float
    item: str = ""
    markets: tuple[str, ...] | None = None

    @property
    def title(self) -> "Title":
        """The item and its title."""
        return self.item, self.text


Title = tuple[str, str]
"""An item's id and title."""
Codes = Mapping[str, Sequence[str]]
NO_CODES: Codes = {}
Head = tuple[str, int]
"""The folded text of a phrase from one of its first words on, and the phrase's index."""


class ItemId(NamedTuple):
    """A form of an item's id without signs, and the item; or a code of the item, such as an EAN."""

    form: str
    phrase: Phrase
    is_code: bool = False


@dataclass(frozen=True)
class Completions:
    """P phrases to suggest.

    Attributes:
        phrases: each folded text once, the heaviest first.
        ids: forms of the items' ids, sorted.
        hidden: items and titles that are no longer for sale.
        added: phrases that came later, in the order of their arrival.
        added_heads: their heads, sorted.
    """

    phrases: Sequence[Phrase]
    ids: Sequence[ItemId] = ()
    added: Sequence[Phrase] = ()
    added_heads: Sequence[Head] = ()
    hidden: frozenset[Title] = frozenset()
    _heads: "_Heads | None" = field(default=None, repr=False, compare=False)

    @classmethod
    def fit(
        cls, phrases: Iterable[Phrase], items: Iterable[Phrase] = (), codes: Codes = NO_CODES
    ) -> "Completions":
        """Keep the heaviest phrase of each folded text, and then the heaviest phrases.

        Args:
            phrases: of all kinds.
            items: to find by id; an item without a title has its id as text.
            codes: by item, codes that may be typed as its id, such as an EAN.
        """
        best: dict[str, Phrase] = {}
        for phrase in phrases:
            folded = " ".join(words(phrase.text))
            if folded:
                best[folded] = _merged(best.get(folded), phrase)
        ids = islice(_item_ids(items, codes), MOST_IDS)
        return cls(nlargest(MOST, best.values(), key=_weight), sorted(ids))

    def with_phrases(
        self,
        phrases: Iterable[Phrase],
        items: Iterable[Phrase] = (),
        codes: Codes = NO_CODES,
        gone: Iterable[Title] = (),
    ) -> "Completions":
        """Return the completions with phrases whose folded texts are new, and with new items.

        Args:
            phrases: new ones.
            items: new ones.
            codes: as of `fit`.
            gone: titles that items no longer have.
        """
        phrases, fresh = list(phrases), [*_item_ids(items, codes)]
        back = {one.title for one in (*phrases, *(one.phrase for one in fresh)) if one.item}
        current = replace(self, hidden=(self.hidden | {*gone}) - back, _heads=self._fitted)
        new: dict[str, Phrase] = {}
        for phrase in phrases:
            folded = " ".join(words(phrase.text))
            if folded and not current._has(folded) and len(self.added) + len(new) < MOST:
                new.setdefault(folded, phrase)
        if fresh:
            every = [*self.ids]
            for one in fresh:
                insort(every, one)
            current = replace(current, ids=every)
        if not new:
            return current
        first = len(self.added)
        heads = [head for n, one in enumerate(new.values(), start=first) for head in _heads(one, n)]
        added = [*self.added, *new.values()]
        return replace(current, added=added, added_heads=sorted([*self.added_heads, *heads]))

    def search(self, prefix: str, size: int, market: str | None = None) -> list[Phrase]:
        """Return the heaviest phrases that have the typed prefix at the start of a word.

        Items with the typed id come first, and those with a typed code last.  Where nothing has the
        prefix, its typos are corrected.

        Args:
            prefix: as typed.
            size: the maximum number of phrases.
            market: folded name of the market that shows them; None for all.
        """
        typed = words(prefix)
        if not typed:
            shown = (one for one in self.phrases if self._is_shown(one, market))
            return nlargest(size, [*islice(shown, size), *self._added(("", _END), market)], _weight)
        by_id, by_code = self._with_id("".join(typed), size, market)
        best = self._with_prefix(" ".join(typed), size, market)
        if not best and not by_id and not by_code:
            best = self._with_prefix(" ".join(self._corrected(typed)), size, market)
        of_items = {one.item: one for one in reversed([*by_id, *best, *by_code]) if one.item}
        every = [*by_id, *best, *by_code]
        return [one for one in every if of_items.get(one.item, one) is one][:size]

    def _is_shown(self, phrase: Phrase, market: str | None) -> bool:
        """Whether a market shows a phrase; None stands for all markets."""
        is_sold = market is None or phrase.markets is None or market in phrase.markets
        return is_sold and not (phrase.item and phrase.title in self.hidden)

    def _with_prefix(self, typed: str, size: int, market: str | None) -> list[Phrase]:
        ends = typed, typed + _END
        matches = sorted({*self._fitted.indexes_of(*ends)})
        shown = (self.phrases[n] for n in matches if self._is_shown(self.phrases[n], market))
        return nlargest(size, [*islice(shown, size), *self._added(ends, market)], key=_weight)

    def _added(self, ends: tuple[str, str], market: str | None) -> list[Phrase]:
        first, last = (bisect_left(self.added_heads, (one,)) for one in ends)
        indexes = {n for _, n in self.added_heads[first:last]}
        return [self.added[n] for n in indexes if self._is_shown(self.added[n], market)]

    def _with_id(
        self, typed: str, size: int, market: str | None
    ) -> tuple[list[Phrase], list[Phrase]]:
        """Return the items whose id begins with the typed text, which has a digit; and by code."""
        if len(typed) < SHORTEST_ID or not any(map(str.isdigit, typed)):
            return [], []
        first, last = (bisect_left(self.ids, (end,)) for end in (typed, typed + _END))
        shown = (one for one in islice(self.ids, first, last) if self._is_shown(one.phrase, market))
        matches = [*islice(shown, MOST_WITH_PREFIX)]
        by_id, by_code = (
            [
                *dict.fromkeys(
                    one.phrase._replace(kind="item") for one in matches if one.is_code == is_code
                )
            ]
            for is_code in (False, True)
        )
        return by_id[:size], by_code[:size]

    def _corrected(self, typed: list[str]) -> list[str]:
        """Correct the words that no phrase has, and the last one if none begins with it."""
        heads, last = self._fitted, typed[-1]
        added = {text.partition(" ")[0] for text, _ in self.added_heads} - heads.words
        complete = [
            word
            if word in heads.words or word in added
            else self._nearest(word, [*heads.words, *added])
            for word in typed
        ]
        if any(True for _ in self._begun(last)):
            complete[-1] = last
        elif complete[-1] == last:
            sizes = range(max(len(last) - 1, 1), len(last) + 2)
            begun = {one for size in sizes for one in heads.beginnings(size)}
            begun |= {word[:size] for word in added for size in sizes if len(word) > size}
            complete[-1] = self._nearest(last, begun)
        return complete

    def _nearest(self, word: str, choices: Collection[str]) -> str:
        """Return the nearest text, and of several the one that the heaviest phrase has."""
        if len(word) < SHORTEST_TYPO or not word.isalpha():
            return word
        most = 1 if len(word) < LONG else 2
        near = process.extract(
            word, choices, scorer=OSA.distance, score_cutoff=most, limit=20, processor=None
        )
        ranked = [(distance, self._first(other), other) for other, distance, _ in near]
        return min(ranked)[2] if ranked else word

    def _first(self, begun: str) -> int:
        """Return the index of the heaviest phrase in which a word begins so."""
        return min(self._begun(begun), default=MOST)

    def _begun(self, begun: str) -> Iterator[int]:
        """Iterate over the phrases in which a word begins so; later phrases follow the fitted."""
        yield from self._fitted.indexes_of(begun, begun + _END)
        first, last = (bisect_left(self.added_heads, (one,)) for one in (begun, begun + _END))
        yield from (MOST + n for _, n in self.added_heads[first:last])

    def save(self, folder: Path) -> None:
        """Write phrases and items into a build folder, without later phrases."""
        folder.mkdir(parents=True, exist_ok=True)
        table = {"phrases": list(self.phrases), "ids": list(self.ids)}
        (folder / FILE).write_text(json.dumps(table, indent=0))

    @classmethod
    def load(cls, folder: Path) -> "Completions":
        """Read phrases and items.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            table = json.loads((folder / FILE).read_text())
            return cls(
                [_phrase(row) for row in table["phrases"]],
                [ItemId(form, _phrase(row), is_code) for form, row, is_code in table["ids"]],
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{folder / FILE}: expected phrases: {error}.") from None

    def _has(self, folded: str) -> bool:
        """Whether some phrase has this folded text."""
        first, last = (bisect_left(self.added_heads, (text,)) for text in (folded, folded + "\0"))
        phrases = [
            *(self.phrases[n] for n in self._fitted.indexes_of(folded, folded + "\0")),
            *(self.added[n] for _, n in self.added_heads[first:last]),
        ]
        return any(
            " ".join(words(phrase.text)) == folded
            for phrase in phrases
            if not (phrase.item and phrase.title in self.hidden)
        )

    @cached_property
    def _fitted(self) -> "_Heads":
        return self._heads or _Heads.of(self.phrases)


@dataclass(frozen=True)
class _Heads:
    """The heads of the fitted phrases.

    Attributes:
        texts: sorted.
        indexes: of the phrase of each.
    """

    texts: Sequence[str]
    indexes: Sequence[int]

    @classmethod
    def of(cls, phrases: Sequence[Phrase]) -> "_Heads":
        heads = sorted(head for n, phrase in enumerate(phrases) for head in _heads(phrase, n))
        return cls([text for text, _ in heads], [index for _, index in heads])

    def indexes_of(self, low: str, high: str) -> Sequence[int]:
        """Return the phrases with a head from `low` to before `high`."""
        return self.indexes[bisect_left(self.texts, low) : bisect_left(self.texts, high)]

    @cached_property
    def words(self) -> frozenset[str]:
        """The first word of each head."""
        return frozenset(text.partition(" ")[0] for text in self.texts)

    @cached_property
    def _beginnings(self) -> dict[int, list[str]]:
        return {}

    def beginnings(self, size: int) -> list[str]:
        """Return the first letters of the longer words; cached."""
        if size not in self._beginnings:
            begun = {word[:size] for word in self.words if len(word) > size}
            self._beginnings[size] = sorted(begun)
        return self._beginnings[size]


def _item_ids(items: Iterable[Phrase], codes: Codes) -> Iterator[ItemId]:
    for one in items:
        yield from (ItemId(form, one) for form in id_forms(one.item))
        yield from (ItemId(code, one, True) for code in dict.fromkeys(codes.get(one.item, ())))


def _merged(one: Phrase | None, other: Phrase) -> Phrase:
    """Return the heavier phrase, shown in the markets of both."""
    if one is None:
        return other
    heavier = other if other.weight > one.weight else one
    if one.markets is None or other.markets is None:
        return heavier._replace(markets=None)
    if one.markets == other.markets:
        return heavier
    return heavier._replace(markets=tuple(sorted({*one.markets, *other.markets})))


def _phrase(row: list[object]) -> Phrase:
    text, kind, weight, item, markets = row
    shown = None if markets is None else tuple(map(str, markets))  # type: ignore[call-overload]
    return Phrase(str(text), str(kind), float(weight), str(item), shown)  # type: ignore[arg-type]


def _weight(phrase: Phrase) -> tuple[float, str]:
    return phrase.weight, phrase.text


def _heads(phrase: Phrase, index: int) -> list[Head]:
    typed = words(phrase.text)
    starts = range(min(len(typed), _WORDS))
    return [(" ".join(typed[start:]), index) for start in starts]
