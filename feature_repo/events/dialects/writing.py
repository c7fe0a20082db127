"""Parts of written objects that dialects share."""

from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

from feature_repo.home import to_datetime


def iso_time(instant: int, offset_minutes: int | None = None) -> str:
    """Return an instant as ISO 8601, in a local time if its offset is given, else in UTC without.

    >>> iso_time(1_636_907_100_000_000, 120)
    '2021-11-14T18:25:00+02:00'
    """
    if offset_minutes is None:
        return to_datetime(instant).replace(tzinfo=None).isoformat()
    zone = timezone(timedelta(minutes=offset_minutes))
    return to_datetime(instant).astimezone(zone).isoformat()


def stated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that have a value.

    >>> stated({"user": None, "session": "s1"})
    {'session': 's1'}
    """
    return {name: value for name, value in values.items() if value is not None}
