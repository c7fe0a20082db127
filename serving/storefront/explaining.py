"""The pages that explain: three orders next to each other, and why an item is in its position."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from starlette.responses import Response

from feature_repo.events.contract import identifier
from serving.contract import ApiError, RankAnswer
from serving.state import DEFAULT_MODEL
from serving.storefront import lists
from serving.storefront.page import Page
from serving.storefront.shop_list import ShopList, curl
from training.explanation import ExplainedSlate, Explanation, explain, moves_between, phrase
from training.plots import Mark, Plot, calibration, distribution, forest
from training.ranker import Ranker

COMPARED, DEPTH = 10, 100
TOP_REASONS, TOP_FEATURES = 5, 8


@dataclass(frozen=True)
class Column:
    """One of the orders.

    Attributes:
        moves: of each item from the order without personalization.
    """

    title: str
    note: str
    item_ids: Sequence[str]
    moves: Mapping[str, Any]


async def compare(page: Page) -> Response:
    """Show three orders: popularity, without personalization, personalized."""
    listed = _listed(page, COMPARED)
    shop, visitor = page.resources.shop, page.visitor
    nobody = listed.request(None, page.market, shop, size=DEPTH)
    somebody = listed.request(visitor, page.market, shop, size=COMPARED + lists.MOST_HIDDEN)
    plain = await lists.answer_list(page.resources, replace(listed, size=DEPTH), nobody)
    personal = await lists.answer_list(page.resources, listed, somebody)
    hidden = visitor.hidden
    plain_ids = [one.item for one in plain.items if one.item not in hidden]
    personal_ids = [one.item for one in personal.items if one.item not in hidden][:COMPARED]
    reasons = await _reasons(page, listed, personal_ids)
    before = ExplainedSlate(plain_ids)
    moved = {
        move.item: replace(move, reason=reasons.get(move.item, ""))
        for move in moves_between(before, ExplainedSlate(personal_ids))
    }
    # Items that match a query only in part follow the others and are not in the total.
    matching = plain_ids[: plain.total] if listed.query and plain.total else plain_ids
    popular = _by_popularity(page, matching)[:COMPARED]
    columns = [
        Column("Popularity", "the same for everyone, without a model", popular, {}),
        Column("Without personalization", "the order for nobody", plain_ids[:COMPARED], {}),
        Column("Personalized", "the order for this shopper", personal_ids, moved),
    ]
    items = page.items([one for column in columns for one in column.item_ids])
    commands = [curl(page.origin, listed.address, body) for body in (nobody, somebody)]
    return page.render(
        "compare.html",
        listed=listed,
        columns=columns,
        items=items,
        commands=commands,
        request_id=personal.request_id,
    )


async def why(page: Page) -> Response:
    """Explain the position of an item in a list."""
    item_id = identifier(page.parameter("id"), "id")
    item = page.items([item_id])[item_id]
    if not item.is_for_sale:
        raise ApiError(404, "id", "an item that the shop sells", repr(item_id))
    listed = _listed(page, COMPARED)
    body = listed.request(page.visitor, page.market, page.resources.shop, size=2 * COMPARED)
    answer = await lists.answer_list(page.resources, listed, body, explain=True)
    item_ids = [one.item for one in answer.items]
    if item_id not in item_ids:
        item_ids.append(item_id)
    ranked = await lists.rank_items(page.resources, _rank_body(page, listed, item_ids, True))
    ranker = lists.ranker_of(page.resources)
    explained = await _explained(ranker, ranked)
    position = item_ids.index(item_id) + 1 if len(item_ids) == len(answer.items) else None
    sources = next((one.sources for one in answer.items if one.item == item_id), None) or {}
    own = next((one for one in explained or () if one.item == item_id), None)
    plots = [] if own is None or explained is None else _plots(ranker, ranked, explained, own)
    return page.render(
        "why.html",
        item=item,
        listed=listed,
        position=position,
        explanation=own,
        sources=sources,
        plots=plots,
        why_command=curl(page.origin, f"{listed.address}?explain=1", body),
    )


def _listed(page: Page, size: int) -> ShopList:
    """Return the list of the address; without a query it is the home page's."""
    listed = page.listed()
    has_words = listed.query or not listed.selection.is_empty
    if listed.surface == "search" and not has_words:
        listed = replace(listed, surface="home")
    return replace(listed, size=size, page=1)


