"""How many warnings a home had, by day and reason, in one file that all processes share."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from feature_repo.events.quality.finding import LISTED
from feature_repo.home import DAY, Home, locked, replacing, to_text

DAYS = 30
"""Days that the file has."""

Days = dict[str, dict[str, int]]


def add_warnings(home: Home, reasons: Mapping[str, int], now: int) -> None:
    """Add the numbers of warnings by reason.

    Args:
        home: whose log has the file.
        reasons: reason → number.
        now: the instant whose day counts them, µs.

    Raises:
        OSError: the file cannot be written.
    """
    if not reasons:
        return
    path = home.log / "warnings.json"
    with locked(home.log / "warnings.lock"):
        days = _read(home)
        today = to_text(now)[:10]
        counts = Counter(days.get(today, {})) + Counter(reasons)
        days[today] = dict(counts.most_common(LISTED))
        newest = dict(sorted(days.items())[-DAYS:])
        with replacing(path) as temporary:
            temporary.write_bytes(msgspec.json.encode(newest))


def read_warnings(home: Home, now: int, days: int) -> Counter[str]:
    """Return the numbers of the last days by reason."""
    earliest = to_text(max(now - days * DAY, 0))[:10]
    recent = (counts for day, counts in _read(home).items() if day > earliest)
    return sum(map(Counter, recent), Counter())


def _read(home: Home) -> Days:
    try:
        return msgspec.json.decode((home.log / "warnings.json").read_bytes(), type=Days)
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
