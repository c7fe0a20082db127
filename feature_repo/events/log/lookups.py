"""Look up events of a log: in its compacted files by the index, in live segments by their tail."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar, cast

from feature_repo.events.contract import (
    ERASED_USER,
    AnyEvent,
    InteractionEvent,
    Link,
    Merge,
    RankingEvent,
    ServedEvent,
    UserEvent,
    owner_changes,
)
from feature_repo.events.log.erasure import NOBODY, Erased, anonymize, is_erasure
from feature_repo.events.log.identity_tail import is_erased
from feature_repo.events.log.index import EventIndex
from feature_repo.events.log.index_content import digest
from feature_repo.events.log.quarantine import set_aside_digests
from feature_repo.events.log.segment_tail import SegmentTail
from feature_repo.events.log.segments import list_segments

_T = TypeVar("_T")


class LogLookups:
    """Looks up events by their ids, requests, sessions and users. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = EventIndex(folder)
        self._tail = SegmentTail(folder / "segments")

    def compacted_ids(self, event_ids: Iterable[str]) -> set[str]:
        """Return the ids whose events are compacted."""
        keys = {digest(event_id): event_id for event_id in event_ids}
        return {keys[key] for key in self.compacted_digests(list(keys))}

    def compacted_parts(self, event_ids: Iterable[str]) -> dict[str, int]:
        """Return the part of each id whose event is compacted; −1 if it is set aside."""
        keys = {digest(event_id): event_id for event_id in event_ids}
        parts = {keys[key]: part for key, part in self._index.parts(list(keys)).items()}
        return parts | {keys[key]: -1 for key in set_aside_digests(self.folder) & keys.keys()}

    def compacted_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the digests of ids whose events are compacted or set aside."""
        aside = set_aside_digests(self.folder).intersection(digests)
        return self._index.compacted_digests(digests) | aside

    def compacted_event(self, event_id: str) -> AnyEvent | None:
        """Return the compacted event with this id."""
        return self._index.event(event_id)

    def ranking(self, request_id: str) -> RankingEvent | None:
        """Return the ranking of a request, the first by `seen_at`."""
        ranking = self._index.request("ranking", request_id)
        return cast(RankingEvent | None, ranking or self._tail.find("ranking", request_id))

    def compacted_rankings(self, request_id: str) -> list[RankingEvent]:
        """Return every compacted ranking of a request, also repeated reports."""
        return cast(list[RankingEvent], self._index.rankings(request_id))

    def served(self, request_id: str) -> ServedEvent | None:
        """Return the answer to a request, the last by `seen_at`."""
        answer = self._tail.find("served", request_id)
        return cast(ServedEvent | None, answer or self._index.request("served", request_id))

    def interaction(self, event_id: str) -> InteractionEvent | None:
        """Return the interaction with this id."""
        event = self._tail.find("interaction", event_id) or self._index.event(event_id)
        return event if isinstance(event, InteractionEvent) else None

    def correction(self, event_id: str, since: int) -> str | None:
        """Return the id of the first correction of an event, by (seen_at, event_id).

        Args:
            event_id: of the event.
            since: when the event was seen, µs; a correction seen before it takes nothing back.
        """

        def read() -> list[tuple[int, str]]:
            return self._tail.corrections(event_id) + self._index.corrections(event_id)

        corrections = self._unless_compacted_meanwhile(read)
        return min((one for one in corrections if one[0] >= since), default=(0, None))[1]

    def links(self, session_ids: Iterable[str]) -> list[Link]:
        """Return the links that change the owners of sessions, in order; some may be of the future.

        A link of a session to the user it belongs to changes nothing, and may be left out.
        """
        sessions = list(dict.fromkeys(session_ids))

        def read() -> list[Link]:
            links = self._tail.links(sessions) + self._index.links(sessions)
            erased = self._tail.erased()
            return [link for link in links if not is_erased(link, erased)]

        return owner_changes(self._unless_compacted_meanwhile(read)) if sessions else []

    def linked_sessions(self, user_ids: Collection[str]) -> set[str]:
        """Return the sessions that ever belonged to users."""
        return self._index.linked_sessions(user_ids) | self._tail.linked_sessions(user_ids)

    def log_outs(self, events: Iterable[AnyEvent]) -> list[UserEvent]:
        """Return log-outs of the users that logged events erase, from the devices they share.

        After an erasure the log does not say that a device was the user's.  Without a log-out, its
        later events would belong to an earlier user again.
        """
        return [
            UserEvent(
                event_id=f"{erasure.event_id}/log-out-{number}",
                event_time=erasure.event_time,
                user_id=ERASED_USER,
                op="unlink",
                session_id=session,
            )
            for erasure in filter(is_erasure, events)
            for number, session in enumerate(self._shared_sessions(erasure.user_id))
        ]

    def merges(self, user_ids: Iterable[str]) -> list[Merge]:
        """Return the merges of users with others, in order: in either direction, and onwards."""
        merges: dict[str, Merge] = {}
        users: set[str] = set()
        fresh = set(user_ids)
        while fresh:
            users |= fresh
            of_users = self._merges_of(fresh)
            merges |= {merge.event_id: merge for merge in of_users}
            fresh = {user for m in of_users for user in (m.user_id, m.from_user_id)} - users
        return sorted(merges.values(), key=lambda merge: (merge.seen_at, merge.event_id))

    def session_events(self, session_id: str) -> list[RankingEvent | InteractionEvent]:
        """Return the rankings and interactions of a session, in order; some may be of the future.

        An interaction without a session is included if it names a request of an earlier ranking of
        the session, even if another ranking of that request is the first.
        """

        def read() -> list[AnyEvent]:
            return self._events_of("session", [session_id], self._index.session_rows)

        return _in_order(self._unless_compacted_meanwhile(read))

    def user_events(self, *user_ids: str) -> list[RankingEvent | InteractionEvent]:
        """Return the rankings and interactions that may be some users', in order.

        These are the events that name one of the users, interactions without a user that name a
        request of an earlier ranking of such a user, and all events of sessions that were ever
        linked to one. It reads the user ids of the whole log once: for a merge, which is rare.
        """

        def read() -> list[AnyEvent]:
            events = self._events_of("user", user_ids, self._index.user_rows)
            sessions = [*self.linked_sessions(user_ids)]
            return events + self._events_of("session", sessions, self._index.session_rows)

        return _in_order(self._unless_compacted_meanwhile(read))

    def _shared_sessions(self, user_id: str) -> list[str]:
        """Return the sessions that belong to a user and belonged to others before."""
        sessions = self.linked_sessions([user_id])

        def read() -> list[Link]:
            return self._tail.links(sessions) + self._index.links(sessions)

        owners: dict[str, list[str | None]] = {}
        for link in owner_changes(self._unless_compacted_meanwhile(read)):
            owners.setdefault(link.session_id, []).append(link.user_id)
        return sorted(
            session
            for session, users in owners.items()
            if users[-1] == user_id and {*users} - {user_id, None}
        )

    def _merges_of(self, user_ids: set[str]) -> list[Merge]:
        def read() -> list[Merge]:
            merges, erased = self._tail.merges(user_ids), self._tail.erased()
            merges += self._index.merges(user_ids)
            return [merge for merge in merges if not is_erased(merge, erased)]

        return self._unless_compacted_meanwhile(read)

    def _events_of(
        self,
        entity: Literal["session", "user"],
        ids: Sequence[str],
        rows_of: Callable[[Iterable[str]], set[tuple[str, int]]],
    ) -> list[AnyEvent]:
        """Return the events of sessions or users, and interactions that inherit them."""
        erased = self._erased(self._tail.erased())
        compacted = self._index.read(rows_of(ids))
        own = f"{entity}_id"
        logged = compacted + self._tail.events((entity, one) for one in ids)
        events = [anonymize(event, erased) for event in logged]
        named = [event for event in events if getattr(event, own) in ids]
        requests: dict[str, int] = {}
        for event in named:
            if isinstance(event, RankingEvent):
                first = requests.get(event.request_id, event.seen_at)
                requests[event.request_id] = min(first, event.seen_at)
        inherited = compacted + self._tail.events(("request", one) for one in requests)
        inherited = [anonymize(event, erased) for event in inherited]
        return named + [
            event
            for event in inherited
            if isinstance(event, InteractionEvent)
            and getattr(event, own) is None
            and requests.get(event.request_id or "", event.seen_at + 1) <= event.seen_at
        ]

    def _erased(self, users: Mapping[str, int]) -> Erased:
        """Return users that live segments erase, with the links of their sessions."""
        sessions = self.linked_sessions(users.keys()) if users else set()
        links = self._index.links(sessions) + self._tail.links(sessions)
        return Erased.of(users, links) if users else NOBODY

    def _unless_compacted_meanwhile(self, read: Callable[[], list[_T]]) -> list[_T]:
        """Return what `read` reads from segments and index; again if a segment was compacted."""
        while True:
            segments = list_segments(self.folder / "segments")
            with suppress(FileNotFoundError):
                result = read()
                if set(segments).issubset(list_segments(self.folder / "segments")):
                    return result


def _in_order(events: Iterable[AnyEvent]) -> list[RankingEvent | InteractionEvent]:
    """Return rankings and interactions by (seen_at, event_id); of one id, the first."""
    first: dict[str, RankingEvent | InteractionEvent] = {}
    for event in sorted(events, key=lambda e: (e.seen_at, e.event_id)):
        if isinstance(event, RankingEvent | InteractionEvent):
            first.setdefault(event.event_id, event)
    return list(first.values())
