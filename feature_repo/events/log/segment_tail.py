"""Look up what was logged a moment ago: requests and interactions of segments not yet compacted.

Each look reads only what was appended since the last one, and keeps positions, not events.
"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import cast

from feature_repo.events.contract import AnyEvent, InteractionEvent, RankingEvent, ServedEvent
from feature_repo.events.log.segments import decode_event, list_segments, read_lines

_Position = tuple[Path, int]


class SegmentTail:
    """Where the requests and interactions of live segments stand.  Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_to: dict[Path, int] = {}
        self._positions: dict[tuple[str, str], tuple[int, Path, int]] = {}
        self._lock = threading.Lock()

    def request(self, kind: str, request_id: str) -> AnyEvent | None:
        """The first ranking, or the last served event, of a request."""
        return self._find((kind, request_id))

    def interaction(self, event_id: str) -> AnyEvent | None:
        """The interaction of this id."""
        return self._find(("interaction", event_id))

    def _find(self, key: tuple[str, str]) -> AnyEvent | None:
        with self._lock:
            self._follow()
            position = self._positions.get(key)
        if position is None:
            return None
        try:
            _, line = next(read_lines(position[1], position[2]))
            return cast(AnyEvent, decode_event(line))
        except FileNotFoundError:
            return None

    def _follow(self) -> None:
        segments = list_segments(self._folder)
        gone = self._read_to.keys() - segments
        if gone:
            self._read_to = {s: n for s, n in self._read_to.items() if s not in gone}
            self._positions = {k: p for k, p in self._positions.items() if p[1] not in gone}
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
        match event:
            case RankingEvent():
                key = ("ranking", event.request_id)
            case ServedEvent():
                key = ("served", event.request_id)
            case InteractionEvent():
                key = ("interaction", event.event_id)
            case _:
                return
        earlier = self._positions.get(key)
        last_wins = isinstance(event, ServedEvent)
        if earlier is None or (event.seen_at > earlier[0]) == last_wins:
            self._positions[key] = (event.seen_at, segment, offset)
