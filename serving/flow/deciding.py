"""The stage `decide`: bandits choose arms, alone or for the slots of a page.

A decision is logged and applied before its answer is sent, so that the reward finds it and the next
decision counts it.  A page without a slot costs nothing: nothing is read for it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import msgspec

from feature_repo.events.contract import identifier
from feature_repo.home import EventError
from feature_repo.online.hydration import ArmCounts
from feature_repo.request_features.context import RequestContext
from serving.bandits import cell_of, choose
from serving.contract import ApiError, DecideAnswer, DecideBody, Slot, bad_request, new_id
from serving.flow.request_state import RequestState
from serving.flow.resources import Resources
from serving.monitoring import Trace, run_with_timeout
from serving.query import Query, market_of
from training.bandits import Bandit, Feature

READ_SECONDS, RECORD_SECONDS = 0.15, 0.2


async def decide(resources: Resources, name: str, body: DecideBody) -> DecideAnswer:
    """Choose an arm of one bandit.

    Raises:
        ApiError: 404, no such bandit; 400, an id or the market is invalid.
    """
    started, trace = time.perf_counter(), Trace()
    bandit = resources.bandits.value.get(name)
    if bandit is None:
        names = ", ".join(each.name for each in resources.bandits.value.bandits) or "none"
        raise ApiError(404, "bandit", f"one of {names}", repr(name))
    query = _query(resources, body)
    context = None
    if any(isinstance(each, Feature) for each in bandit.context.dimensions):
        with trace.fail_open("hydrate"):
            async with asyncio.timeout(READ_SECONDS * resources.settings.patience):
                context = await resources.online_features.read(query)
    slots = await _slots(resources, trace, query, [bandit], body.context, context)
    trace.observe_stages()
    return DecideAnswer(
        **msgspec.structs.asdict(slots[name]),
        took=round((time.perf_counter() - started) * 1000, 3),
        bandit=name,
        degraded=trace.degraded,
    )


async def decide_slots(request: RequestState, context: RequestContext | None) -> dict[str, Slot]:
    """Return the decisions for the slots of a list's first page, by bandit; often none."""
    query, list_request = request.query, request.query.list_request
    is_first = list_request is not None and list_request.page == 1 and list_request.cursor is None
    bandits = request.resources.bandits.value.of_surface(query.surface) if is_first else []
    if not bandits or request.is_look:
        return {}
    texts = {} if query.device is None else {"device": query.device}
    return await _slots(request.resources, request.trace, query, bandits, texts, context)


async def _slots(
    resources: Resources,
    trace: Trace,
    query: Query,
    bandits: Sequence[Bandit],
    texts: Mapping[str, str],
    context: RequestContext | None,
) -> dict[str, Slot]:
    """Decide for some bandits with one read and one write."""
    cells = [cell_of(bandit, query, texts, context) for bandit in bandits]
    keys = [bandit.keys(cell) for bandit, cell in zip(bandits, cells, strict=True)]
    counts: Sequence[ArmCounts | None] = [None] * len(bandits)
    with trace.fail_open("decide"):
        async with asyncio.timeout(READ_SECONDS * resources.settings.patience):
            counts = await _counts(resources, keys, query.t)
    chosen = [
        choose(bandit, query, cell, of_bandit)
        for bandit, cell, of_bandit in zip(bandits, cells, counts, strict=True)
    ]
    with trace.fail_open("record"):
        await run_with_timeout(
            RECORD_SECONDS * resources.settings.patience,
            resources.writers,
            lambda: resources.event_intake.record([event for _, event in chosen]),
        )
    return {bandit.name: slot for bandit, (slot, _) in zip(bandits, chosen, strict=True)}


async def _counts(resources: Resources, keys: Sequence[Sequence[str]], t: int) -> list[ArmCounts]:
    together = [key for of_bandit in keys for key in of_bandit]
    counts = await resources.online_features.arm_counts(together, t)
    ends = accumulate(map(len, keys), initial=0)
    return [counts[start:end] for start, end in pairwise(ends)]


def _query(resources: Resources, body: DecideBody) -> Query:
    user, session, market = body.user, body.session, body.market or None
    try:
        return Query(
            new_id(),
            resources.clock.now(),
            None if user is None else identifier(user, "user"),
            None if session is None else identifier(session, "session"),
            market=market_of(market, "market", resources.shop),
        )
    except EventError as error:
        raise bad_request(error) from None
