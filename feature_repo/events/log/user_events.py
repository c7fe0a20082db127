"""All events of one user: those that an erasure would anonymize."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.events.contract import EVENT_KINDS, AnyEvent, EventKind
from feature_repo.events.log.arrow import from_table
from feature_repo.events.log.erasure import Erased
from feature_repo.events.log.log import EventLog
from feature_repo.events.log.partitions import read_columns, read_rows


def events_of_user(log: EventLog, user_id: str, now: int) -> list[AnyEvent]:
    """Return the events that belong to a user, by (seen_at, event_id).

    These name the user, or no user and a session while it belonged to the user or before it first
    did.  It reads the ids of the whole log: for a person who asks for their data, which is rare.
    """
    sessions = log.linked_sessions([user_id])
    belongs = Erased.of({user_id: now}, log.links(sessions))
    kinds = [kind for kind in EVENT_KINDS.values() if kind.user_ids]
    events = [
        *log.unsealed([kind.name for kind in kinds]),
        *(event for kind in kinds for event in _compacted(log, kind, user_id, sessions)),
    ]
    own = {event.event_id: event for event in events if belongs.includes(event)}
    return sorted(own.values(), key=lambda event: (event.seen_at, event.event_id))


def _compacted(
    log: EventLog, kind: EventKind, user_id: str, sessions: Collection[str]
) -> list[AnyEvent]:
    """Return the compacted events of a kind that name the user or one of the sessions."""
    events: list[AnyEvent] = []
    named = {name: [user_id] for name in kind.user_ids} | {"session_id": [*sessions]}
    for path in log.relation_paths(kind.name):
        ids = read_columns(path, [*named])
        rows: set[int] = set()
        for name in ids.column_names:
            is_named = pc.is_in(ids[name], pa.array(named[name], ids[name].type))
            rows.update(pc.indices_nonzero(is_named).to_pylist())
        if rows:
            events += from_table(kind.name, read_rows(path, rows))
    return events
