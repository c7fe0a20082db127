"""Read a shop's value as the declared type of its field.

A value that contradicts its type is missing, and a long one is cut (`limits.py`); neither is an
error.  `transformations/values.sql` does the
same for the compacted log; a test compares the two.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from feature_repo.home import EPOCH, SECOND
from feature_repo.shop.limits import LONGEST_TEXT, LONGEST_WORD, MOST_NUMBERS, MOST_WORDS
from feature_repo.shop.schema import FieldType

TypedValue = float | str | list[str] | list[float] | int | bool | None

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
_DAY = re.compile(r"((?:19|20)[0-9]{6})(?:\.0)?")
DECIMALS = 3
"""Decimals of a number that is a text, such as the size 39.5."""

_EARLIEST, _END = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND
"""The year 1 and the year 10000."""


def typed_value(value: Any, type_: FieldType) -> TypedValue:
    """Convert a value to its type; None if it is missing or contradicts the type.

    >>> typed_value("19.90", "number"), typed_value(7, "category"), typed_value("red", "list")
    (19.9, '7', ['red'])
    >>> typed_value(39.5, "category"), typed_value(39.0, "category"), typed_value(1 / 3, "text")
    ('39.5', '39', None)
    >>> typed_value("1970-01-02", "time"), typed_value(-86400, "time"), typed_value({}, "text")
    (86400000000, -86400000000, None)
    >>> typed_value("19700102", "time")
    86400000000
    """
    return _READERS[type_](value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip(" ")
        return _finite(float(text)) if _NUMBER.fullmatch(text) else None
    return _finite(float(value)) if isinstance(value, (int, float)) else None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _text(value: Any, longest: int = LONGEST_TEXT) -> str | None:
    if isinstance(value, str):
        return value[:longest] or None
    number = _number(value)
    if number is None or abs(number) >= 2**53:
        return None
    written = f"{number:.{DECIMALS}f}"
    if number.is_integer():
        return str(int(number))
    return written.rstrip("0") if float(written) == number else None


def _list(value: Any) -> list[str] | None:
    if isinstance(value, (list, tuple)):
        words = (_text(one, LONGEST_WORD) for one in value[:MOST_WORDS])
        return [word for word in words if word is not None]
    word = _text(value, LONGEST_WORD)
    return None if word is None else [word]


def _vector(value: Any) -> list[float] | None:
    if isinstance(value, (list, tuple)):
        return [n for n in map(_number, value[:MOST_NUMBERS]) if n is not None]
    number = _number(value)
    return None if number is None else [number]


def _bool(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip(" ").lower())
    return None


def _time(value: Any) -> int | None:
    number = _number(value)
    if number is None:
        instant = _instant_of_text(value)
    else:
        day = _instant_of_day(value)
        instant = _instant_of_number(number) if day is None else day
    return instant if instant is not None and _EARLIEST <= instant < _END else None


def _instant_of_day(value: Any) -> int | None:
    """Return the day of eight digits from 1900 on, such as 20260131; None for another number."""
    digits = _DAY.fullmatch(str(value).strip(" "))
    if digits is None:
        return None
    try:
        day = datetime.strptime(digits[1], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (day - EPOCH) // timedelta(microseconds=1)


def _instant_of_number(number: float) -> int:
    if abs(number) < 1e11:
        return round(number * 1e6)
    return round(number * 1e3) if abs(number) < 1e14 else round(number)


def _instant_of_text(value: Any) -> int | None:
    if not isinstance(value, str) or not _TIME.fullmatch(value.strip(" ")):
        return None
    try:
        moment = datetime.fromisoformat(value.strip(" "))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


_READERS: dict[FieldType, Callable[[Any], TypedValue]] = {
    "number": _number,
    "text": _text,
    "category": _text,
    "list": _list,
    "vector": _vector,
    "time": _time,
    "bool": _bool,
}
