"""Split event files by UTC day, so that days can be checked in parallel."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from feature_repo.events.ingest.files import EventFiles, Line
from feature_repo.home import EventError, to_text

UNDATED = "undated"
"""The file of lines without an event, which an ingest puts into the quarantine."""


def split_by_day(
    paths: Sequence[Path], out: Path, since: int | None = None, until: int | None = None
) -> dict[str, int]:
    """Write each line of event files into the file of its event's UTC day, as it was sent.

    Args:
        paths: files and folders of events; see `files.py`.
        out: folder of the files `<day>.jsonl` and, for lines that are no event, `undated.jsonl`.
        since: lines of earlier events are left out, µs.
        until: lines of events from this instant on are left out, µs.

    Returns:
        The number of lines by day, the earliest first, with those of `undated` last.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines: Counter[str] = Counter()
    files: dict[str, IO[bytes]] = {}
    with ExitStack() as stack:
        for line in EventFiles(paths):
            at = _event_time(line)
            if at is not None and (at < (since or 0) or (until is not None and at >= until)):
                continue
            day = UNDATED if at is None else to_text(at)[:10]
            if day not in files:
                files[day] = stack.enter_context((out / f"{day}.jsonl").open("wb"))
            files[day].write(line.text.rstrip(b"\r\n") + b"\n")
            lines[day] += 1
    return dict(sorted(lines.items()))


def _event_time(line: Line) -> int | None:
    """Return the instant of a line's first event; None for a line that is no event."""
    try:
        events = line.events()
    except EventError:
        return None
    return events[0].event_time if events else None
