"""Forgetting a user: what was logged before an erasure keeps its counts and loses its person.

Items and queries keep what happened to them, for it says nothing about anybody; rankings,
interactions and answers lose user and session, slates the seed that was made of them, answers
their feature vectors, sources and candidates too, and a user's own fields are emptied.  The erasure
itself stays in the log: it says which id was forgotten and when.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.events.contract import (
    ARROW_SCHEMAS,
    AnyEvent,
    ItemEvent,
    RankingEvent,
    ServedEvent,
    UserEvent,
)
from feature_repo.events.log.arrow import from_table, to_table
from feature_repo.events.log.partitions import kind_of, list_relations, part_of
from feature_repo.home import replacing

Erased = Mapping[str, int]
"""User id → the instant at which the last erasure was seen."""

PERSONAL = ("user", "ranking", "interaction", "served")
NOBODY = "erased"


def erased_users(events: Iterable[AnyEvent]) -> dict[str, int]:
    """The users whom some of the events erase."""
    erased: dict[str, int] = {}
    for event in events:
        if isinstance(event, UserEvent) and event.op == "erase":
            erased[event.user_id] = max(event.seen_at, erased.get(event.user_id, 0))
    return erased


def anonymize(event: AnyEvent, erased: Erased) -> AnyEvent:
    """The event as it may stay; the same one where nothing in it was erased."""
    user = None if isinstance(event, ItemEvent) else event.user_id
    if user is None or event.seen_at > erased.get(user, -1):
        return event
    match event:
        case UserEvent(op="erase"):
            return event
        case UserEvent():
            return msgspec.structs.replace(event, user_id=NOBODY, fields={})
        case ServedEvent():
            event = msgspec.structs.replace(
                event,
                timestamp=None, seed=None, sources=(), considered=(), layout=(), vectors=None,
            )  # fmt: skip
        case RankingEvent():
            event = msgspec.structs.replace(event, seed=None)
    return cast(AnyEvent, msgspec.structs.replace(event, user_id=None, session_id=None))


def rewrite(compacted: Path, erased: Erased) -> int:
    """Take users out of compacted files, each replaced as a whole; gives how many there were.

    Rows keep their places, so the index stays right.  The caller holds the lock of compaction.
    """
    files = [path for kind in PERSONAL for path in list_relations(compacted, kind)]
    touched = [path for path in files if erased and _tells_of(path, erased)]
    for path in touched:
        _rewrite(path, erased)
    return len(touched)


def _tells_of(path: Path, erased: Erased) -> bool:
    users = pq.read_table(path, columns=["user_id"]).column(0)
    return bool(pc.any(pc.is_in(users, value_set=pa.array(list(erased)))).as_py())


def _rewrite(path: Path, erased: Erased) -> None:
    kind, part = kind_of(path), part_of(path)
    with (
        pq.ParquetFile(path) as file,
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, ARROW_SCHEMAS[kind], compression="zstd") as writer,
    ):
        for group in range(file.num_row_groups):
            events = from_table(kind, file.read_row_group(group))
            left = [anonymize(event, erased) for event in events]
            writer.write_table(to_table(kind, left, lambda _: part))
