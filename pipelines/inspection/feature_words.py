"""The value of a feature in words."""

from typing import Any

from feature_repo.home import to_text

_LISTED = 5
"""Elements of a list that are shown."""


def in_words(value: Any, unit: str) -> str:
    """Return a value of a feature as a person writes it.

    >>> in_words(1990, "minor units of money"), in_words(0.25, "share"), in_words(3, "events")
    ('19.90', '25 %', '3')
    >>> in_words(["a\x1fb", "c"], "texts"), in_words(None, "events"), in_words(True, "")
    ('a/b, c', 'no value', 'yes')
    """
    if isinstance(value, list):
        listed = ", ".join(in_words(element, unit) for element in value[:_LISTED])
        further = f" … ({len(value)})" if len(value) > _LISTED else ""
        return f"{listed}{further}" or "none"
    if value is None or value == "":
        return "no value"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("\x1f", "/")
    return _number_in_words(value, unit)


_UNITS = {
    "minor units of money": "money",
    "microseconds since 1970 UTC": "time, UTC",
    "share": "of 100 %",
    "as the shop gives it": "",
}
"""Units of stored values -> units of the words."""


def unit_in_words(unit: str) -> str:
    """Return the unit of the words of a value.

    >>> unit_in_words("minor units of money"), unit_in_words("events")
    ('money', 'events')
    """
    return _UNITS.get(unit, unit)


def _number_in_words(number: float, unit: str) -> str:
    match unit:
        case "minor units of money":
            return f"{number / 100:.2f}"
        case "microseconds since 1970 UTC":
            return to_text(int(number))[:16].replace("T", " ")
        case "share":
            return f"{number:.0%}".replace("%", " %")
    return f"{number:g}" if isinstance(number, float) else str(number)
