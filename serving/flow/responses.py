"""Build answers from slates."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from feature_repo.shop import ShopField
from serving.candidates import Retrieval
from serving.contract import RankAnswer, RankedItem, SlateAnswer, Slot, encode_cursor
from serving.experiments import Treatment, variants_by_name
from serving.monitoring import Trace
from serving.query import ListRequest, Query
from serving.ranking import Scored, Slate
from training.retrieval.catalogue import Candidates, ItemTable


def rank_answer(
    query: Query,
    slate: Slate,
    treatments: Sequence[Treatment],
    degraded: list[str],
    started: float,
) -> RankAnswer:
    """Return the answer of `/rank`; `started` is `time.perf_counter` at its beginning."""
    return RankAnswer(
        took=_since(started),
        items=_items(slate, query.explain),
        request_id=query.request_id,
        model_version=slate.scored.version,
        feature_service=slate.scored.feature_service,
        degraded=degraded,
        dropped=list(slate.dropped),
        experiments=variants_by_name(treatments),
    )


def page_answer(
    query: Query,
    item_table: ItemTable | None,
    candidates: Candidates,
    retrieval: Retrieval,
    slate: Slate,
    treatments: Sequence[Treatment],
    trace: Trace,
    started: float,
    *,
    slots: Mapping[str, Slot],
) -> SlateAnswer:
    """Return the answer of a list of the shop."""
    list_request = query.list_request
    assert list_request is not None
    items = (
        _explained_items(slate, candidates, item_table) if query.explain else _items(slate, False)
    )
    total = list_request.cursor.total if list_request.cursor else retrieval.total
    return SlateAnswer(
        took=_since(started),
        items=_with_fields(items, list_request.fields, item_table),
        request_id=query.request_id,
        model_version=slate.scored.version,
        feature_service=slate.scored.feature_service,
        degraded=trace.degraded,
        experiments=variants_by_name(treatments),
        slots={**slots},
        total=total,
        facets=dict(retrieval.facets),
        understood=_understood(list_request, retrieval),
        relaxed=list(retrieval.relaxed),
        redirect=list_request.interpreted.redirect,
        next=encode_cursor(slate.next_ids, total),
        trace=trace.stages if query.explain else None,
    )


def _with_fields(
    items: list[RankedItem], fields: Sequence[ShopField], item_table: ItemTable | None
) -> list[RankedItem]:
    if not fields or item_table is None:
        return items
    values = item_table.fields_of([item.item for item in items])
    return [
        msgspec.structs.replace(
            item, fields={field.name: (of or {}).get(field.column) for field in fields}
        )
        for item, of in zip(items, values, strict=True)
    ]


def _understood(list_request: ListRequest, retrieval: Retrieval) -> dict[str, Any]:
    dropped = {"dropped": list(retrieval.dropped_words)} if retrieval.dropped_words else {}
    return list_request.interpreted.to_dict() | dropped


def _items(slate: Slate, explain: bool) -> list[RankedItem]:
    ids, scores = slate.scored.item_ids, slate.scored.scores.tolist()
    if not explain:
        return [RankedItem(ids[n], scores[n]) for n in slate.order]
    return [RankedItem(ids[n], scores[n], features=_features(slate.scored, n)) for n in slate.order]


def _explained_items(
    slate: Slate, candidates: Candidates, item_table: ItemTable | None
) -> list[RankedItem]:
    """Return the items with their titles, sources and features."""
    return [
        msgspec.structs.replace(
            item,
            title=_title(item_table, item.item),
            sources=dict(candidates.sources.get(item.item, {})),
        )
        for item in _items(slate, True)
    ]


def _title(item_table: ItemTable | None, item: str) -> str | None:
    return None if item_table is None else item_table.title(item) or None


def _features(scored: Scored, n: int) -> dict[str, float | None]:
    if scored.matrix is None:
        return {}
    row = scored.matrix[n].astype(np.float64).tolist()
    return {
        name: value if value == value else None  # noqa: PLR0124
        for name, value in zip(scored.columns, row, strict=True)
    }


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
