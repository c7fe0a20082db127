"""The earlier events that belong to a user from a link or a merge on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    link_of,
    merge_of,
)
from feature_repo.events.log import EventLog
from feature_repo.online.live.identities import Identities, Shown
from feature_repo.views import Entity


@dataclass(frozen=True)
class Earlier:
    """Earlier events, in any order.

    Attributes:
        entity: user or session that they are of.
        id_: of the user or session.
        events: rankings and interactions.
    """

    entity: Entity
    id_: str
    events: Sequence[Shown] = ()


@dataclass(frozen=True)
class History:
    """Looks up earlier events.

    Attributes:
        log: of the events.
        identities: of the events that are applied.
        now: later events are not in effect yet, µs.
    """

    log: EventLog
    identities: Identities
    now: int

    def earlier_events(self, event: AnyEvent) -> Earlier:
        """Return the events that an event may give to a user; none for most events."""
        link, merge = link_of(event), merge_of(event)
        if merge is not None:
            return Earlier("user", merge.from_user_id, self._of_user(merge.from_user_id))
        if link is None or self.identities.owner_by(link) is None:
            return Earlier("session", "")
        events = self.log.session_events(link.session_id)
        return Earlier("session", link.session_id, self._seen(e for e in events if not e.user_id))

    def _of_user(self, user: str) -> list[Shown]:
        """Return the events of a user and of the users that were merged into this one."""
        users, new = {user}, {user}
        merges = self.log.merges(users)
        while new := {m.from_user_id for m in merges if m.user_id in new} - users:
            users |= new
        return self._seen(self.log.user_events(*users))

    def _seen(self, events: Iterable[Shown]) -> list[Shown]:
        """Return the events so far, each with its correction, which may name nobody itself."""
        own = [event for event in events if not getattr(event, "corrects", None)]
        interactions = (event for event in own if isinstance(event, InteractionEvent))
        named = (self.log.correction(event.event_id, event.seen_at) for event in interactions)
        corrections = (self.log.interaction(id_) for id_ in named if id_ is not None)
        return [e for e in (*own, *corrections) if e is not None and e.seen_at <= self.now]
