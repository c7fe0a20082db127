"""Days as people write them."""

from feature_repo.home import DAY, EventError, SettingError, parse_instant


def parse_day(date: str) -> int:
    """Return the day of a date, since 1970.

    Raises:
        SettingError: it is no date.
    """
    try:
        return parse_instant(f"{date}T00:00:00Z", "date") // DAY
    except EventError:
        raise SettingError(f"date: expected a day such as 2026-01-31, found {date!r}.") from None
