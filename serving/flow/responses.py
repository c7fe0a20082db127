"""Slates as answers."""

import time

import msgspec
import numpy as np

from serving.candidates import Retrieved
from serving.contract import RankAnswer, RankedItem, SlateAnswer, encode_cursor
from serving.monitoring import Trace
from serving.query import Question
from serving.ranking import Scored, Slate
from training.retrieval.catalogue import Assortment, Candidates


def rank_answer(
    question: Question, slate: Slate, degraded: list[str], started: float
) -> RankAnswer:
    """The answer of `/rank`; `started` is when the request came, by `time.perf_counter`."""
    return RankAnswer(
        took=_since(started),
        items=_items(slate, question.explain),
        request_id=question.request_id,
        model_version=slate.scored.version,
        feature_service=slate.scored.feature_service,
        degraded=degraded,
        dropped=list(slate.dropped),
    )


def page_answer(
    question: Question,
    assortment: Assortment | None,
    candidates: Candidates,
    retrieved: Retrieved,
    slate: Slate,
    trace: Trace,
    started: float,
) -> SlateAnswer:
    """The answer of a page of the shop."""
    wanted = question.wanted
    assert wanted is not None
    total = wanted.rest.total if wanted.rest else retrieved.total
    return SlateAnswer(
        took=_since(started),
        items=_found(slate, candidates, assortment) if question.explain else _items(slate, False),
        request_id=question.request_id,
        model_version=slate.scored.version,
        feature_service=slate.scored.feature_service,
        degraded=trace.degraded,
        total=total,
        facets=dict(retrieved.facets),
        understood=wanted.understood.to_dict(),
        relaxed=list(retrieved.relaxed),
        next=encode_cursor(slate.rest, total),
        trace=trace.stages if question.explain else None,
    )


def _items(slate: Slate, explained: bool) -> list[RankedItem]:
    ids, scores = slate.scored.item_ids, slate.scored.scores.tolist()
    if not explained:
        return [RankedItem(ids[n], scores[n]) for n in slate.order]
    return [RankedItem(ids[n], scores[n], features=_features(slate.scored, n)) for n in slate.order]


def _found(slate: Slate, candidates: Candidates, assortment: Assortment | None) -> list[RankedItem]:
    """The items with what they are called and where they came from."""
    return [
        msgspec.structs.replace(
            item,
            title=_title(assortment, item.item),
            sources=dict(candidates.sources.get(item.item, {})),
        )
        for item in _items(slate, True)
    ]


def _title(assortment: Assortment | None, item: str) -> str | None:
    if assortment is None or item not in assortment.row:
        return None
    return assortment.titles[assortment.row[item]] or None


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
