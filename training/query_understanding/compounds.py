"""Compounds of German, Dutch, the Scandinavian languages and Finnish, by the shop's own words.

A query for `schuhe` finds `Lederschuhe`, and one for `lederschuhe` finds `Schuhe aus Leder`.  In
the other languages, a query without a space is split in two: `redsneaker`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

COMPOUNDING = frozenset({"danish", "dutch", "finnish", "german", "norwegian", "swedish"})
HEAD, MODIFIER = 0.6, 0.3
"""Weight of a compound for a query of its last part, and for one of another part."""

LONGEST = 40
MOST_COMPOUNDS = 300
MOST_CACHED = 10_000

_LINKS = ("", "s", "es", "n", "en", "e", "er", "ns")
_ENDINGS = frozenset(
    [
        "e",
        "n",
        "s",
        "r",
        "t",
        "a",
        "en",
        "er",
        "es",
        "ne",
        "na",
        "ar",
        "or",
        "et",
        "an",
        "ern",
        "ene",
        "erne",
    ]
)
_VOWELS = frozenset("aeiouyáéíóúàèìòùäöüåæø")
_SHORT = 3
"""A word of so many letters is part of many others by chance."""


def split(word: str, exists: Callable[[str], bool], language: str) -> tuple[str, ...]:
    """Split a word into existing ones, as few as possible; empty where that is impossible.

    >>> split("herrenlederschuhe", {"herren", "leder", "schuhe"}.__contains__, "german")
    ('herren', 'leder', 'schuhe')
    >>> split("redsneaker", {"red", "sneaker"}.__contains__, "english")
    ('red', 'sneaker')
    """
    if not 2 * _SHORT <= len(word) <= LONGEST or not word.isalpha():
        return ()
    links = _LINKS if language in COMPOUNDING else ("",)
    heads = [n for n in range(_SHORT, len(word) - _SHORT + 1) if exists(word[n:])]
    modifiers = [(n, part) for n in heads for part in _without_link(word[:n], links)]
    for n, part in modifiers:
        if exists(part):
            return part, word[n:]
    if language in COMPOUNDING:
        for n, part in modifiers:
            if parts := split(part, exists, language):
                return *parts, word[n:]
    return ()


@dataclass(frozen=True)
class Compounds:
    """The words of a shop, to search for those that contain another word.

    Attributes:
        lines: all words, each between two line ends.
    """

    lines: str
    _cache: dict[tuple[str, str], dict[str, float]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, words: Iterable[str]) -> "Compounds":
        """Take the words of a shop."""
        return cls("\n".join(["", *words, ""]))

    def containing(self, word: str, root: str, exists: Callable[[str], bool]) -> dict[str, float]:
        """Return the compounds with a word, and the weight of each.

        Args:
            word: folded.
            root: its stem.
            exists: whether the shop uses a word.

        >>> compounds = Compounds.of(["lederschuhe", "lederjacke", "schuhschrank", "brotdose"])
        >>> compounds.containing("schuhe", "schuh", bool)
        {'lederschuhe': 0.6, 'schuhschrank': 0.3}
        """
        key = (word, root)
        if key not in self._cache:
            if len(self._cache) >= MOST_CACHED:
                self._cache.clear()
            self._cache[key] = self._search(word, root, exists)
        return self._cache[key]

    def _search(self, word: str, root: str, exists: Callable[[str], bool]) -> dict[str, float]:
        weights: dict[str, float] = {}
        shared = root if word.startswith(root) else word
        if len(shared) < _SHORT:
            return weights
        for compound, start in self._with(shared):
            left, rest = compound[:start], compound[start:]
            part = word if rest.startswith(word) else shared
            right, is_short = rest[len(part) :], len(part) == _SHORT
            if not (left or right) or not _is_modifier(left, is_short):
                continue
            if left and (not right or _is_ending(right)):
                weights[compound] = HEAD
            elif _is_rest(right, is_short, exists):
                weights.setdefault(compound, MODIFIER)
            if len(weights) >= MOST_COMPOUNDS:
                break
        return weights

    def _with(self, text: str) -> Iterator[tuple[str, int]]:
        """Yield each word with a text, and the position of the text in it."""
        position = self.lines.find(text)
        while position >= 0:
            start = self.lines.rfind("\n", 0, position) + 1
            end = self.lines.find("\n", position)
            yield self.lines[start:end], position - start
            position = self.lines.find(text, position + 1)


def _is_modifier(left: str, is_short: bool) -> bool:
    """Whether the letters before a part may be a word: at least a syllable."""
    return not left or (len(left) >= _SHORT + is_short and not _VOWELS.isdisjoint(left))


def _is_ending(right: str) -> bool:
    """Whether the letters after a part may be its ending."""
    return right in _ENDINGS


def _is_rest(right: str, is_short: bool, exists: Callable[[str], bool]) -> bool:
    """Whether the letters after a part may be a link and another word."""
    rests = [
        rest
        for link in _LINKS
        if right.startswith(link) and len(rest := right[len(link) :]) >= _SHORT
    ]
    if any(map(exists, rests)):
        return True
    return not is_short and any(
        len(rest) > _SHORT and not _VOWELS.isdisjoint(rest) for rest in rests
    )


def _without_link(modifier: str, links: Iterable[str]) -> list[str]:
    return [
        modifier.removesuffix(link)
        for link in links
        if modifier.endswith(link) and len(modifier) - len(link) >= _SHORT
    ]
