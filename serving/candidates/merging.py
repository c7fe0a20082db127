"""Merge the results of the candidate sources into the candidates of one list."""

from collections.abc import Sequence

import numpy as np

from serving.candidates.candidate_generation import DEPTH, Retrieval
from serving.state import Model
from training.retrieval.catalogue import Candidates, RankedList, fuse, fuse_rows
from training.retrieval.sources import Surface

MOST_VARIANTS = 2_000
"""Fused items of which a list shows one of each group."""

MOST_FOLLOWING = 60
"""Items that only come after the first page.  They take the places of the last partial matches."""


def merge(retrieval: Retrieval, surface: Surface) -> Candidates:
    """Fuse the results of the sources, and append items that only meet the filters."""
    if retrieval.sorted_rows is not None:
        return _in_order(
            [retrieval.item_ids[row] for row in retrieval.sorted_rows.tolist()], "sort"
        )
    candidates = _with_following(_fused(retrieval, surface), retrieval, surface)
    more = retrieval.more[: DEPTH - len(candidates.item_ids)].tolist()
    return candidates.with_more("filters", [retrieval.item_ids[row] for row in more])


def popular_candidates(model: Model) -> Candidates:
    """Return the most popular items of the snapshot, for when nothing else is available."""
    scores = {} if model.popularity is None else model.popularity.value.scores
    return fuse({"popularity": RankedList.best(scores, DEPTH)}, {}, DEPTH)


def continued_candidates(item_ids: Sequence[str]) -> Candidates:
    """Return the rest of a list whose order an earlier page decided."""
    return _in_order(item_ids, "page")


def _fused(retrieval: Retrieval, surface: Surface) -> Candidates:
    """Fuse the results that may be on the first page; of each group, its best item."""
    results = {
        name: ranked
        for name, ranked in retrieval.results.items()
        if name not in surface.following_sources
    }
    variants = retrieval.variants
    if variants is None:
        return fuse_rows(results, retrieval.item_ids, surface.sources, DEPTH)
    fused = fuse_rows(results, retrieval.item_ids, surface.sources, MOST_VARIANTS)
    row_of = _row_of(retrieval)
    rows = np.array([row_of[item_id] for item_id in fused.item_ids], np.int64)
    best = {retrieval.item_ids[row] for row in variants.firsts(rows)[:DEPTH].tolist()}
    pairs = [(i, s) for i, s in zip(fused.item_ids, fused.scores, strict=True) if i in best]
    return Candidates(
        [item_id for item_id, _ in pairs],
        [score for _, score in pairs],
        {item_id: fused.sources[item_id] for item_id, _ in pairs},
    )


def _with_following(own: Candidates, retrieval: Retrieval, surface: Surface) -> Candidates:
    """Add items of the sources that follow the first page, in place of the last partial matches."""
    results = {n: r for n, r in retrieval.results.items() if n in surface.following_sources}
    following = fuse_rows(results, retrieval.item_ids, surface.sources, DEPTH)
    if not following.item_ids:
        return own
    partial = [
        item_id
        for item_id in own.item_ids
        if surface.partial_match_sources.issuperset(own.sources[item_id])
    ]
    room = DEPTH - len(own.item_ids) + len(partial)
    new = _not_listed(own, following, retrieval)[: min(room, MOST_FOLLOWING)]
    excess = max(len(own.item_ids) + len(new) - DEPTH, 0)
    dropped = set(partial[len(partial) - excess :])
    pairs = zip(own.item_ids, own.scores, strict=True)
    scores = {item_id: score for item_id, score in pairs if item_id not in dropped}
    scores |= dict.fromkeys(new, 0.0)
    sources = {
        item_id: {**own.sources.get(item_id, {}), **following.sources.get(item_id, {})}
        for item_id in scores
    }
    return Candidates([*scores], [*scores.values()], sources)


def _not_listed(own: Candidates, following: Candidates, retrieval: Retrieval) -> list[str]:
    """Return the following items that are not listed, and no variant of which is."""
    new = [item_id for item_id in following.item_ids if item_id not in own.sources]
    if retrieval.variants is None:
        return new
    row_of = _row_of(retrieval)
    rows, listed = (np.array([row_of[i] for i in ids], np.int64) for ids in (new, own.item_ids))
    rows = retrieval.variants.firsts(retrieval.variants.without_groups_of(rows, listed))
    return [retrieval.item_ids[row] for row in rows.tolist()]


def _row_of(retrieval: Retrieval) -> dict[str, int]:
    return {
        retrieval.item_ids[row]: row
        for ranked in retrieval.results.values()
        for row in ranked.rows.tolist()
    }


def _in_order(item_ids: Sequence[str], source: str) -> Candidates:
    scores = [1.0 / rank for rank in range(1, len(item_ids) + 1)]
    ranks = {
        item: {source: (rank, score)}
        for rank, (item, score) in enumerate(zip(item_ids, scores, strict=True), start=1)
    }
    return Candidates(item_ids, scores, ranks)
