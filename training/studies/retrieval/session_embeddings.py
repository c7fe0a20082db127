"""Embeddings of a log: items that were wanted in one session, with the queries that led to them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from feature_repo.events.contract import ARROW_SCHEMAS, POSITIVE_TYPES
from feature_repo.events.log import list_relations
from feature_repo.home import DAY, DatasetError, Home, to_text
from training.artifacts import publish
from training.retrieval.indexes import KIND, Embeddings

_VISITS = """
with wanted as (
    select
        item_id, query_key,
        coalesce(
            acted.session_id, shown.session_id, acted.request_id,
            coalesce(acted.user_id, shown.user_id) || ' ' || (epoch_us(acted.event_time) // $day)
        ) as context
    from interactions as acted
    left join (
        select request_id, any_value(session_id) as session_id, any_value(user_id) as user_id,
            any_value(query_key) as query_key
        from rankings
        where epoch_us(seen_at) < $at
        group by request_id
    ) as shown using (request_id)
    where list_contains($positive, type) and corrects is null and epoch_us(seen_at) < $at
)
select distinct 'item' as kind, item_id as id, context from wanted where context is not null
union
select distinct 'query', query_key, context from wanted
where context is not null and query_key is not null
order by kind, id, context
"""


def fit_embeddings(home: Home, at: int) -> Embeddings:
    """Place items and queries by what the compacted log knew strictly before `at`.

    Raises:
        DatasetError: nobody wanted anything by then.
    """
    with duckdb.connect() as db:
        for view, kind in (("interactions", "interaction"), ("rankings", "ranking")):
            paths = [str(path) for path in list_relations(home.log / "compacted", kind)]
            if paths:
                db.read_parquet(paths, hive_partitioning=False, union_by_name=True).create_view(
                    view
                )
            else:
                db.from_arrow(ARROW_SCHEMAS[kind].empty_table()).create_view(view)
        given = {"at": at, "day": DAY, "positive": list(POSITIVE_TYPES)}
        rows = db.sql(_VISITS, params=given).to_arrow_table()
    if not rows.num_rows:
        raise DatasetError(f"{home.log} knows of no item that was wanted before {to_text(at)}.")
    named = list(zip(rows["kind"].to_pylist(), rows["id"].to_pylist(), strict=True))
    entities = list(dict.fromkeys(named))
    place = {entity: number for number, entity in enumerate(entities)}
    _, context = np.unique(rows["context"].to_numpy().astype(str), return_inverse=True)
    return Embeddings.fit(entities, np.array([place[entity] for entity in named]), context, at)


def publish_embeddings(home: Home, at: int, name: str = "default") -> str:
    """Fit embeddings and publish them; those of earlier dates stay.  Returns the version."""
    embeddings = fit_embeddings(home, at)
    with TemporaryDirectory() as folder:
        embeddings.save(Path(folder))
        told = {"at": to_text(at), "entities": len(embeddings.entities)}
        return publish(home, KIND, name, Path(folder), {"metrics": told})
