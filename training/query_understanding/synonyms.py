"""Synonyms and redirects of a shop, from the home's `synonyms.toml`.

    [[synonym]]
    words = ["sneakers", "trainers"]    # each finds the others
    market = ["uk"]                     # optional

    [[synonym]]
    words = ["laptop"]                  # finds the other, which does not find it
    to = ["notebook"]

    [[redirect]]
    query = ["returns", "send back"]
    url = "/help/returns"
    market = ["uk"]

The file is checked when it is loaded; a file with an error is rejected as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feature_repo.home import SettingError, read_toml
from training.query_understanding.concepts import Alternative
from training.query_understanding.words import words

FILE = "synonyms.toml"
WEIGHT = 0.9
"""Weight of a synonym, relative to the word itself."""

Phrase = tuple[str, ...]
"""The folded words of a text."""


@dataclass(frozen=True)
class Group:
    """Phrases, and those that they find too.

    Attributes:
        markets: folded names; empty for all.
    """

    phrases: tuple[Phrase, ...]
    to: tuple[Phrase, ...]
    markets: frozenset[str] = frozenset()

    def of(self, phrase: Phrase) -> list[Phrase]:
        """Return the other phrases that a phrase finds."""
        return [other for other in self.to if other != phrase]


@dataclass(frozen=True)
class Synonyms:
    """All synonyms and redirects of a shop.

    Attributes:
        groups: by phrase, the groups that have it.
        redirects: by the words of a query, addresses and the markets of each.
    """

    groups: Mapping[Phrase, Sequence[Group]] = field(default_factory=dict)
    redirects: Mapping[Phrase, Sequence[tuple[str, frozenset[str]]]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Synonyms":
        """Read and check a file; without a file there are none.

        Raises:
            SettingError: names the error and its position in the file.
        """
        table = read_toml(path)
        _check_keys(path, "the file", table, {"synonym", "redirect"})
        groups: dict[Phrase, list[Group]] = {}
        for n, one in enumerate(_tables(path, table, "synonym"), 1):
            group = _group(path, f"synonym {n}", one)
            for phrase in group.phrases:
                groups.setdefault(phrase, []).append(group)
        redirects: dict[Phrase, list[tuple[str, frozenset[str]]]] = {}
        for n, one in enumerate(_tables(path, table, "redirect"), 1):
            owner = f"redirect {n}"
            _check_keys(path, owner, one, {"query", "url", "market"})
            url = one.get("url")
            if not isinstance(url, str) or not url:
                raise SettingError(f"{path}: {owner}: expected a text as url, found {url!r}.")
            for phrase in _phrases(path, owner, one, "query"):
                redirects.setdefault(phrase, []).append((url, _markets(path, owner, one)))
        return cls(groups, redirects)

    def alternatives(self, query: Phrase, market: str) -> dict[int, list[Alternative]]:
        """Return by position in a query the synonyms of its words.

        A phrase of several words shares the score of its synonym among them.
        """
        named: dict[int, list[Alternative]] = {}
        if not self.groups:
            return named
        folded = market.casefold()
        for start in range(len(query)):
            for end in range(start + 1, len(query) + 1):
                phrase = query[start:end]
                for group in self.groups.get(phrase, ()):
                    if not group.markets or folded in group.markets:
                        share = WEIGHT / (end - start)
                        more = [
                            Alternative(other, share / len(other)) for other in group.of(phrase)
                        ]
                        for n in range(start, end):
                            named.setdefault(n, []).extend(more)
        return named

    def redirect(self, query: Phrase, market: str) -> str | None:
        """Return the address that a query leads to; None for a search."""
        folded = market.casefold()
        addresses = self.redirects.get(query, ())
        return next((url for url, of in addresses if not of or folded in of), None)


def _group(path: Path, owner: str, table: Mapping[str, Any]) -> Group:
    _check_keys(path, owner, table, {"words", "to", "market"})
    phrases = _phrases(path, owner, table, "words")
    to = _phrases(path, owner, table, "to") if "to" in table else phrases
    if "to" not in table and len(phrases) < 2:
        raise SettingError(f"{path}: {owner}: expected two words or more, or `to`.")
    return Group(phrases, to, _markets(path, owner, table))


def _tables(path: Path, table: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    tables = table.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise SettingError(f"{path}: expected [[{name}]] tables.")
    return tables


def _phrases(path: Path, owner: str, table: Mapping[str, Any], name: str) -> tuple[Phrase, ...]:
    texts = _texts(path, owner, table.get(name, []), name)
    phrases = tuple(dict.fromkeys(phrase for text in texts if (phrase := tuple(words(text)))))
    if not phrases:
        raise SettingError(f"{path}: {owner}: expected texts with words as {name}.")
    return phrases


def _markets(path: Path, owner: str, table: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(m.casefold() for m in _texts(path, owner, table.get("market", []), "market"))


def _texts(path: Path, owner: str, value: Any, name: str) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise SettingError(
            f"{path}: {owner}: expected a text, or a list of texts, as {name}, found {value!r}."
        )
    return texts


def _check_keys(path: Path, owner: str, table: Mapping[str, Any], allowed: set[str]) -> None:
    if unknown := sorted(table.keys() - allowed):
        raise SettingError(
            f"{path}: {owner}: expected {', '.join(sorted(allowed))}, found {', '.join(unknown)}."
        )
