"""Look up recent events, in segments that are not yet compacted.

Each lookup first reads the lines appended since the last one; it stores offsets, not events.
"""

import threading
from collections.abc import Container, Iterable
from contextlib import suppress
from pathlib import Path

from feature_repo.events.contract import AnyEvent, Link, Merge, kind_of_event
from feature_repo.events.log.identity_tail import IdentityTail, Key, Position
from feature_repo.events.log.segments import decode_event, list_segments, read_lines


class SegmentTail:
    """Offsets of the events in live segments, by kind and lookup key. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_to: dict[Path, int] = {}
        self._positions: dict[tuple[str, str], Position] = {}
        self._identities = IdentityTail()
        self._lock = threading.Lock()

    def find(self, kind: str, key: str) -> AnyEvent | None:
        """Return the event with this lookup key, as `EventKind.lookup` declares it."""
        with self._lock:
            self._follow()
            position = self._positions.get((kind, key))
        try:
            return None if position is None else _read(position)
        except FileNotFoundError:
            return None

    def links(self, session_ids: Iterable[str]) -> list[Link]:
        """Return the links that change the owners of sessions, and all after an erasure."""
        with self._lock:
            self._follow()
            return self._identities.links(session_ids)

    def linked_sessions(self, user_ids: Container[str]) -> set[str]:
        """Return the sessions that ever belonged to users."""
        with self._lock:
            self._follow()
            return self._identities.linked_sessions(user_ids)

    def merges(self, user_ids: set[str]) -> list[Merge]:
        """Return the merges of users with others, in either direction."""
        with self._lock:
            self._follow()
            return self._identities.merges(user_ids)

    def corrections(self, event_id: str) -> list[tuple[int, str]]:
        """Return `seen_at` and id of the corrections of an event."""
        with self._lock:
            self._follow()
            return self._identities.corrections(event_id)

    def erased(self) -> dict[str, int]:
        """Return the users that events of the segments erase, each with the last `seen_at`."""
        with self._lock:
            self._follow()
            return dict(self._identities.erased)

    def events(self, keys: Iterable[Key]) -> list[AnyEvent]:
        """Return the rankings and interactions of sessions, users or requests.

        Raises:
            FileNotFoundError: a segment was compacted meanwhile.
        """
        with self._lock:
            self._follow()
            positions = self._identities.positions(keys)
        return [_read(position) for position in positions]

    def _follow(self) -> None:
        segments = list_segments(self._folder)
        removed = self._read_to.keys() - segments
        if removed:
            self._read_to = {s: n for s, n in self._read_to.items() if s not in removed}
            self._positions = {k: p for k, p in self._positions.items() if p[1] not in removed}
            self._identities.forget(removed)
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
        position = (event.seen_at, segment, offset)
        self._identities.note(event, position)
        lookup = kind_of_event(event).lookup
        if lookup is None:
            return
        key = (event.kind, getattr(event, lookup.key))
        earlier = self._positions.get(key)
        last_wins = lookup.winner == "last"
        if earlier is None or (event.seen_at > earlier[0]) == last_wins:
            self._positions[key] = position


def _read(position: Position) -> AnyEvent:
    _, segment, offset = position
    with segment.open("rb") as file:
        file.seek(offset)
        return decode_event(file.readline())
