"""Split a text into words, for items and queries alike.

The text is folded; words are runs of letters and digits, and pairs of characters in scripts without
spaces.  Words are stemmed in the market's language, so that `Crèmes` matches `creme`.
"""

import re
import unicodedata
from functools import lru_cache

import Stemmer

from training.query_understanding.folding import fold
from training.query_understanding.scripts import indexed_parts, is_spaced, query_parts

LONGEST_TEXT, MOST_WORDS, LONGEST_WORD = 20_000, 2_000, 40

_ASCII_WORD = re.compile("[a-z0-9]+")
_STEMMERS = frozenset(Stemmer.algorithms())
_SUFFIXED = frozenset({"arabic", "turkish"})
"""Languages that add one ending to another; the stemmer removes one at a time."""

_LONG_TURKISH = 6
_FINAL_HEBREW = str.maketrans("םןךףץ", "מנכפצ")


def stems(text: str, language: str) -> list[str]:
    """Return the stems of a text's words, in order.

    >>> stems("Rote Schuhe", "german"), stems("red shoes", "english")
    (['rot', 'schuh'], ['red', 'shoe'])
    """
    return [stem(word, language) for word in words(text)]


def words(text: str) -> list[str]:
    """Return the words of a query or text, folded, not stemmed.

    >>> words("Crème-Brûlée №5, 赤い靴 USB充電器")
    ['creme', 'brulee', 'no5', '赤イ', '靴', 'usb', '充電', '電器']
    """
    runs = _runs(fold(text[:LONGEST_TEXT]))
    return [
        part[:LONGEST_WORD]
        for run in runs
        for part in ((run,) if is_spaced(run) else query_parts(run))
    ][:MOST_WORDS]


def indexed_words(text: str) -> list[str]:
    """Return the words of an item's text; as `words`, and single characters beside pairs.

    >>> indexed_words("red 靴下")
    ['red', '靴下', '靴', '下']
    """
    runs = _runs(fold(text[:LONGEST_TEXT]))
    return [
        part[:LONGEST_WORD]
        for run in runs
        for part in ((run,) if is_spaced(run) else indexed_parts(run))
    ][:MOST_WORDS]


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """Return the stem of a folded word."""
    if language in ("danish", "norwegian"):
        word = word.replace("aa", "a")
    elif language == "turkish" and len(word) > _LONG_TURKISH:
        word = word.removesuffix("si").removesuffix("su")  # Spor Ayakkabısı
    elif language == "hebrew":
        word = word.removesuffix("ים").removesuffix("ות").translate(_FINAL_HEBREW) or word
    if language not in _STEMMERS:
        return word
    stemmed: str = _stemmer(language).stemWord(word)
    if language in _SUFFIXED:
        return word if len(stemmed) < 3 or stemmed == word else stem(stemmed, language)
    return stemmed or word


@lru_cache(maxsize=64)
def _stemmer(language: str) -> "Stemmer.Stemmer":
    return Stemmer.Stemmer(language)


def _runs(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text)
    letters = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    return "".join(letters).split()
