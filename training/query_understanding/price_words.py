"""Price limits in words: "under 50", "from 20 to 40 €", "unter 30", "moins de 20"."""

import re
from dataclasses import dataclass

_SIGN = "[$€£¥]"
_COIN = r"(?:usd|eur|gbp|dollars?|euros?|pounds?)(?!\w)"
_MONEY = rf"(?:{_SIGN}\s*)?(\d{{1,9}}(?:[.,]\d{{1,2}})?)(?:\s*(?:{_SIGN}|{_COIN}))?"
_AT_MOST = (
    "under|below|less than|cheaper than|up to|at most|max|within",
    "unter|bis zu|bis|höchstens|maximal|weniger als|billiger als",
    "moins de|moins cher que|jusqu'à|maximum|sous",
    "menos de|hasta|máximo|por debajo de",
    "meno di|fino a|sotto|massimo",
    "até|abaixo de",
    "onder|minder dan|tot",
)
_AT_LEAST = (
    "over|above|more than|at least|min",
    "über|ab|mindestens|mehr als",
    "plus de|au moins|à partir de",
    "más de|desde|mínimo|por encima de",
    "più di|almeno",
    "mais de|acima de",
    "boven|meer dan|vanaf",
)
_BETWEEN = (
    ("between|from", "and|to"),
    ("zwischen|von", "und|bis"),
    ("entre|de", "et|à"),
    ("entre|de", "y|a"),
    ("tra|da", "e|a"),
    ("entre|de", "e|a"),
    ("tussen|van", "en|tot"),
)
_RANGES = [
    re.compile(rf"(?<!\w)(?:{one})\s+{_MONEY}\s+(?:{two})\s+{_MONEY}(?![\w.,]*\d)", re.IGNORECASE)
    for one, two in _BETWEEN
]
_HIGH = re.compile(rf"(?<!\w)(?:{'|'.join(_AT_MOST)})\s+{_MONEY}(?![\w%])", re.IGNORECASE)
_LOW = re.compile(rf"(?<!\w)(?:{'|'.join(_AT_LEAST)})\s+{_MONEY}(?![\w%])", re.IGNORECASE)
LONGEST_QUERY = 500


@dataclass(frozen=True)
class PriceLimits:
    """The inclusive price limits of a query, and the rest of its text."""

    text: str
    low: float | None = None
    high: float | None = None


def read_price_limits(text: str) -> PriceLimits:
    """Separate the price limits of a query from its text, which may become empty.

    >>> read_price_limits("red shoes under $50")
    PriceLimits(text='red shoes', low=None, high=50.0)
    >>> read_price_limits("shoes from 20 to 40 euros")
    PriceLimits(text='shoes', low=20.0, high=40.0)
    >>> read_price_limits("under armour")
    PriceLimits(text='under armour', low=None, high=None)
    """
    if len(text) > LONGEST_QUERY:
        return PriceLimits(text)
    for pattern in _RANGES:
        if match := pattern.search(text):
            low, high = sorted(map(_number, match.groups()))
            return PriceLimits(_without(text, match), low, high)
    high_match = _HIGH.search(text)
    rest = _without(text, high_match) if high_match else text
    low_match = _LOW.search(rest)
    rest = _without(rest, low_match) if low_match else rest
    return PriceLimits(
        rest,
        _number(low_match[1]) if low_match else None,
        _number(high_match[1]) if high_match else None,
    )


def _without(text: str, match: "re.Match[str]") -> str:
    return " ".join(f"{text[: match.start()]} {text[match.end() :]}".split())


def _number(text: str) -> float:
    return float(text.replace(",", "."))
