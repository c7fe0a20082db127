"""Words of scripts without spaces: Chinese, Japanese, Thai; and of Korean, which compounds freely.

A run of letters is cut where the script changes, so that Latin letters and digits stay whole.
Japanese is cut before a kanji that follows kana, too: an ending comes before it.  A part is then
searched by pairs of characters, or by its only character.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

SPACED, IDEOGRAPH, HIRAGANA, KATAKANA, HANGUL, OTHER = "sihkgo"
_BY_NAME = {
    "CJK": IDEOGRAPH,
    "IDEOGRAPHIC": IDEOGRAPH,
    "HIRAGANA": HIRAGANA,
    "KATAKANA": KATAKANA,
    "KATAKANA-HIRAGANA": KATAKANA,
    "HANGUL": HANGUL,
    **dict.fromkeys(("THAI", "LAO", "KHMER", "MYANMAR"), OTHER),
}
_CONTINUED = {(IDEOGRAPH, HIRAGANA)}
"""Script changes within a word: a kanji, then its kana ending."""

_PARTICLES = re.compile("(?<=[^ぁ-ん])の(?![ぁ-ん])|を")
_ENDINGS = ("에서", "으로", "를", "을", "는")
_LONG_MARK = "ー"
_TO_KATAKANA = {kana: kana + 0x60 for kana in range(0x3041, 0x3097)}


def is_spaced(run: str) -> bool:
    """Whether all letters of a run belong to scripts that separate words by spaces."""
    return run.isascii() or all(_script(letter) == SPACED for letter in run)


def query_parts(run: str) -> list[str]:
    """Return what a query searches for: pairs of characters, or the only character of a part.

    >>> query_parts("usb充電器"), query_parts("赤い靴"), query_parts("여성운동화")
    (['usb', '充電', '電器'], ['赤イ', '靴'], ['여성', '성운', '운동', '동화'])
    """
    parts: list[str] = []
    for text, is_whole in _parts(run):
        parts += [text] if is_whole or len(text) < 2 else _pairs(text)
    return parts


def indexed_parts(run: str) -> list[str]:
    """Return what an item is indexed by: pairs of characters, and single ones.

    >>> indexed_parts("usb充電"), indexed_parts("赤い靴")
    (['usb', '充電', '充', '電'], ['赤イ', '赤', 'イ', '靴'])
    """
    parts: list[str] = []
    for text, is_whole in _parts(run):
        parts += [text] if is_whole else [*_pairs(text), *text]
    return parts


def _pairs(text: str) -> list[str]:
    return ["".join(pair) for pair in pairwise(text)]


def _parts(run: str) -> Iterator[tuple[str, bool]]:
    """Cut a run where the script changes; return whether each part is a whole word."""
    for text in _PARTICLES.sub(" ", run).split():
        start, before = 0, _script(text[0])
        for n, letter in enumerate(text):
            script = before if letter == _LONG_MARK else _script(letter)
            if script != before and (before, script) not in _CONTINUED:
                yield _part(text[start:n], before)
                start = n
            before = script
        yield _part(text[start:], before)


def _part(text: str, script: str) -> tuple[str, bool]:
    if script == SPACED:
        return text, True
    if script == HANGUL and len(text) > 2:
        text = next((text.removesuffix(e) for e in _ENDINGS if text.endswith(e)), text)
    elif script in (HIRAGANA, KATAKANA) and len(text) > 3:
        text = text.removesuffix(_LONG_MARK)
    return text.translate(_TO_KATAKANA), False


def is_pair(word: str) -> bool:
    """Whether a word is a pair of characters of a run without spaces."""
    return len(word) == 2 and not word.isascii() and not is_spaced(word)


@lru_cache(maxsize=50_000)
def _script(letter: str) -> str:
    return _BY_NAME.get(unicodedata.name(letter, "").partition(" ")[0], SPACED)
