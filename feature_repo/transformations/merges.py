"""The users to whom the history of a merged user belongs, directly or by later merges."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

import pyarrow as pa

from feature_repo.transformations.row_files import Database

_SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "into_user_id": pa.string(),
        "seen_at": pa.int64(),
        "part": pa.int64(),
    }
)


@dataclass(frozen=True)
class Merge:
    """From an instant on, the history of one user is part of another's."""

    user_id: str
    into_user_id: str
    seen_at: int
    part: int


def register_chains(db: Database) -> None:
    """Register the table `merge_chains` of the merges in `stg_merges`."""
    columns = "user_id, into_user_id, seen_at, part"
    rows = db.execute(f"select {columns} from stg_merges order by seen_at, event_id").fetchall()
    chains = [asdict(merge) for merge in merge_chains(Merge(*row) for row in rows)]
    db.register("merge_chains", pa.Table.from_pylist(chains, schema=_SCHEMA))


def merge_chains(merges: Iterable[Merge]) -> Iterator[Merge]:
    """Yield each user into whom a merged user's history goes, and from when on.

    Args:
        merges: in order.  The first merge of a user counts; one that would close a circle does not.

    >>> merges = [Merge("a", "b", 1, 0), Merge("b", "c", 2, 0), Merge("c", "a", 3, 0)]
    >>> [(m.user_id, m.into_user_id, m.seen_at) for m in merge_chains(merges)]
    [('a', 'b', 1), ('a', 'c', 2), ('b', 'c', 2)]
    """
    first: dict[str, Merge] = {}
    for merge in merges:
        if merge.user_id not in first and merge.user_id not in _owners(first, merge.into_user_id):
            first[merge.user_id] = merge
    for user_id in first:
        seen_at, part, follower = 0, 0, first.get(user_id)
        while follower is not None:
            seen_at, part = max(seen_at, follower.seen_at), max(part, follower.part)
            yield Merge(user_id, follower.into_user_id, seen_at, part)
            follower = first.get(follower.into_user_id)


def _owners(first: Mapping[str, Merge], user_id: str) -> Iterator[str]:
    yield user_id
    while user_id in first:
        user_id = first[user_id].into_user_id
        yield user_id
