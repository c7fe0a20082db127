"""The order of a list: scores, rules, diversity, pins and exploration; then a page is cut of it."""

import hashlib
from collections.abc import Sequence

import numpy as np

from feature_repo.home import DAY
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.query import ListRequest, Query, Rule, Rules
from serving.ranking.diversity import diversified
from serving.ranking.exploration import Explored, explored
from serving.ranking.slate import Scored, Scores, Slate
from training.retrieval.catalogue import Candidates, Filter, K, is_out_of_stock


def active_rules(rules: Rules, query: Query) -> Rules:
    """The rules that count for a request."""
    return rules.now(t=query.t, query=query.text, market=query.market, surface=query.surface)


def sellable_positions(
    item_ids: Sequence[str],
    facts: RequestContext | None,
    shop: Shop,
    rules: Rules,
    filters: Sequence[Filter] = (),
) -> list[int]:
    """Places of the items that may be shown: in stock, not hidden, and within the filters still.

    An item that is not known is not held against anybody.
    """
    hidden = np.zeros(len(item_ids), dtype=np.bool_)
    for rule in rules.rules:
        if rule.action == "hide":
            hidden |= rule.touches(facts, item_ids)
    stock = shop.item_role("stock")
    if facts is not None and item_ids:
        if stock is not None:
            hidden |= [is_out_of_stock(value) for value in _column(facts, stock.column)]
        for one in filters:
            known = facts.item_presence("item_attributes") > 0
            column = _column(facts, one.field.column)
            hidden |= known & ~np.array([one.allows(value) for value in column], dtype=np.bool_)
    return np.flatnonzero(~hidden).tolist()


def rerank(
    query: Query,
    wanted: ListRequest,
    scored: Scored,
    candidates: Candidates,
    facts: RequestContext | None,
    shop: Shop,
    rules: Rules,
    *,
    trust: float = 1.0,
) -> Slate:
    """Put the candidates of a list in order and cut the page asked for.

    Args:
        question, wanted: what was asked.
        scored: the candidates that may be shown.
        candidates: all of them, in the order of retrieval.
        facts: of those in `scored`; without them there is no diversity.
        rules: those that count for the request.
        trust: how much the order of the scores counts against that of retrieval, 0 to 1.
    """
    if wanted.rest is not None:
        order = list(range(len(scored.item_ids)))
        return _page(scored, Explored(order), wanted.size, 1)
    order = np.argsort(-_blended(scored, candidates, trust), kind="stable").tolist()
    order = _promoted(order, rules.rules, facts, scored.item_ids)
    if facts is not None:
        order = diversified(order, facts, shop, rules.diversity.weight)
    order = _fitting_first(order, scored.item_ids, candidates, wanted.surface.partial_match_sources)
    order, pinned = _pinned(order, rules.rules, scored.item_ids)
    drawn = explored(order, scored.item_ids, wanted.size, rules.exploration, _seed(query), pinned)
    return _page(scored, drawn, wanted.size, wanted.page)


def _fitting_first(
    order: list[int], item_ids: Sequence[str], candidates: Candidates, later: frozenset[str]
) -> list[int]:
    """The order with what only sources of `later` have after the rest."""
    if not later:
        return order
    sources = candidates.sources
    partly = {n for n in order if later.issuperset(sources.get(item_ids[n], ()))}
    return sorted(order, key=partly.__contains__)


def _page(scored: Scored, drawn: Explored, size: int, page: int) -> Slate:
    """A page of an order; chance has a say in the first alone."""
    start = (page - 1) * size
    shown, rest = drawn.order[start : start + size], drawn.order[start + size :]
    draw = drawn.draw if page == 1 else None
    return Slate(scored, shown, (), drawn.propensities, [scored.item_ids[n] for n in rest], draw)


def _blended(scored: Scored, candidates: Candidates, share: float) -> Scores:
    """Shape (N,): the scores; on a surface that trusts retrieval too, both orders fused."""
    if share >= 1:
        return scored.scores
    rank = {item: n for n, item in enumerate(candidates.item_ids)}
    retrieved = np.array([rank.get(item, len(rank)) for item in scored.item_ids])
    ranked = np.empty(len(scored.item_ids))
    ranked[np.argsort(-scored.scores, kind="stable")] = np.arange(ranked.size)
    blended: Scores = share / (K + 1 + ranked) + (1 - share) / (K + 1 + retrieved)
    return blended


def _promoted(
    order: list[int], rules: Sequence[Rule], facts: RequestContext | None, item_ids: Sequence[str]
) -> list[int]:
    """The order with places divided, or multiplied, by the factors of the rules that touch them."""
    moving = [rule for rule in rules if rule.action in ("boost", "bury")]
    if not moving:
        return order
    places = np.empty(len(order))
    places[order] = np.arange(1, len(order) + 1)
    for rule in moving:
        factor = 1 / rule.factor if rule.action == "boost" else rule.factor
        places[rule.touches(facts, item_ids)] *= factor
    promoted: list[int] = np.argsort(places, kind="stable").tolist()
    return promoted


def _pinned(
    order: list[int], rules: Sequence[Rule], item_ids: Sequence[str]
) -> tuple[list[int], frozenset[int]]:
    """The order with pinned items where their rules say, and which these are."""
    pinning = [rule for rule in rules if rule.action == "pin"]
    if not pinning:
        return order, frozenset()
    place = {item: n for n, item in enumerate(item_ids)}
    wanted: dict[int, int] = {}
    for rule in pinning:
        for offset, item in enumerate(rule.items):
            if item in place:
                wanted.setdefault(place[item], rule.position + offset)
    left = [n for n in order if n not in wanted]
    for n, position in sorted(wanted.items(), key=lambda pair: pair[1]):
        left.insert(position - 1, n)
    return left, frozenset(wanted)


def pins(rules: Rules) -> list[str]:
    """The items that rules pin: candidates whether or not a source had them."""
    return [item for rule in rules.rules if rule.action == "pin" for item in rule.items]


def _column(facts: RequestContext, column: str) -> Sequence[object]:
    return list(facts.items.get(f"item_attributes__{column}", [None] * len(facts.item_ids)))


def _seed(query: Query) -> int:
    """Equal for the pages of one list: what a shopper looks through within a day."""
    who = query.session_id or query.user_id or query.request_id
    what = (query.surface or "", query.key or "", query.market)
    named = "\x1f".join((who, *what, str(query.t // DAY)))
    digest = hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1
