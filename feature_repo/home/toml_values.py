"""Checked values of files that people write in TOML; an error names the position in the file."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from feature_repo.home.errors import EventError
from feature_repo.home.instants import EPOCH, SECOND


def check_keys(table: Any, allowed: Collection[str], path: str) -> None:
    """Check that a value is a table with allowed keys alone.

    Raises:
        EventError: it is not.
    """
    if not isinstance(table, dict) or not table.keys() <= {*allowed}:
        unknown = table.keys() - {*allowed} if isinstance(table, dict) else ()
        actual = ", ".join(sorted(unknown)) or repr(table)
        raise EventError(path, f"only {', '.join(sorted(allowed))}", actual)


def texts_of(table: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
    """Return a text, or a list of texts, as a tuple; empty where it is absent.

    Raises:
        EventError: the value is something else, or a text is empty.
    """
    value = table.get(name, [])
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise EventError(f"{path}.{name}", "a text, or a list of texts", repr(value))
    return tuple(texts)


def number_of(value: Any, path: str, low: float, high: float) -> float:
    """Return a number within limits.

    Raises:
        EventError: the value is something else, or beyond a limit.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise EventError(path, f"a number from {low:g} to {high:g}", repr(value))
    return float(value)


def instant_of(value: Any, path: str) -> int | None:
    """Return an instant in µs since 1970 UTC; None for None.

    Raises:
        EventError: the value is no date with a time.
    """
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise EventError(path, "an instant such as 2026-11-27T00:00:00Z", repr(value))
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return int((aware - EPOCH).total_seconds() * SECOND)
