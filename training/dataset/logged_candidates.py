"""Candidates and source ranks of past slates, from the answers in the log.

Each slate uses the answer to its request, or the nearest in time of several answers.  A slate
that the shop showed without a request has no source ranks and no other candidates.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import ServedEvent, SourceLocations
from feature_repo.home import Home
from feature_repo.request_features.context import RequestContext, SourceRanks
from training.dataset.labels import compacted

BATCH = 1000

_ANSWERS = """
select qid, [item.item_id for item in served.items] as item_ids, served.sources, served.considered
from (select distinct on (qid) qid, request_id, t from shown order by qid, t) as requested
left join read_parquet($served, union_by_name = true) as served using (request_id)
qualify row_number() over (
    partition by qid
    order by abs(epoch_us(served.event_time) - epoch_us(requested.t)), served.event_id
) = 1
order by qid
"""
_REQUEST = "qid, request_id, user_id, session_id, query_key, query, market, utc_offset_minutes, t"
_WITH_CONSIDERED = f"""
with

considered as (

    select distinct qid, unnest(list_concat(item_ids, considered)) as item_id
    from ({_ANSWERS})

)

select {_REQUEST}, item_id, 0 as unshown, position
from shown

union all by name

select {_REQUEST}, item_id, 1 as unshown
from considered
anti join shown using (qid, item_id)
inner join (select distinct on (qid) {_REQUEST} from shown order by qid, position) using (qid)

order by qid, unshown, position, item_id
"""
_decode = msgspec.json.Decoder(list[SourceLocations]).decode


def with_logged_sources(
    home: Home, rows: pa.Table, slates: Iterable[RequestContext]
) -> Iterator[RequestContext]:
    """Add the logged source ranks to each slate.

    Args:
        home: whose log is read.
        rows: sorted by qid; request_id, t.
        slates: one for each ranking of the rows, in the same order.
    """
    served = _answers(home)
    if not served:
        yield from slates
        return
    with _database(rows) as db:
        answers = db.sql(_ANSWERS, params={"served": served}).to_arrow_reader(BATCH)
        answered = (row for batch in answers for row in batch.to_pylist())
        for slate, row in zip(slates, answered, strict=True):
            locations = _decode(row["sources"] or "[]")
            yield replace(
                slate, source_ranks=dict(zip(row["item_ids"] or (), locations, strict=False))
            )


def with_unshown_candidates(home: Home, rows: pa.Table) -> pa.Table:
    """Append to each ranking the candidates that were ranked but not shown.

    Features compare a candidate with the others of its slate, so training needs all of them.

    Args:
        home: whose log is read.
        rows: sorted by qid; request_id, user_id, session_id, query_key, query, market,
            utc_offset_minutes, item_id, position, t.
    """
    served = _answers(home)
    if not served:
        return rows
    with _database(rows) as db:
        return db.sql(_WITH_CONSIDERED, params={"served": served}).to_arrow_table()


def sources_of(event: ServedEvent) -> SourceRanks:
    """Return rank and score in each source of an answer's items."""
    return dict(zip((item.item_id for item in event.items), event.sources, strict=False))


def _answers(home: Home) -> list[str]:
    """Return the files of answers that list their candidates."""
    return [path for path in compacted(home, "served") if _lists_candidates(path)]


def _lists_candidates(path: str) -> bool:
    return "considered" in pq.read_schema(path).names


def _database(rows: pa.Table) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    db.register("shown", rows)
    return db
