"""Texts of a shop in a page: escaped, with their own direction, and marked with their language."""

import unicodedata

from markupsafe import Markup

PAGE_LANGUAGE = "en"

_SCRIPTS = {
    "LATIN": "Latn",
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "GREEK": "Grek",
    "HANGUL": "Kore",
    "HEBREW": "Hebr",
    "HIRAGANA": "Jpan",
    "KATAKANA": "Jpan",
    "TAMIL": "Taml",
    "THAI": "Thai",
}
"""ISO 15924 code of a script by the first word of its letters' names."""

_WRITTEN_IN = {
    "ar": {"Arab"},
    "el": {"Grek"},
    "fa": {"Arab"},
    "he": {"Hebr"},
    "hi": {"Deva"},
    "hy": {"Armn"},
    "ja": {"Jpan", "Hani"},
    "ko": {"Kore"},
    "ne": {"Deva"},
    "ru": {"Cyrl"},
    "sr": {"Cyrl", "Latn"},
    "ta": {"Taml"},
    "th": {"Thai"},
    "uk": {"Cyrl"},
    "zh": {"Hani"},
}
_LATIN = {"Latn"}


def language_tag(text: str, market_language: str) -> str:
    """Return the BCP 47 tag of a text: the market's language, or another script's.

    >>> language_tag("rote Schuhe", "de"), language_tag("أحذية", "en"), language_tag("42", "en")
    ('de', 'und-Arab', 'en')
    """
    letter = next(filter(str.isalpha, text), None)
    if letter is None:
        return market_language
    script = _SCRIPTS.get(unicodedata.name(letter, "").split("-")[0].split(" ")[0])
    if script is None or script in _WRITTEN_IN.get(market_language, _LATIN):
        return market_language
    return f"und-{script}"


def shop_text(text: object, market_language: str = PAGE_LANGUAGE) -> Markup:
    """Return a text of the shop or of a shopper for a page.

    >>> shop_text("<b>")
    Markup('<bdi>&lt;b&gt;</bdi>')
    """
    tag = language_tag(str(text), market_language)
    if tag == PAGE_LANGUAGE:
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup('<bdi lang="{}">{}</bdi>').format(tag, text)
