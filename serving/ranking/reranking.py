"""Reranking of a list: boosts, diversity, partial matches last, pins."""

from collections.abc import Mapping, Sequence

import numpy as np

from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.ranking.diversity import diversify
from training.retrieval.catalogue import Candidates
from training.rules import Rule, Rules


def order_by_rules(
    order: list[int],
    item_ids: Sequence[str],
    context: RequestContext | None,
    shop: Shop,
    rules: Rules,
    *,
    candidates: Candidates,
    partial_match_sources: frozenset[str],
) -> list[int]:
    """Change an order by the rules of the shop, but its pins.

    Args:
        order: positions among the N items, best first.
        item_ids: N items.
        context: of the items; without it, rules on fields and diversity have no effect.
        rules: the rules that apply to the request.
        candidates: with the sources of each item.
        partial_match_sources: items of these sources alone come after all others.
    """
    order = _boosted(order, rules.rules, context, item_ids)
    if context is not None:
        order = diversify(order, context, shop, rules.diversity.weight)
    return full_matches_first(order, item_ids, candidates, partial_match_sources)


def pinned_items(rules: Rules) -> list[str]:
    """Return the items that rules pin: candidates even when no source returns them."""
    return [item for rule in rules.rules if rule.action == "pin" for item in rule.items]


def _boosted(
    order: list[int], rules: Sequence[Rule], context: RequestContext | None, item_ids: Sequence[str]
) -> list[int]:
    """Divide the rank of boosted items by their factor, multiply the rank of buried ones, sort."""
    factors = [rule for rule in rules if rule.action in ("boost", "bury")]
    if not factors:
        return order
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    for rule in factors:
        factor = 1 / rule.factor if rule.action == "boost" else rule.factor
        ranks[rule.matches(context, item_ids)] *= factor
    boosted: list[int] = np.argsort(ranks, kind="stable").tolist()
    return boosted


def full_matches_first(
    order: list[int],
    item_ids: Sequence[str],
    candidates: Candidates,
    partial_match_sources: frozenset[str],
) -> list[int]:
    """Move items of some sources alone behind all others."""
    if not partial_match_sources:
        return order
    sources = candidates.sources
    partial = {n for n in order if partial_match_sources.issuperset(sources.get(item_ids[n], ()))}
    return sorted(order, key=partial.__contains__)


def pinned_slots(rules: Rules, item_ids: Sequence[str]) -> dict[int, int]:
    """Return position → slot, from 1, of the pinned items; the first rule of an item counts."""
    pins = [rule for rule in rules.rules if rule.action == "pin"]
    if not pins:
        return {}
    position = {item: n for n, item in enumerate(item_ids)}
    slots: dict[int, int] = {}
    for rule in pins:
        for offset, item in enumerate(rule.items):
            if item in position:
                slots.setdefault(position[item], rule.position + offset)
    return slots


def pin_items(order: list[int], slots: Mapping[int, int]) -> list[int]:
    """Move pinned items to their slots."""
    if not slots:
        return order
    reordered = [n for n in order if n not in slots]
    for n, slot in sorted(slots.items(), key=lambda pair: pair[1]):
        reordered.insert(slot - 1, n)
    return reordered
