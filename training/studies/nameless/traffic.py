"""Take the users' names away from half of the sessions of a log.

Events of these sessions have the session alone, as in a shop whose visitors do not log in.
"""

import hashlib
import shutil
from collections.abc import Iterator

import msgspec
import pyarrow.parquet as pq

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    ServedEvent,
    UserEvent,
)
from feature_repo.events.log import EventLog, encode_event, list_relations, read_relation
from feature_repo.feast_repo import apply, render
from feature_repo.home import Clock, Home, Settings, to_text
from feature_repo.online.redis import RedisAddress
from feature_repo.transformations import transform

_NO_REDIS = RedisAddress.local(1)
"""Address for the repository of the historical join, which never reads from Redis."""


def is_nameless(session_id: str | None) -> bool:
    """Whether a session loses its user's name: half of the sessions, by a hash of their ids."""
    return session_id is not None and hashlib.sha256(session_id.encode()).digest()[0] < 128


def without_names(home: Home, scratch: Home) -> Home:
    """Fill an empty home with the log of another one without these names, and with its features.

    Args:
        home: whose compacted log is read.
        scratch: whose folder exists.
    """
    if home.shop_toml.exists():
        shutil.copy(home.shop_toml, scratch.shop_toml)
    now = Clock.of(Settings(home=home)).now()
    clock = Clock.of(Settings(home=scratch, clock=to_text(now)))
    log = EventLog(scratch, clock)
    staged = scratch.root / "events.jsonl"
    with staged.open("wb") as file:
        file.writelines(encode_event(event) + b"\n" for event in _events(home))
    log.adopt(staged, earliest=log.seals().last + 1)
    log.compact()
    transform(scratch, clock.now())
    render(scratch, _NO_REDIS)
    apply(scratch)
    return scratch


def _events(home: Home) -> Iterator[AnyEvent]:
    """Yield all events; those of the nameless sessions have no user, and do not link to one."""
    relations = list_relations(home.log / "compacted")
    requests = _nameless_requests(home)
    for path in relations:
        for event in read_relation(path):
            if isinstance(event, RankingEvent | ServedEvent | InteractionEvent):
                nameless = is_nameless(event.session_id) or event.request_id in requests
                yield msgspec.structs.replace(event, user_id=None) if nameless else event
            elif not (isinstance(event, UserEvent) and is_nameless(event.session_id)):
                yield event


def _nameless_requests(home: Home) -> frozenset[str]:
    """Return the rankings of nameless sessions: an interaction may have the ranking's id alone."""
    tables = [
        pq.read_table(path, columns=["request_id", "session_id"])
        for path in list_relations(home.log / "compacted", "ranking")
    ]
    return frozenset(
        request_id
        for table in tables
        for request_id, session_id in zip(*table.to_pydict().values(), strict=True)
        if is_nameless(session_id)
    )
