"""Means with their intervals, for people."""

from collections.abc import Mapping


def interval_text(interval: Mapping[str, float | None], sign: str = "", digits: int = 4) -> str:
    """Return a mean and its interval; the mean alone where there are too few users for an interval.

    >>> interval_text({"value": 0.25, "low": 0.2, "high": 0.3}, "+", 2)
    '+0.25 (+0.20 to +0.30)'
    >>> interval_text({"value": 0.25, "low": None, "high": None})
    '0.2500'
    """
    value, low, high = (
        None if interval[end] is None else f"{interval[end]:{sign}.{digits}f}"
        for end in ("value", "low", "high")
    )
    if value is None:
        return "–"
    return value if low is None else f"{value} ({low} to {high})"
