"""What the service writes for people: a JSON object a line, without personal data.

A line says when, how grave, where and what.  Of an error it tells type and place, never its text,
which may repeat what a shopper sent.
"""

import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

OURS = ("serving", "feature_repo", "training")


class JsonLines(logging.Formatter):
    """A record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "where": _where(record.exc_info[2])}
        return msgspec.json.encode(line).decode()


def log_json() -> None:
    """Let our loggers write lines of JSON to standard error, and nothing else write them."""
    out = logging.StreamHandler()
    out.setFormatter(JsonLines())
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [out], False
        logger.setLevel(logging.INFO)


def _where(trace: TracebackType | None) -> list[str]:
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
