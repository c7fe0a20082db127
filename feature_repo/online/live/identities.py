"""Looks up to whom sessions and users belong, and the earlier events of which a link says more.

The log has an event before its lookup begins.  So of two events that concern each other, the later
lookup finds both, and the live state is complete after its call.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from feature_repo.events.contract import (
    InteractionEvent,
    Link,
    Merge,
    RankingEvent,
)
from feature_repo.events.log import EventLog

Shown = RankingEvent | InteractionEvent
Rankings = Mapping[str, RankingEvent]


@dataclass(frozen=True)
class Owner:
    """Who a session belongs to.

    Attributes:
        link: the newest link or unlink that changed it.
        is_shared: whether the session ever was unlinked or linked to a second user.
        first_linked_at: when it was first linked or unlinked, µs.
    """

    link: Link
    is_shared: bool
    first_linked_at: int


@dataclass(frozen=True)
class Identities:
    """What the log says of some sessions and users.

    Attributes:
        links: session → the links and unlinks that changed its owner, in order.
        merges: user → merges of the user into others, in order.
    """

    links: Mapping[str, Sequence[Link]]
    merges: Mapping[str, Sequence[Merge]]

    @classmethod
    def read(
        cls, log: EventLog, sessions: Iterable[str], users: Iterable[str], now: int
    ) -> "Identities":
        """Look up sessions and users, and the users that they lead to.

        Args:
            log: of the events.
            sessions: whose links matter.
            users: whose merges matter.
            now: later links and merges are not in effect yet, µs.
        """
        links: dict[str, list[Link]] = {session: [] for session in sessions}
        for link in log.links(links):
            if link.seen_at <= now:
                links[link.session_id].append(link)
        owners = [link.user_id for of_session in links.values() for link in of_session]
        merges: dict[str, list[Merge]] = {}
        for merge in log.merges({*users, *filter(None, owners)}):
            if merge.seen_at <= now:
                merges.setdefault(merge.from_user_id, []).append(merge)
        return cls(links, merges)

    def links_of(self, event: Shown, ranking: RankingEvent | None) -> Sequence[Link]:
        """Return the links by which an event without a user may belong to one."""
        if user_of(event, ranking) is not None:
            return ()
        return self.links.get(session_of(event, ranking) or "", ())

    def merges_of(self, event: Shown, ranking: RankingEvent | None) -> list[Merge]:
        """Return the merges by which an event may belong to further users."""
        users = [user_of(event, ranking)]
        users += [link.user_id for link in self.links_of(event, ranking)]
        return self._merges_from([user for user in users if user is not None])

    def owner_by(self, link: Link) -> Owner | None:
        """Return the newest owner of a session; None if this link or unlink changes nothing."""
        changes = self.links.get(link.session_id, ())
        if all(change.event_id != link.event_id for change in changes):
            return None
        users = {change.user_id for change in changes}
        is_shared = None in users or len(users) > 1
        return Owner(changes[-1], is_shared, first_linked_at=changes[0].seen_at)

    def _merges_from(self, users: Sequence[str]) -> list[Merge]:
        results: dict[str, Sequence[Merge]] = {}
        new = [*users]
        while new:
            user = new.pop()
            if user not in results:
                results[user] = self.merges.get(user, ())
                new += [merge.user_id for merge in results[user]]
        return [merge for merges in results.values() for merge in merges]


def shown_by(event: Shown, rankings: Rankings) -> RankingEvent | None:
    """Return the ranking from which an interaction inherits, if it was shown before."""
    ranking = rankings.get(event.request_id or "")
    is_before = ranking is not None and ranking.seen_at <= event.seen_at
    return ranking if is_before and isinstance(event, InteractionEvent) else None


def user_of(event: Shown, ranking: RankingEvent | None) -> str | None:
    """Return the user that an event names, or that its ranking names."""
    return event.user_id or (ranking and ranking.user_id) or None


def session_of(event: Shown, ranking: RankingEvent | None) -> str | None:
    """Return the session that an event names, or that its ranking names."""
    return event.session_id or (ranking and ranking.session_id) or None
