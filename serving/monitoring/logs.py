"""Logs of the service: one JSON object per line, without personal data.

A line has time, level, logger and message.  An error adds its type and traceback positions but not
its text, which may contain personal data.
"""

import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

LOGGERS = ("serving", "feature_repo", "training")


class JsonLines(logging.Formatter):
    """Formats a log record as a line of JSON, without the path of the home."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = str(home)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().replace(self._home, "AISLE_HOME"),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "where": _positions(record.exc_info[2])}
        return msgspec.json.encode(line).decode()


def log_json(home: Path) -> None:
    """Write the lines of Aisle's loggers as JSON to standard error only."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(home))
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)


def _positions(trace: TracebackType | None) -> list[str]:
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