def _rank_body(
    page: Page, listed: ShopList, item_ids: Sequence[str], for_shopper: bool
) -> dict[str, Any]:
    body: dict[str, Any] = {"items": [{"id": item_id} for item_id in item_ids]}
    if for_shopper:
        body["session"] = page.visitor.session
        if page.visitor.user:
            body["user"] = page.visitor.user
    named = {"query": listed.query, "market": page.market or "", "surface": listed.surface}
    body["fields"] = [{"name": name, "value": value} for name, value in named.items() if value]
    return body


async def _reasons(page: Page, listed: ShopList, item_ids: Sequence[str]) -> dict[str, str]:
    """Return what changes most for each item when the ranker reads the shopper."""
    ranker = lists.ranker_of(page.resources)
    if ranker is None or not item_ids:
        return {}
    plain, personal = [
        await lists.rank_items(page.resources, _rank_body(page, listed, item_ids, for_shopper))
        for for_shopper in (False, True)
    ]
    if plain.feature_service is None or personal.feature_service is None:
        return {}
    slates = [_slate(ranked, ranker) for ranked in (plain, personal)]
    moves = await asyncio.to_thread(moves_between, slates[0], slates[1], ranker)
    return {move.item: move.reason for move in moves}


def _slate(ranked: RankAnswer, ranker: Ranker) -> ExplainedSlate:
    item_ids = [one.item for one in ranked.items]
    features = [one.features or {} for one in ranked.items]
    return ExplainedSlate.of_features(item_ids, features, ranker.columns)


async def _explained(ranker: Ranker | None, ranked: RankAnswer) -> list[Explanation] | None:
    """Explain a slate; None where no ranker ordered it."""
    if ranker is None or ranked.feature_service is None:
        return None
    slate = _slate(ranked, ranker)
    matrix = slate.matrix
    assert matrix is not None
    return await asyncio.to_thread(
        explain, ranker, slate.item_ids, matrix, exact=False, top=TOP_REASONS
    )


def _by_popularity(page: Page, item_ids: Sequence[str]) -> list[str]:
    model = page.resources.models.get(DEFAULT_MODEL)
    if model is None or model.popularity is None:
        return list(item_ids)
    scores = model.popularity.value.apply(item_ids)
    return [item_ids[n] for n in np.argsort(-scores, kind="stable")]


def _plots(
    ranker: Ranker | None, ranked: RankAnswer, explained: Sequence[Explanation], own: Explanation
) -> list[Plot]:
    """Draw what sets an item apart, the strongest feature in the slate, and the probability."""
    means = {
        column: sum(one.shares[column] for one in explained) / len(explained)
        for column in own.shares
    }
    apart = {column: share - means[column] for column, share in own.shares.items()}
    strongest = sorted(apart, key=lambda column: -abs(apart[column]))[:TOP_FEATURES]
    strongest = [column for column in strongest if apart[column]]
    if not strongest:
        return []
    marks = [
        Mark(phrase(c), apart[c], min(apart[c], 0.0), max(apart[c], 0.0), f"{apart[c]:+.3f}")
        for c in strongest
    ]
    first = strongest[0]
    values = {one.item: (one.features or {}).get(first) for one in ranked.items}
    numbers = [float("nan") if value is None else value for value in values.values()]
    drawn = [
        forest("apart", "What sets the item apart from this list", marks, labels=360),
        distribution(
            "values", f"In this list: {phrase(first)}", numbers, values[own.item], "this item"
        ),
    ]
    if ranker is not None and ranker.calibration is not None and own.probability is not None:
        fit = ranker.calibration
        title = "Probability of a click once the shopper looks at the item, by score"
        mark = (own.score, own.probability)
        drawn.append(calibration("chance", title, fit.scores, fit.probabilities, mark))
    return drawn
