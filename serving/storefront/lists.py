"""Answer a list through the request flow, report it as shown, and compare it with the last one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feature_repo.events.contract import ServedEvent
from serving.contract import RankAnswer, RankBody, SlateAnswer, body_reader, encode
from serving.flow import Resources, answer, answer_page
from serving.monitoring import run_in_pool
from serving.state import DEFAULT_MODEL
from serving.storefront import events
from serving.storefront.shop_list import ShopList
from serving.storefront.visitor import Visitor
from training.explanation import ExplainedSlate, Move, moves_between, recorded_matrix
from training.ranker import Ranker

MOST_HIDDEN = 20
"""Further items that a list requests, because the shopper has hidden some."""


@dataclass(frozen=True)
class Shown:
    """A list as a page shows it.

    Attributes:
        answer: of the request flow.
        item_ids: of the answer, without hidden ones.
        body: of the request.
        moves: of the items since the last answer; empty without one.
        earlier: request id of the last answer.
        is_logged: whether the log has the impressions.
    """

    listed: ShopList
    answer: SlateAnswer
    item_ids: list[str]
    body: Mapping[str, Any]
    moves: Sequence[Move] = ()
    earlier: str | None = None
    is_logged: bool = True

    @property
    def moved(self) -> Mapping[str, Move]:
        """The items that are at another position than before."""
        return {move.item: move for move in self.moves if move.before != move.after}


async def answer_list(
    resources: Resources, listed: ShopList, body: Mapping[str, Any], *, explain: bool = False
) -> SlateAnswer:
    """Answer a list as the API does, within the API's limit of concurrent answers.

    Raises:
        ApiError: the request is invalid, or there is no capacity.
    """
    async with resources.concurrency_limits["answers"]:
        return await answer_page(resources, listed.surface, listed.decode(body), explain=explain)


async def rank_items(resources: Resources, body: Mapping[str, Any]) -> RankAnswer:
    """Rank given items as the API does, with their features.

    Raises:
        ApiError: the request is invalid, or there is no capacity.
    """
    decoded = body_reader(RankBody)(encode(body))
    async with resources.concurrency_limits["answers"]:
        return await answer(resources, DEFAULT_MODEL, decoded, explain=True)


async def show(
    resources: Resources, visitor: Visitor, listed: ShopList, market: str | None
) -> Shown:
    """Answer a list for a visitor, and report the items that the page shows.

    Raises:
        ApiError: the request is invalid, or there is no capacity.
    """
    extra = min(len(visitor.hidden), MOST_HIDDEN)
    size = min(listed.size + extra, 100)
    body = listed.request(visitor, market, resources.shop, size=size)
    slate = await answer_list(resources, listed, body)
    item_ids = [one.item for one in slate.items if one.item not in visitor.hidden][: listed.size]
    context = {"surface": listed.surface, "query": listed.query or None, "market": market}
    context = {name: value for name, value in context.items() if value}
    earlier = visitor.slates.get(listed.key)
    await asyncio.sleep(0)  # The event loop first adds the answer to the recent ones.

    def record() -> tuple[Sequence[Move], bool]:
        moves = () if earlier is None else moves_since(resources, earlier, slate.request_id)
        if slate.items and not item_ids:
            return moves, True
        report = events.shown(resources, visitor, slate, item_ids, context)
        return moves, events.send(resources, [report])

    moves, is_logged = await run_in_pool(resources.writers, record)
    return Shown(listed, slate, item_ids, body, moves, earlier, is_logged)


def moves_since(resources: Resources, before: str, after: str) -> Sequence[Move]:
    """Return the moves between two answers to one visitor; none if one is not in the log.

    The log has the features of a share of the answers (`AISLE_RECORD`); a move has a reason where
    it has those of both.
    """
    first, second = resources.answer_log.get(before), resources.answer_log.get(after)
    if first is None or second is None or first.session_id != second.session_id:
        return ()
    ranker = ranker_of(resources)
    slates = [_slate(event, ranker) for event in (first, second)]
    return moves_between(slates[0], slates[1], ranker)


def ranker_of(resources: Resources) -> Ranker | None:
    """Return the published ranker of slates."""
    model = resources.models.get(DEFAULT_MODEL)
    loaded = None if model is None else model.ranker
    ranker: Ranker | None = None if loaded is None else loaded.value
    return ranker


def _slate(event: ServedEvent, ranker: Ranker | None) -> ExplainedSlate:
    item_ids = [item.item_id for item in event.items]
    if event.vectors is None or ranker is None or event.layout != ranker.columns:
        return ExplainedSlate(item_ids)
    return ExplainedSlate(item_ids, recorded_matrix(event))
