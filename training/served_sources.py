"""Which sources had the items of past slates, as the answers in the log say.

A slate is that of the answer to its request; of several answers to one request, the one nearest in
time.  What the shop showed without asking was found by no source.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import ServedEvent, SourcePlaces
from feature_repo.home import Home
from feature_repo.slate_facts import Found, SlateFacts
from training.labels import compacted

BATCH = 1000

_ANSWERS = """
select [item.item_id for item in served.items] as item_ids, served.sources
from asked
left join read_parquet($served, union_by_name = true) as served using (request_id)
qualify row_number() over (
    partition by qid
    order by abs(epoch_us(served.event_time) - epoch_us(asked.t)), served.event_id
) = 1
order by qid
"""
_decode = msgspec.json.Decoder(list[SourcePlaces]).decode


def with_sources(home: Home, rows: pa.Table, slates: Iterable[SlateFacts]) -> Iterator[SlateFacts]:
    """The slates, each with what the sources had of it.

    Args:
        home: whose log is read.
        rows: sorted by qid; request_id, t.
        slates: one for each ranking of the rows, in their order.
    """
    served = [path for path in compacted(home, "served") if _tells_of_sources(path)]
    if not served:
        yield from slates
        return
    asked = rows.select(["qid", "request_id", "t"]).group_by("qid").aggregate(
        [("request_id", "min"), ("t", "min")]
    ).rename_columns(["qid", "request_id", "t"])  # fmt: skip
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.register("asked", asked)
        answers = db.sql(_ANSWERS, params={"served": served}).to_arrow_reader(BATCH)
        answered = (row for batch in answers for row in batch.to_pylist())
        for slate, row in zip(slates, answered, strict=True):
            places = _decode(row["sources"] or "[]")
            yield replace(slate, found=dict(zip(row["item_ids"] or (), places, strict=False)))


def found_by(event: ServedEvent) -> Found:
    """What the sources had of an answer's items."""
    return dict(zip((item.item_id for item in event.items), event.sources, strict=False))


def _tells_of_sources(path: str) -> bool:
    """Whether a file is of a contract that had them."""
    return "sources" in pq.read_schema(path).names
