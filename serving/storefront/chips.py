"""What was understood of a query, as chips, each with a search that undoes it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feature_repo.shop import ShopField


@dataclass(frozen=True)
class Chip:
    """One condition of a query.

    Attributes:
        label: the condition, in words.
        query: a query without the condition; None where nothing can be undone.
        ranges: limits that the other query states as filters, by field.
        undo: what the other search does, in words.
    """

    label: str
    query: str | None = None
    ranges: Mapping[str, Mapping[str, float]] | None = None
    undo: str = ""


def chips(
    query: str, understood: Mapping[str, Any], relaxed: Sequence[str], price: ShopField | None
) -> list[Chip]:
    """Return the chips of an answer.

    Args:
        query: as typed.
        understood: interpretation, of the answer.
        relaxed: conditions that the search dropped, of the answer.
        price: the field of prices.
    """
    parts = _Parts(understood, price)
    listed = []
    if corrected := understood.get("corrected"):
        pairs = ", ".join(f"“{typed}” read as “{better}”" for typed, better in corrected.items())
        literal = _quoted(query, corrected)
        listed.append(Chip(pairs, literal, undo=f"search instead for {literal}"))
    if (limits := understood.get("price")) and price is not None:
        label = _limits(limits)
        undone = parts.query(without=understood.get("without", ()))
        listed.append(Chip(f"{price.name} {label}", undone, undo="search for any price"))
    for phrase in understood.get("phrases", ()):
        undone = query.replace(f'"{phrase}"', phrase)
        if undone != query:
            listed.append(Chip(f"exactly “{phrase}”", undone, undo="search for the words"))
    for word in understood.get("without", ()):
        others = [one for one in understood["without"] if one != word]
        undone = parts.query(without=others)
        chip = Chip(f"without {word}", undone, parts.ranges, f"search with {word}, too")
        listed.append(chip)
    for role in ("category", "brand"):
        if intent := understood.get(role):
            listed.append(Chip(f"{role} {intent['value']}, in {intent['share']:.0%} of the clicks"))
    listed += [Chip(_RELAXED[name]) for name in relaxed if name in _RELAXED]
    if dropped := understood.get("dropped"):
        listed.append(Chip(f"ignored: {', '.join(dropped)}"))
    return listed


_RELAXED = {
    "words": "no item has all words; these have most",
    "phrase": "no item has the exact phrase",
    "price": "no item has this price; these have another",
    "query": "no item matches; these are popular",
    "surface": "nothing is recorded for this list yet; these are popular",
}


class _Parts:
    """The conditions of a query, from which another query is written."""

    def __init__(self, understood: Mapping[str, Any], price: ShopField | None) -> None:
        self._phrases = understood.get("phrases", ())
        in_phrases = {word for phrase in self._phrases for word in phrase.split()}
        self._words = [w for w in understood.get("words", ()) if w not in in_phrases]
        limits = understood.get("price")
        self.ranges = {price.name: limits} if limits and price is not None else None

    def query(self, *, without: Sequence[str]) -> str:
        quoted = [f'"{phrase}"' for phrase in self._phrases]
        minus = [f'-"{one}"' if " " in one else f"-{one}" for one in without]
        return " ".join([*self._words, *quoted, *minus])


def _quoted(query: str, corrected: Mapping[str, str]) -> str:
    """Return the query with its corrected words in quotes, which are searched as typed."""
    quoted = query
    for typed in corrected:
        quoted = re.sub(
            rf'(?<![\w"]){re.escape(typed)}(?![\w"])', rf'"{typed}"', quoted, flags=re.IGNORECASE
        )
    return quoted if quoted != query else f'"{query}"'


def _limits(limits: Mapping[str, float]) -> str:
    match limits:
        case {"min": low, "max": high}:
            return f"{low:g} to {high:g}"
        case {"max": high}:
            return f"up to {high:g}"
    return f"from {limits['min']:g}"
