"""What an event says of identities: to whom a session belongs, which accounts are one.

The order of such changes is by (seen_at, event_id).
"""

from collections.abc import Iterable

import msgspec

from feature_repo.events.contract.events import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    UserEvent,
)


class Link(msgspec.Struct, frozen=True):
    """From an instant on, a session belongs to a user, or to nobody.

    Attributes:
        seen_at: µs since 1970 UTC.
        user_id: the owner; None after a log-out.
    """

    seen_at: int
    event_id: str
    session_id: str
    user_id: str | None


class Merge(msgspec.Struct, frozen=True):
    """From an instant on, the history of one user is part of another's.

    Attributes:
        seen_at: µs since 1970 UTC.
        user_id: the user who gets the history.
    """

    seen_at: int
    event_id: str
    from_user_id: str
    user_id: str


def link_of(event: AnyEvent) -> Link | None:
    """Return the link in an event: a ranking or interaction links if it names session and user.

    A correction is no link: it says nothing but which event it takes back.
    """
    if not isinstance(event, RankingEvent | InteractionEvent | UserEvent):
        return None
    if isinstance(event, InteractionEvent) and event.corrects is not None:
        return None
    op = event.op if isinstance(event, UserEvent) else "link"
    owner = event.user_id if op == "link" else None
    if event.session_id is None or op not in ("link", "unlink") or (op, owner) == ("link", None):
        return None
    return Link(event.seen_at, event.event_id, event.session_id, owner)


def merge_of(event: AnyEvent) -> Merge | None:
    """Return the merge in an event."""
    if isinstance(event, UserEvent) and event.op == "merge" and event.from_user_id is not None:
        return Merge(event.seen_at, event.event_id, event.from_user_id, event.user_id)
    return None


def owner_changes(links: Iterable[Link]) -> list[Link]:
    """Return the links that change the owner of a session, in order; each event counts once.

    >>> [link.user_id for link in owner_changes([Link(2, "b", "s", "u"), Link(1, "a", "s", "u")])]
    ['u']
    """
    owners: dict[str, str | None] = {}
    changes = []
    for link in sorted(set(links), key=_order):
        if link.session_id not in owners or owners[link.session_id] != link.user_id:
            changes.append(link)
        owners[link.session_id] = link.user_id
    return changes


def merged_into(merges: Iterable[Merge]) -> dict[str, Merge]:
    """Return the merges that count, by the account that was merged.

    Of several merges of an account the first counts; one that would close a circle never does.
    """
    into: dict[str, Merge] = {}
    for merge in sorted(merges, key=_order):
        last = merge.user_id
        while last in into:
            last = into[last].user_id
        if merge.from_user_id not in into and last != merge.from_user_id:
            into[merge.from_user_id] = merge
    return into


def _order(change: Link | Merge) -> tuple[int, str]:
    return change.seen_at, change.event_id
