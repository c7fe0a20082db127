"""Find the compacted events that name users, by a filter on every file: for a few users.

The index has no entry for each user, because only merges of accounts and erasures ask for all
events of a user, and both are rare.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.events.log.partitions import list_relations, read_columns

Rows = set[tuple[str, int]]


def rows_of_users(folder: Path, user_ids: Iterable[str]) -> Rows:
    """Return file, relative to `folder`, and row of the events that name users.

    These are rankings, interactions, links and merges, and interactions without a user that name a
    request of a user's ranking.
    """
    users, requests, rows = pa.array(user_ids, pa.string()), pa.array([], pa.string()), Rows()
    identity_ops = pa.array(["link", "unlink", "merge"])
    for path in list_relations(folder, "ranking"):
        table = read_columns(path, ["user_id", "request_id"])
        named = pc.is_in(table["user_id"], value_set=users)
        own = table["request_id"].filter(named).combine_chunks()
        requests = pa.concat_arrays([requests, own])
        rows |= _rows(folder, path, named)
    for path in list_relations(folder, "interaction"):
        table = read_columns(path, ["user_id", "request_id"])
        inherits = pc.is_in(table["request_id"], value_set=requests)
        inherits = pc.and_(inherits, pc.is_null(table["user_id"]))
        rows |= _rows(folder, path, pc.or_(inherits, pc.is_in(table["user_id"], value_set=users)))
    for path in list_relations(folder, "user"):
        table = read_columns(path, ["user_id", "from_user_id", "op"])
        if "from_user_id" in table.column_names:  # no older file has these operations
            named = (pc.is_in(table[name], value_set=users) for name in ("user_id", "from_user_id"))
            is_identity = pc.is_in(table["op"], value_set=identity_ops)
            rows |= _rows(folder, path, pc.and_(is_identity, pc.or_(*named)))
    return rows


def _rows(folder: Path, path: Path, is_named: pa.ChunkedArray) -> Rows:
    name = str(path.relative_to(folder))
    return {(name, row) for row in pc.indices_nonzero(is_named).to_pylist()}
