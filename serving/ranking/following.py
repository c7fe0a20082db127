"""The order of a search after its first page."""

from collections.abc import Sequence

from serving.ranking.reranking import full_matches_first
from training.retrieval.catalogue import Candidates, K
from training.retrieval.sources import Surface


def with_following(
    order: Sequence[int],
    item_ids: Sequence[str],
    candidates: Candidates,
    surface: Surface,
    size: int,
) -> list[int]:
    """Keep the first page, and fuse the rest with the sources that only follow it.

    Both orders are fused by reciprocal rank.  Items that no other source returned are not on the
    first page.

    Args:
        order: positions among the N items, best first.
        item_ids: N items.
        candidates: with the sources of each item.
        surface: names the sources that follow the first page, and their weights.
        size: of the page.
    """
    following = surface.following_sources
    sources = [candidates.sources.get(item_id, {}) for item_id in item_ids]
    if not any(following.intersection(of) for of in sources):
        return list(order)
    own = [n for n in order if not sources[n] or not following.issuperset(sources[n])]
    own = full_matches_first(own, item_ids, candidates, surface.partial_match_sources)
    fused = dict.fromkeys(order, 0.0)
    for rank, n in enumerate(own, start=K + 1):
        fused[n] += 1 / rank
    for n in order:
        for name in following.intersection(sources[n]):
            fused[n] += surface.sources[name] / (K + sources[n][name][0])
    page = own[:size]
    rest = fused.keys() - set(page)
    return [*page, *sorted((n for n in order if n in rest), key=lambda n: -fused[n])]
