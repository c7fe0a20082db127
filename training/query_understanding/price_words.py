"""Price limits said in words: "under 50", "from 20 to 40 €", "unter 30", "moins de 20"."""

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
    """What a query says of the price, both ends included, and what is left of it."""

    text: str
    low: float | None = None
    high: float | None = None


def read_price_limits(text: str) -> PriceLimits:
    """Take the price limits out of a query; nothing may be left of it.

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
        if found := pattern.search(text):
            low, high = sorted(map(_number, found.groups()))
            return PriceLimits(_without(text, found), low, high)
    high_found = _HIGH.search(text)
    rest = _without(text, high_found) if high_found else text
    low_found = _LOW.search(rest)
    rest = _without(rest, low_found) if low_found else rest
    return PriceLimits(
        rest,
        _number(low_found[1]) if low_found else None,
        _number(high_found[1]) if high_found else None,
    )


def _without(text: str, found: "re.Match[str]") -> str:
    return " ".join(f"{text[: found.start()]} {text[found.end() :]}".split())


def _number(text: str) -> float:
    return float(text.replace(",", "."))
