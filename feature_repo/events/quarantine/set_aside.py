"""Set one logged event aside: from then on no reader of the log sees it.

The event moves from its compacted file to a file of its own, with the reason and the time, and can
be put back.  Either changes the past, so the next refresh computes and loads all features again.
An event with its id that a shop sends meanwhile counts as a duplicate.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec

from feature_repo.events.contract import AnyEvent, kind_of_event
from feature_repo.events.log import (
    EventLog,
    digest,
    read_groups,
    relation_path_of,
    replacing_relation,
    set_aside_path,
)
from feature_repo.home import LogError, replacing, sync_folder

Events = Iterator[list[AnyEvent]]


class SetAside(msgspec.Struct, frozen=True):
    """An event that is set aside.

    Attributes:
        reason: why, one sentence.
        at: when, µs.
        event: as it was logged.
    """

    reason: str
    at: int
    event: AnyEvent

    @property
    def event_id(self) -> str:
        """The event's id."""
        return self.event.event_id


def read_set_aside(log: EventLog) -> list[SetAside]:
    """Return all events that are set aside, the last first."""
    paths = (log.folder / "set_aside").glob("[!.]*.json")
    decode = msgspec.json.Decoder(SetAside).decode
    return sorted((decode(p.read_bytes()) for p in paths), key=lambda s: s.at, reverse=True)


def set_aside(log: EventLog, event_id: str, reason: str, now: int) -> SetAside:
    """Set an event aside; repeat it after it was killed.  The caller holds the home's lock.

    Args:
        log: has the event.
        event_id: of the event.
        reason: one sentence, for those who look at it later.
        now: the present instant, µs.

    Raises:
        LogError: the log has no such event, or only one whose time has not come.
    """
    if log.has_open_segments:
        log.seal()
    log.compact()
    event = log.compacted_event(event_id)
    path = set_aside_path(log.folder, digest(event_id))
    if event is None and not path.exists():
        raise LogError(
            f"expected the event_id of a logged event whose time has come, found {event_id!r}."
        )
    if event is not None:
        _write(path, SetAside(reason, now, event))
        with log.changing_the_past():
            _rewrite(log, event, lambda events: _without(events, event_id))
    return msgspec.json.decode(path.read_bytes(), type=SetAside)


def put_back(log: EventLog, event_id: str) -> SetAside:
    """Put an event back to where it was.  The caller holds the home's lock.

    Raises:
        LogError: the event is not set aside.
    """
    path = set_aside_path(log.folder, digest(event_id))
    if not path.exists():
        raise LogError(f"expected the event_id of an event that is set aside, found {event_id!r}.")
    aside = msgspec.json.decode(path.read_bytes(), type=SetAside)
    with log.changing_the_past():
        _rewrite(log, aside.event, lambda events: _with(events, aside.event))
    path.unlink()
    sync_folder(path.parent)
    return aside


def erase_set_aside(log: Path, ids: Collection[str]) -> int:
    """Empty the personal fields of events that name one of some users or sessions; return how many.

    The caller holds the home's lock.
    """
    erased = 0
    for path in (log / "set_aside").glob("[!.]*.json") if ids else ():
        aside = msgspec.json.decode(path.read_bytes(), type=SetAside)
        kind = kind_of_event(aside.event)
        named = {getattr(aside.event, name, None) for name in (*kind.user_ids, "session_id")}
        if not named.isdisjoint(ids):
            event = msgspec.structs.replace(aside.event, **kind.erased_values)
            _write(path, SetAside(aside.reason, aside.at, event))
            erased += 1
    return erased


def _write(path: Path, aside: SetAside) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(aside))


def _rewrite(log: EventLog, event: AnyEvent, change: Callable[[Events], Events]) -> None:
    path = relation_path_of(log.folder / "compacted", event, log.seals())
    groups = change(read_groups(path) if path.exists() else iter(()))
    written = 0
    with replacing_relation(path) as write:
        for group in groups:
            if group:
                written += len(write(group))
    if not written:
        path.unlink()


def _without(groups: Events, event_id: str) -> Events:
    for group in groups:
        yield [event for event in group if event.event_id != event_id]


def _with(groups: Events, event: AnyEvent) -> Events:
    """Insert an event by `seen_at`; one that is there already is replaced."""
    waiting: list[AnyEvent] = [event]
    for group in _without(groups, event.event_id):
        earlier = [one for one in group if waiting and one.seen_at <= event.seen_at]
        if waiting and len(earlier) < len(group):
            yield [*earlier, *waiting, *group[len(earlier) :]]
            waiting = []
        else:
            yield group
    yield waiting
