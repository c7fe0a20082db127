"""What the answers in the log say of past slates: which candidates there were, and who found them.

A slate is that of the answer to its request; of several answers to one request, the one nearest in
time.  What the shop showed without asking was found by no source, and had no other candidates.
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
from (select distinct on (qid) qid, request_id, t from shown order by qid, t) as asked
left join read_parquet($served, union_by_name = true) as served using (request_id)
qualify row_number() over (
    partition by qid
    order by abs(epoch_us(served.event_time) - epoch_us(asked.t)), served.event_id
) = 1
order by qid
"""
_REQUEST = "qid, request_id, user_id, query_key, query, market, utc_offset_minutes, t"
_WITH_CONSIDERED = f"""
with

considered as (

    select distinct qid, unnest(list_concat(item_ids, considered)) as item_id
    from ({_ANSWERS})

)

select {_REQUEST}, item_id, 0 as beside, position
from shown

union all by name

select {_REQUEST}, item_id, 1 as beside
from considered
anti join shown using (qid, item_id)
inner join (select distinct on (qid) {_REQUEST} from shown order by qid, position) using (qid)

order by qid, beside, position, item_id
"""
_decode = msgspec.json.Decoder(list[SourceLocations]).decode


def with_logged_sources(
    home: Home, rows: pa.Table, slates: Iterable[RequestContext]
) -> Iterator[RequestContext]:
    """The slates, each with what the sources had of it.

    Args:
        home: whose log is read.
        rows: sorted by qid; request_id, t.
        slates: one for each ranking of the rows, in their order.
    """
    served = _answers(home)
    if not served:
        yield from slates
        return
    with _database(rows) as db:
        answers = db.sql(_ANSWERS, params={"served": served}).to_arrow_reader(BATCH)
        answered = (row for batch in answers for row in batch.to_pylist())
        for slate, row in zip(slates, answered, strict=True):
            places = _decode(row["sources"] or "[]")
            yield replace(
                slate, source_ranks=dict(zip(row["item_ids"] or (), places, strict=False))
            )


def with_unshown_candidates(home: Home, rows: pa.Table) -> pa.Table:
    """The rows, with those of the candidates that were ranked and not shown behind each ranking's.

    Features compare a candidate with the others of its slate, so training has to know them all.

    Args:
        home: whose log is read.
        rows: sorted by qid; request_id, user_id, query_key, query, market, utc_offset_minutes,
            item_id, position, t.
    """
    served = _answers(home)
    if not served:
        return rows
    with _database(rows) as db:
        return db.sql(_WITH_CONSIDERED, params={"served": served}).to_arrow_table()


def sources_of(event: ServedEvent) -> SourceRanks:
    """What the sources had of an answer's items."""
    return dict(zip((item.item_id for item in event.items), event.sources, strict=False))


def _answers(home: Home) -> list[str]:
    """The files of answers whose contract tells of their candidates."""
    return [path for path in compacted(home, "served") if _tells_of_candidates(path)]


def _tells_of_candidates(path: str) -> bool:
    return "considered" in pq.read_schema(path).names


def _database(rows: pa.Table) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    db.register("shown", rows)
    return db
