"""Erase users: events logged before an erasure still count, but no longer identify the user.

These are the events that name the user, and the events without a user of a session while it
belonged to the user, or before it first did. The personal fields of each kind
(`EventKind.erased_values`) are emptied: user and session ids, a user's own fields, seeds derived
from the user, and the feature vectors, sources and candidates of answers. Items, queries and counts
stay, because they identify no user. The erasure event itself stays in the log, with the id that was
erased and when.

The compaction that erases users notes their ids in `log/erasing.json`. The refresh removes the note
when what was derived from their events is removed too, so that a killed refresh is completed by the
next one.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.events.contract import (
    EVENT_KINDS,
    AnyEvent,
    EventKind,
    Link,
    UserEvent,
    kind_of_event,
    owner_changes,
)
from feature_repo.events.log.partitions import (
    list_relations,
    read_columns,
    read_groups,
    replacing_relation,
)
from feature_repo.home import LogError, replacing

_NOTE = "erasing.json"


@dataclass(frozen=True)
class Erased:
    """Erased users, and the links of their sessions.

    Attributes:
        users: user id → `seen_at` of the user's last erasure.
        sessions: session id → links that changed its owner, in order; of every session that
            belonged to one of the users.
    """

    users: Mapping[str, int] = field(default_factory=dict)
    sessions: Mapping[str, Sequence[Link]] = field(default_factory=dict)

    @classmethod
    def of(cls, users: Mapping[str, int], links: Iterable[Link]) -> "Erased":
        """Return erased users, given the links of their sessions in any order."""
        sessions: dict[str, list[Link]] = defaultdict(list)
        for link in owner_changes(links):
            sessions[link.session_id].append(link)
        return cls(users, sessions)

    def includes(self, event: AnyEvent) -> bool:
        """Return whether an event belonged to one of the users when the user was erased."""
        named = [getattr(event, name) for name in kind_of_event(event).user_ids]
        if any(event.seen_at <= self.users.get(user, -1) for user in named if user is not None):
            return True
        links = self.sessions.get(getattr(event, "session_id", None) or "")
        return links is not None and not any(named) and self._owns(links, event)

    def _owns(self, links: Sequence[Link], event: AnyEvent) -> bool:
        instant = (event.seen_at, event.event_id)
        following = bisect_right(links, instant, key=lambda link: (link.seen_at, link.event_id))
        if following and (owner := links[following - 1].user_id) is not None:
            return event.seen_at <= self.users.get(owner, -1)
        later = next((link for link in links[following:] if link.user_id is not None), None)
        return later is not None and later.seen_at <= self.users.get(later.user_id or "", -1)


NOBODY = Erased()


class PendingErasure(msgspec.Struct, frozen=True):
    """Erased users and sessions of which derived files may still have rows."""

    users: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids of users and sessions."""
        return frozenset((*self.users, *self.sessions))


def pending_erasure(log: Path) -> PendingErasure:
    """Return the noted users and sessions; none where no erasure is pending.

    Raises:
        LogError: the note is damaged.
    """
    try:
        return msgspec.json.decode((log / _NOTE).read_bytes(), type=PendingErasure)
    except FileNotFoundError:
        return PendingErasure()
    except (OSError, msgspec.MsgspecError) as error:
        raise LogError(
            f"{log / _NOTE}: expected the users whose erasure is pending, found something else "
            f"({error}). Restore the file; or remove it and erase again who asked for it since the "
            "last refresh."
        ) from None


def note_erasure(log: Path, erased: Erased) -> None:
    """Add erased users to the note."""
    if not erased.users:
        return
    pending = pending_erasure(log)
    note = PendingErasure(
        tuple(sorted({*pending.users, *erased.users})),
        tuple(sorted({*pending.sessions, *erased.sessions})),
    )
    with replacing(log / _NOTE) as temporary:
        temporary.write_bytes(msgspec.json.encode(note))


def erasure_done(log: Path) -> None:
    """Remove the note."""
    (log / _NOTE).unlink(missing_ok=True)


def is_erasure(event: AnyEvent) -> TypeGuard[UserEvent]:
    """Return whether an event erases a user."""
    return isinstance(event, UserEvent) and event.op == "erase"


def erased_users(events: Iterable[AnyEvent]) -> dict[str, int]:
    """Return the users that some of the events erase, each with the last such `seen_at`."""
    erased: dict[str, int] = {}
    for event in erasures(events):
        erased[event.user_id] = max(event.seen_at, erased.get(event.user_id, 0))
    return erased


def erasures(events: Iterable[AnyEvent]) -> list[UserEvent]:
    """Return the events that erase a user."""
    return [one for one in events if isinstance(one, UserEvent) and one.op == "erase"]


def anonymize(event: AnyEvent, erased: Erased) -> AnyEvent:
    """Return the event without its personal fields if its user was erased after it was seen."""
    if not erased.users or is_erasure(event) or not erased.includes(event):
        return event
    return msgspec.structs.replace(event, **kind_of_event(event).erased_values)


def rewrite(compacted: Path, erased: Erased) -> int:
    """Anonymize compacted files, each replaced as a whole; return the number of rewritten files.

    The order of rows does not change, so the index remains valid. The caller holds the compaction
    lock.
    """
    if not erased.users:
        return 0
    paths = [
        path
        for kind in EVENT_KINDS.values()
        if kind.user_ids
        for path in list_relations(compacted, kind.name)
        if _contains_user(path, kind, erased)
    ]
    for path in paths:
        _rewrite(path, erased)
    return len(paths)


def _contains_user(path: Path, kind: EventKind, erased: Erased) -> bool:
    ids = {name: [*erased.users] for name in kind.user_ids}
    if "session_id" in kind.fields:
        ids["session_id"] = [*erased.sessions]
    table = read_columns(path, [*ids])
    return any(
        pc.any(pc.is_in(table[name], value_set=pa.array(ids[name], pa.string()))).as_py()
        for name in table.column_names
    )


def _rewrite(path: Path, erased: Erased) -> None:
    with replacing_relation(path) as write:
        for events in read_groups(path):
            write([anonymize(event, erased) for event in events])
