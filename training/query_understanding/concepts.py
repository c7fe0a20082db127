"""What a query asks for: one concept for each of its words, and the ways in which items write it.

Shoppers join and split words as they like: wifi and wi-fi, ps5 and PS 5, 1000 and 1,000.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST_JOINED = 30
MOST_JOINED = 4
SPLIT = 0.8
"""Weight of the parts of a word, which an item may have for other reasons."""

_PARTS = re.compile(r"\d+|[^\W\d_]+")
_THOUSANDS = re.compile(r"(\d{1,3})((?:\d{3})+)")


@dataclass(frozen=True)
class Alternative:
    """One way to write a concept.

    Attributes:
        words: an item has all of them.
        weight: of their scores, summed up.
        is_compound: whether it counts as the first alternative does, however rare it is.
    """

    words: tuple[str, ...]
    weight: float = 1.0
    is_compound: bool = False


@dataclass(frozen=True)
class Concept:
    """A word of a query.

    Attributes:
        alternatives: an item has one of them; the first is the word.
        is_optional: whether items match without it: a stop word.
        is_preferred: whether items match without it, and fit better with it.
    """

    alternatives: tuple[Alternative, ...]
    is_optional: bool = False
    is_preferred: bool = False

    @property
    def word(self) -> str:
        """The word itself."""
        return self.alternatives[0].words[0]


def written_apart(word: str, joins: Mapping[str, tuple[str, ...]]) -> list[Alternative]:
    """Return the ways to write a word in parts.

    Args:
        word: folded.
        joins: by joined word, its parts, as the shop writes them with a hyphen.

    >>> [a.words for a in written_apart("ha0001", {})], written_apart("1000", {})[0].words
    ([('ha', '0001')], ('1', '000'))
    """
    ways = {joins[word]} if word in joins else set()
    parts = tuple(_PARTS.findall(word))
    if len(parts) > 1 and "".join(parts) == word:
        ways.add(parts)
    if thousands := _THOUSANDS.fullmatch(word):
        ways.add((thousands[1], *re.findall(r"\d{3}", thousands[2])))
    return [parts_of_word(way) for way in sorted(ways)]


def parts_of_word(parts: tuple[str, ...]) -> Alternative:
    """Return the parts of a word as an alternative, which scores as their mean does."""
    return Alternative(parts, SPLIT / len(parts))


def written_together(words: Sequence[str]) -> dict[int, list[Alternative]]:
    """Return by position the joined words that cover a word and its neighbours.

    A joined word scores once, in equal shares of the words that it covers.

    >>> [a.words for a in written_together(["wi", "fi"])[0]]
    [('wifi',)]
    """
    together: dict[int, list[Alternative]] = {}
    for start in range(len(words)):
        for end in range(start + 2, min(start + MOST_JOINED, len(words)) + 1):
            joined = "".join(words[start:end])
            if len(joined) > LONGEST_JOINED or not joined.isascii():
                break
            for n in range(start, end):
                together.setdefault(n, []).append(Alternative((joined,), 1 / (end - start)))
    return together
