"""A log and a manual clock for each test."""

import pytest

from feature_repo.events.log import EventLog
from feature_repo.home import Clock, parse_instant

NOON = parse_instant("2021-11-15T12:00:00Z")


class ManualClock(Clock):
    """Advances by one microsecond a call, and otherwise only when a test sets it."""

    def __init__(self, instant=NOON):
        super().__init__()
        self.instant = instant

    def now(self):
        self.instant += 1
        return self.instant


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def log(home, clock):
    return EventLog(home, clock)


@pytest.fixture
def write(tmp_path):
    """Writes bytes, or events as JSON lines, to a file and returns its path."""

    def to_file(content, name="events.jsonl"):
        import json

        path = tmp_path / name
        if not isinstance(content, bytes):
            content = b"".join(json.dumps(event).encode() + b"\n" for event in content)
        path.write_bytes(content)
        return path

    return to_file
