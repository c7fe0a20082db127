"""Erase users: events logged before an erasure still count, but no longer identify the user.

The personal fields of each kind (`EventKind.erased_values`) are emptied: user and session ids, a
user's own fields, seeds derived from the user, and the feature vectors, sources and candidates of
answers. Items, queries and counts stay, because they identify no user. The erasure event itself
stays in the log, with the id that was erased and when.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.events.contract import EVENT_KINDS, AnyEvent, UserEvent, kind_of_event
from feature_repo.events.log.arrow import from_table, to_table
from feature_repo.events.log.partitions import kind_of, list_relations, part_of
from feature_repo.home import replacing

Erased = Mapping[str, int]
"""User id → `seen_at` of the user's last erasure."""


def erased_users(events: Iterable[AnyEvent]) -> dict[str, int]:
    """Return the users that some of the events erase, each with the last such `seen_at`."""
    erased: dict[str, int] = {}
    for event in events:
        if isinstance(event, UserEvent) and event.op == "erase":
            erased[event.user_id] = max(event.seen_at, erased.get(event.user_id, 0))
    return erased


def anonymize(event: AnyEvent, erased: Erased) -> AnyEvent:
    """Return the event without its personal fields if its user was erased after it was seen."""
    kind = kind_of_event(event)
    users = [getattr(event, name) for name in kind.user_ids]
    if not any(event.seen_at <= erased.get(user, -1) for user in users) or _is_erasure(event):
        return event
    return msgspec.structs.replace(event, **kind.erased_values)


def rewrite(compacted: Path, erased: Erased) -> int:
    """Anonymize compacted files, each replaced as a whole; return the number of rewritten files.

    The order of rows does not change, so the index remains valid. The caller holds the compaction
    lock.
    """
    if not erased:
        return 0
    paths = [
        path
        for kind in EVENT_KINDS.values()
        if kind.user_ids
        for path in list_relations(compacted, kind.name)
        if _contains_user(path, kind.user_ids, erased)
    ]
    for path in paths:
        _rewrite(path, erased)
    return len(paths)


def _is_erasure(event: AnyEvent) -> bool:
    return isinstance(event, UserEvent) and event.op == "erase"


def _contains_user(path: Path, columns: tuple[str, ...], erased: Erased) -> bool:
    users = pa.array(list(erased))
    table = pq.read_table(path, columns=list(columns))
    return any(pc.any(pc.is_in(column, value_set=users)).as_py() for column in table.columns)


def _rewrite(path: Path, erased: Erased) -> None:
    kind, part = kind_of(path), part_of(path)
    schema = EVENT_KINDS[kind].arrow_schema
    with (
        pq.ParquetFile(path) as file,
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for group in range(file.num_row_groups):
            events = from_table(kind, file.read_row_group(group))
            remaining = [anonymize(event, erased) for event in events]
            writer.write_table(to_table(kind, remaining, lambda _: part))
