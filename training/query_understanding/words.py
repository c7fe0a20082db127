"""Split a text into words, for items and queries alike.

The text is normalized (NFKC), case folded and stripped of accents.  Words are runs of letters and
digits; in scripts without spaces, pairs of characters.  Words are stemmed in the market's language,
so that `Crèmes` matches `creme`.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

import Stemmer

DEFAULT_LANGUAGE = "english"
LONGEST_TEXT, MOST_WORDS, LONGEST_WORD = 20_000, 2_000, 40

LANGUAGES = {
    **dict.fromkeys(("de", "at", "ch", "li"), "german"),
    **dict.fromkeys(("fr", "be", "lu", "mc"), "french"),
    **dict.fromkeys(("es", "mx", "ar", "co", "cl", "pe"), "spanish"),
    **dict.fromkeys(("pt", "br"), "portuguese"),
    **dict.fromkeys(("se", "sv"), "swedish"),
    **dict.fromkeys(("dk", "da"), "danish"),
    **dict.fromkeys(("no", "nb"), "norwegian"),
    **dict.fromkeys(("gr", "el"), "greek"),
    "it": "italian",
    "nl": "dutch",
    "fi": "finnish",
    "pl": "polish",
    "cz": "czech",
    "ro": "romanian",
    "hu": "hungarian",
    "ru": "russian",
    "tr": "turkish",
}
"""Stemmer by country or language code; all other markets use English."""

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
_ACCENTED = ("LATIN", "GREEK", "CYRILLIC")


def language_of(market: str) -> str:
    """Return the language of a market that is named by country, language or both.

    >>> language_of("de"), language_of("fr-CA"), language_of("default")
    ('german', 'french', 'english')
    """
    code = market.casefold().replace("_", "-").split("-")[0]
    return LANGUAGES.get(code, DEFAULT_LANGUAGE)


def stems(text: str, language: str) -> list[str]:
    """Return the stems of a text's words, in order.

    >>> stems("Rote Schuhe", "german"), stems("red shoes", "english")
    (['rot', 'schuh'], ['red', 'shoe'])
    """
    return [stem(word, language) for word in words(text)]


def words(text: str) -> list[str]:
    """Return the words of a text, folded, not stemmed.

    >>> words("Crème-Brûlée №5, 赤い靴")
    ['creme', 'brulee', 'no5', '赤い', 'い靴']
    """
    return [word[:LONGEST_WORD] for run in _runs(_folded(text)) for word in _spaced(run)][
        :MOST_WORDS
    ]


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """Return the stem of a folded word."""
    stemmed: str = _stemmer(language).stemWord(word)
    return stemmed or word


@lru_cache(maxsize=64)
def _stemmer(language: str) -> "Stemmer.Stemmer":
    return Stemmer.Stemmer(language)


def _folded(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).casefold()
    return composed if composed.isascii() else "".join(_without_accents(composed))


def _without_accents(text: str) -> Iterator[str]:
    """Strip accents in Latin, Greek and Cyrillic; in other scripts they are part of the letter."""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        if len(parts) > 1 and unicodedata.name(parts[0], "").startswith(_ACCENTED):
            yield parts[0]
        else:
            yield letter


def _runs(text: str) -> list[str]:
    letters = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    return "".join(letters).split()


def _spaced(run: str) -> Iterable[str]:
    if run.isascii() or not any(unicodedata.name(c, "").startswith(_UNSPACED) for c in run):
        return [run]
    return [run[n : n + 2] for n in range(max(len(run) - 1, 1))]
