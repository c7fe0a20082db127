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
_NUMBER = re.compile(
    r"(?<![\w.,-])(?:"
    r"(?P<decimal>\d+[.,]\d(?![\d])|\d[.,]\d\d(?!\d)|\d+\.\d\d(?!\d))(?![.,]\d)"
    r"|97[89][- ]?(?:\d[- ]?){9}\d(?![\w-])"
    r"|(?=[\dx-]{13}(?![\w-]))\d{1,5}-\d{1,7}-\d{1,7}-[\dx])"
)
"""A decimal number, which is another than its whole part, and an ISBN however it is divided.

Thousands (1.000), and what may be two numbers (39,40), are no decimals.
"""

_STEMMERS = frozenset(Stemmer.algorithms())
_SUFFIXED = frozenset({"arabic", "turkish"})
"""Languages that add one ending to another; the stemmer removes one at a time."""

_LONG_TURKISH, _LONG_POLISH = 6, 4
_HEBREW_ENDINGS = ("יים", "ים", "ות", "ה", "י")
_FINAL_HEBREW = str.maketrans("םןךףץ", "מנכפצ")


def stems(text: str, language: str) -> list[str]:
    """Return the stems of a text's words, in order.

    >>> stems("Rote Schuhe", "german"), stems("red shoes", "english")
    (['rot', 'schuh'], ['red', 'shoe'])
    """
    return [stem(word, language) for word in words(text)]


def words(text: str) -> list[str]:
    """Return the words of a query or text, folded, not stemmed.

    >>> words("39,5 39.50 2.5l 1.000 978-3-16-148410-0")
    ['39.5', '39.5', '2.5', 'l', '1', '000', '9783161484100']
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
        word = _hebrew_root(word).translate(_FINAL_HEBREW)
    elif language == "polish" and len(word) > _LONG_POLISH:
        word = word.removesuffix("ow")  # butów
    if language not in _STEMMERS:
        return word
    stemmed: str = _stemmer(language).stemWord(word)
    if language in _SUFFIXED:
        return word if len(stemmed) < 3 or stemmed == word else stem(stemmed, language)
    return stemmed or word


def _hebrew_root(word: str) -> str:
    """Return a word without the ending of number, gender or possession: נעל for נעליים and נעלי."""
    for ending in _HEBREW_ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            return word.removesuffix(ending)
    return word


@lru_cache(maxsize=64)
def _stemmer(language: str) -> "Stemmer.Stemmer":
    return Stemmer.Stemmer(language)


def _runs(text: str) -> list[str]:
    """Cut a folded text where a character is neither letter nor digit, except inside numbers."""
    runs: list[str] = []
    start = 0
    for number in _NUMBER.finditer(text):
        runs += [*_letters(text[start : number.start()]), _normal(number)]
        start = number.end()
    return [*runs, *_letters(text[start:])]


def _normal(number: "re.Match[str]") -> str:
    """Return one form of a number: `39.5` for 39,50, and the digits of an ISBN."""
    if number["decimal"] is None:
        return re.sub("[- ]", "", number[0])
    return number["decimal"].replace(",", ".").rstrip("0").rstrip(".")


def _letters(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text)
    letters = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    return "".join(letters).split()
