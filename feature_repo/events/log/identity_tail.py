"""What live segments say of other events: links, merges and corrections, and the events of an id.

Links, merges and corrections are in memory; of other events, the positions are.
"""

from collections import defaultdict
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Literal

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    Link,
    Merge,
    RankingEvent,
    link_of,
    merge_of,
    owner_changes,
)
from feature_repo.events.log.erasure import erased_users

Position = tuple[int, Path, int]
"""`seen_at`, segment and offset of an event."""
Key = tuple[Literal["session", "user", "request"], str]


class IdentityTail:
    """Links, merges and erasures of live segments, and the events of sessions, users, requests.

    Of a request, only the interactions that inherit a session or a user from it.
    """

    def __init__(self) -> None:
        self.erased: dict[str, int] = {}
        self._links: dict[str, _SessionLinks] = defaultdict(_SessionLinks)
        self._merges: dict[str, tuple[Merge, Path]] = {}
        self._corrections: dict[str, dict[str, Position]] = defaultdict(dict)
        self._positions: dict[Key, list[Position]] = defaultdict(list)

    def note(self, event: AnyEvent, position: Position) -> None:
        """Add an event of a live segment."""
        if link := link_of(event):
            self._links[link.session_id].add(link, position[1])
        if merge := merge_of(event):
            self._merges[merge.event_id] = (merge, position[1])
        for user, at in erased_users([event]).items():
            self.erased[user] = max(at, self.erased.get(user, 0))
        if isinstance(event, InteractionEvent) and event.corrects is not None:
            of_event = self._corrections[event.corrects]
            of_event[event.event_id] = min(position, of_event.get(event.event_id, position))
        for key in _keys(event):
            self._positions[key].append(position)

    def forget(self, segments: Container[Path]) -> None:
        """Remove the events of segments, which were compacted."""
        for session, links in [*self._links.items()]:
            if not links.forget(segments):
                del self._links[session]
        self._merges = {k: m for k, m in self._merges.items() if m[1] not in segments}
        for event_id, corrections in [*self._corrections.items()]:
            left = {k: p for k, p in corrections.items() if p[1] not in segments}
            self._corrections[event_id] = left
            if not left:
                del self._corrections[event_id]
        for key, positions in [*self._positions.items()]:
            self._positions[key] = [p for p in positions if p[1] not in segments]
            if not self._positions[key]:
                del self._positions[key]

    def links(self, session_ids: Iterable[str]) -> list[Link]:
        """Return the links that change the owners of sessions, and all after an erasure."""
        of_sessions = [self._links[s] for s in session_ids if s in self._links]
        if not self.erased:
            return [link for links in of_sessions for link in links.changes]
        return [link for links in of_sessions for link, _ in links.all.values()]

    def linked_sessions(self, user_ids: Container[str]) -> set[str]:
        """Return the sessions that ever belonged to users."""
        return {
            session
            for session, links in self._links.items()
            if any(link.user_id in user_ids for link in links.changes)
        }

    def merges(self, user_ids: Container[str]) -> list[Merge]:
        """Return the merges of users with others, in either direction."""
        return [
            merge
            for merge, _ in self._merges.values()
            if merge.user_id in user_ids or merge.from_user_id in user_ids
        ]

    def corrections(self, event_id: str) -> list[tuple[int, str]]:
        """Return `seen_at` and id of the corrections of an event."""
        of_event = self._corrections.get(event_id, {})
        return [(position[0], correction) for correction, position in of_event.items()]

    def positions(self, keys: Iterable[Key]) -> list[Position]:
        """Return the positions of the events of sessions, users or requests."""
        return [position for key in keys for position in self._positions.get(key, ())]


class _SessionLinks:
    """The links of one session, by event id, and those that change its owner, in order."""

    def __init__(self) -> None:
        self.all: dict[str, tuple[Link, Path]] = {}
        self.changes: list[Link] = []
        self._last: Link | None = None

    def add(self, link: Link, segment: Path) -> None:
        """Add a link; of a repeated event, the first counts."""
        repeated = self.all.get(link.event_id)
        if repeated is not None and repeated[0].seen_at <= link.seen_at:
            return
        self.all[link.event_id] = (link, segment)
        if self._last is not None and _order(link) < _order(self._last):
            self._order_again()
            return
        if self._last is None or self._last.user_id != link.user_id:
            self.changes.append(link)
        self._last = link

    def forget(self, segments: Container[Path]) -> bool:
        """Remove the links of segments; return whether any link remains."""
        self.all = {k: entry for k, entry in self.all.items() if entry[1] not in segments}
        self._order_again()
        return bool(self.all)

    def _order_again(self) -> None:
        links = [link for link, _ in self.all.values()]
        self.changes = owner_changes(links)
        self._last = max(links, key=_order, default=None)


def is_erased(change: Link | Merge, erased: dict[str, int]) -> bool:
    """Return whether a user of a link or merge was erased after it was seen."""
    users = [change.user_id, *([change.from_user_id] if isinstance(change, Merge) else [])]
    return any(change.seen_at <= erased.get(user or "", -1) for user in users)


def _keys(event: AnyEvent) -> Iterable[Key]:
    if not isinstance(event, RankingEvent | InteractionEvent):
        return
    if event.session_id is not None:
        yield "session", event.session_id
    if event.user_id is not None:
        yield "user", event.user_id
    inherits = event.session_id is None or event.user_id is None
    if isinstance(event, InteractionEvent) and event.request_id is not None and inherits:
        yield "request", event.request_id


def _order(link: Link) -> tuple[int, str]:
    return link.seen_at, link.event_id
