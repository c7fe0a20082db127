"""Look up recent events: requests and interactions in segments that are not yet compacted.

Each lookup first reads the lines appended since the last one; it stores offsets, not events.
"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import cast

from feature_repo.events.contract import AnyEvent, kind_of_event
from feature_repo.events.log.segments import decode_event, list_segments, read_lines

_Position = tuple[int, Path, int]
"""`seen_at`, segment and offset of an event."""


class SegmentTail:
    """Offsets of the events in live segments, by kind and lookup key. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_to: dict[Path, int] = {}
        self._positions: dict[tuple[str, str], _Position] = {}
        self._lock = threading.Lock()

    def find(self, kind: str, key: str) -> AnyEvent | None:
        """Return the event with this lookup key, as `EventKind.lookup` declares it."""
        with self._lock:
            self._follow()
            position = self._positions.get((kind, key))
        if position is None:
            return None
        _, segment, offset = position
        try:
            _, line = next(read_lines(segment, offset))
            return cast(AnyEvent, decode_event(line))
        except FileNotFoundError:
            return None

    def _follow(self) -> None:
        segments = list_segments(self._folder)
        removed = self._read_to.keys() - segments
        if removed:
            self._read_to = {s: n for s, n in self._read_to.items() if s not in removed}
            self._positions = {k: p for k, p in self._positions.items() if p[1] not in removed}
        for segment in segments:
            try:
                self._read_on(segment)
            except FileNotFoundError:
                continue

    def _read_on(self, segment: Path) -> None:
        read_to = self._read_to.get(segment, 0)
        if segment.stat().st_size <= read_to:
            return
        for offset, line in read_lines(segment, read_to):
            with suppress(ValueError, RecursionError):
                self._note(decode_event(line), segment, offset)
            read_to = offset + len(line)
        self._read_to[segment] = read_to

    def _note(self, event: AnyEvent, segment: Path, offset: int) -> None:
        lookup = kind_of_event(event).lookup
        if lookup is None:
            return
        key = (event.kind, getattr(event, lookup.key))
        earlier = self._positions.get(key)
        last_wins = lookup.winner == "last"
        if earlier is None or (event.seen_at > earlier[0]) == last_wins:
            self._positions[key] = (event.seen_at, segment, offset)
