"""Instants: integers, microseconds since 1970-01-01 UTC."""

import math
from datetime import UTC, datetime, timedelta

from feature_repo.home.errors import EventError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 4_102_444_800 * SECOND
"""2100-01-01; a later instant is a mistake of unit."""

_CALENDAR = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Number of digits → the format of a time written without separators."""

_EXPECTED = "an ISO 8601 time, or seconds, milliseconds or microseconds since 1970, before 2100"


def parse_instant(value: object, field: str = "event_time") -> int:
    """Read an instant from a number or a text; times without an offset are UTC.

    The size of a number decides its unit: seconds below 1e11, milliseconds below 1e14, else
    microseconds.  Eight, twelve or fourteen digits that are a date from 1970 on, with or without
    minutes and seconds, are that time in UTC.

    Raises:
        EventError: the value is neither a time nor a number, or outside 1970 to 2100.

    >>> parse_instant("1636907100000") == parse_instant("2021-11-14T16:25:00Z")
    True
    >>> parse_instant("20211114") == parse_instant(202111140000) == parse_instant("2021-11-14")
    True
    """
    number = _as_number(value)
    if number is not None:
        moment = _calendar_time(number)
        instant = _scaled(number) if moment is None else from_datetime(moment)
        return _checked(instant, value, field)
    if not isinstance(value, str):
        raise EventError(field, _EXPECTED, value)
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise EventError(field, _EXPECTED, value) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _checked((moment - EPOCH) // timedelta(microseconds=1), value, field)


def utc_offset_minutes(value: object) -> int | None:
    """Return the UTC offset of a time text in minutes; None if it has no offset.

    >>> utc_offset_minutes("2022-03-28T12:00:00+02:00")
    120
    """
    if not isinstance(value, str):
        return None
    try:
        offset = datetime.fromisoformat(value.strip()).utcoffset()
    except ValueError:
        return None
    return None if offset is None else round(offset.total_seconds() / 60)


def to_datetime(instant: int) -> datetime:
    """Return the aware UTC datetime of an instant, exact to the microsecond."""
    return EPOCH + timedelta(microseconds=instant)


def from_datetime(moment: datetime) -> int:
    """Return the instant of an aware datetime.

    >>> from_datetime(to_datetime(86_400_000_001))
    86400000001
    """
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_text(instant: int) -> str:
    """Return an instant as ISO 8601 in UTC, with microseconds.

    >>> to_text(1_636_907_100_000_000)
    '2021-11-14T16:25:00.000000Z'
    """
    return to_datetime(instant).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _as_number(value: object) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= 18:
            return int(text)
        if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 24:
            return float(text)
    return None


def _calendar_time(number: int | float) -> datetime | None:
    """Return the time that the digits of a number write; None if they write none."""
    digits = str(number) if isinstance(number, int) else ""
    if len(digits) not in _CALENDAR or not "1970" <= digits[:4] < "2100":
        return None
    try:
        return datetime.strptime(digits, _CALENDAR[len(digits)]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _scaled(number: int | float) -> int:
    for limit, factor in ((10**11, SECOND), (10**14, 1000)):
        if abs(number) < limit:
            return round(number * factor)
    return round(number)


def _checked(instant: int, value: object, field: str) -> int:
    if not 0 <= instant < LATEST:
        raise EventError(field, _EXPECTED, value)
    return instant
