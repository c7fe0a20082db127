"""The languages of texts, by ISO 639 code, and the language of a market by its name."""

DEFAULT_LANGUAGE = "english"

LANGUAGES = {
    "ar": "arabic",
    "az": "azerbaijani",
    "bn": "bengali",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "he": "hebrew",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "is": "icelandic",
    "it": "italian",
    "ja": "japanese",
    "ka": "georgian",
    "kk": "kazakh",
    "ko": "korean",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "th": "thai",
    "tr": "turkish",
    "uk": "ukrainian",
    "vi": "vietnamese",
    "zh": "chinese",
}
"""Name of each language by its code."""

_COUNTRIES = {
    **dict.fromkeys(("at", "ch", "li"), "german"),
    **dict.fromkeys(("be", "lu", "mc"), "french"),
    **dict.fromkeys(("ar", "cl", "co", "mx", "pe"), "spanish"),
    **dict.fromkeys(("eg", "sa", "ae"), "arabic"),
    **dict.fromkeys(("uk", "us", "gb", "ie", "ga", "ca", "ne", "et", "in"), "english"),
    **dict.fromkeys(("cn", "tw", "hk"), "chinese"),
    "am": "armenian",
    "bd": "bengali",
    "br": "portuguese",
    "cz": "czech",
    "dk": "danish",
    "ge": "georgian",
    "gr": "greek",
    "il": "hebrew",
    "ir": "persian",
    "jp": "japanese",
    "kr": "korean",
    "kz": "kazakh",
    "se": "swedish",
    "ua": "ukrainian",
    "vn": "vietnamese",
}
"""Language of markets whose name is the code of a country."""


def language_named(text: str) -> str | None:
    """Return the language with a code or name; None where there is none.

    >>> language_named("de"), language_named("Japanese"), language_named("xx")
    ('german', 'japanese', None)
    """
    folded = text.casefold()
    return LANGUAGES.get(folded) or (folded if folded in LANGUAGES.values() else None)


def language_code(language: str) -> str:
    """Return the code of a language; the first where it has several.

    >>> language_code("german"), language_code("norwegian")
    ('de', 'nb')
    """
    return next((code for code, name in LANGUAGES.items() if name == language), "und")


def language_of(market: str) -> str:
    """Return the language of a market that is named by country, language or both.

    >>> language_of("de"), language_of("fr-CA"), language_of("uk"), language_of("default")
    ('german', 'french', 'english', 'english')
    """
    code = market.casefold().replace("_", "-").split("-")[0]
    return _COUNTRIES.get(code) or language_named(code) or DEFAULT_LANGUAGE
