"""Fold a text: one form for letters that shoppers and catalogues write in several ways.

Unicode's NFKC and case folding come first.  Then follow what they leave: accents, letters that do
not decompose, forms of Arabic letters, kana, digits of other scripts, and invisible characters.
"""

import unicodedata
from functools import lru_cache

_ACCENTED = ("LATIN", "GREEK", "CYRILLIC")
_LETTERS = {"й", "ї"}
"""Letters of Cyrillic alphabets, although Unicode decomposes them."""

_PLAIN = str.maketrans(
    {
        **{"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i", "đ": "d", "ð": "d"},
        **{"þ": "th", "ħ": "h", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ƒ": "f", "ə": "e"},
        # Arabic and Persian: hamza, alef maqsura, yeh, kaf, teh marbuta; tatweel.
        **dict.fromkeys("أإآٱ", "ا"),
        **dict.fromkeys("ىیئے", "ي"),
        **{"ؤ": "و", "ک": "ك", "ة": "ه", "ۀ": "ه", "ہ": "ه", "ھ": "ه", "ء": "", "ـ": ""},
        # Apostrophes, and the zero-width non-joiner, which separates Persian endings.
        **{"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "\u200c": " "},
    }
)


def fold(text: str) -> str:
    """Return the folded text; ASCII texts are lower-cased alone.

    >>> fold("Łódź SMØRREBRØD Straße ISPARTA Isparta İstanbul ışık")
    'lodz smorrebrod strasse isparta isparta istanbul isik'
    >>> fold("أحذية") == fold("احذيه"), fold("Scho\u00adko ５０ ٥٠")
    (True, 'schoko 50 50')
    """
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFKC", text).casefold()
    return "".join(map(_folded, composed)).translate(_PLAIN)


@lru_cache(maxsize=20_000)
def _folded(letter: str) -> str:
    if letter.isascii():
        return letter
    category = unicodedata.category(letter)
    if category == "Cf":
        return letter if letter == "\u200c" else ""
    if category == "Mn" and not _is_vowel_sign(letter):
        return ""
    if category == "Nd":
        return str(unicodedata.digit(letter))
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) > 1 and letter not in _LETTERS:
        return parts[0] if unicodedata.name(parts[0], "").startswith(_ACCENTED) else letter
    return letter


def _is_vowel_sign(mark: str) -> bool:
    """Whether a mark is part of the spelling, as in Devanagari and Thai, and no accent."""
    return not unicodedata.name(mark, "").startswith(
        ("COMBINING", "ARABIC", "HEBREW", "CYRILLIC", "GREEK")
    )
