"""A request, from question to slate.

    assign → interpret → retrieve → merge → hydrate → score → rerank → record

Each stage is a function; `_flow` only calls them in order.  A stage that fails or is late is left
out, named in `degraded` and counted: a shopper always gets a slate.  `/rank` brings its candidates
with it; for a page of the shop they are found.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from feature_repo.request_features.context import RequestContext, with_overrides
from serving.candidates import (
    Retrieval,
    continued_candidates,
    popular_candidates,
    retrieve_candidates,
)
from serving.candidates import merge as fused
from serving.contract import (
    ApiError,
    RankAnswer,
    RankBody,
    RecommendBody,
    SearchBody,
    SlateAnswer,
)
from serving.flow.resources import Resources
from serving.flow.responses import page_answer, rank_answer
from serving.monitoring import LOST_ANSWERS, Trace, run_with_timeout
from serving.query import Query, Rules, read_list_query, read_query
from serving.ranking import (
    Scored,
    Slate,
    active_rules,
    drop_deleted,
    order_by_score,
    pins,
    rerank,
    score_by_popularity,
    score_by_ranker,
    score_by_retrieval,
    sellable_positions,
)
from serving.recording import served_event, shown_event
from serving.state import DEFAULT_MODEL, Model, ModelRegistry
from training.query_understanding import Understanding
from training.retrieval.catalogue import Candidates, ItemTable
from training.retrieval.indexes import ITEM_TABLE, UNDERSTANDING

HYDRATE_SECONDS, HYDRATE_SECONDS_PER_ITEM = 0.15, 0.0005
"""Five times what reading takes on a quiet machine; a server that is gone is noticed sooner."""

RECORD_SECONDS = 0.1
KNOWN_SECONDS = 0.2

_logger = logging.getLogger(__name__)


@dataclass
class _Request:
    """What every stage of one request sees."""

    resources: Resources
    model: Model
    query: Query
    trace: Trace = field(default_factory=Trace)
    retrieved: Retrieval = field(default_factory=Retrieval)
    rules: Rules = field(default_factory=Rules)


async def answer(
    resources: Resources, name: str, body: RankBody, *, explain: bool = False, shown: bool = False
) -> RankAnswer:
    """Rank the items of a request.

    Args:
        resources: what the process holds.
        name: of the model.
        body: as read.
        explain: give each item's feature values.
        shown: log the answer as shown.

    Raises:
        ApiError: 404, no such model; 400, an impossible request.
    """
    started, model = time.perf_counter(), assign(resources.models, name)
    query = read_query(body, t=resources.clock.now(), explain=explain, shown=shown)
    request = _Request(resources, model, query)
    _, slate = await _flow(request)
    return rank_answer(request.query, slate, request.trace.degraded, started)


async def answer_page(
    resources: Resources,
    surface: str,
    body: SearchBody | RecommendBody,
    *,
    explain: bool = False,
    shown: bool = False,
) -> SlateAnswer:
    """Find and rank the items of a page of the shop.

    Args:
        resources: what the process holds.
        surface: `search`, or one of those that recommend.
        body: as read.
        explain: give each item's sources and feature values, and the stages.
        shown: log the answer as shown.

    Raises:
        ApiError: 400, an impossible request.
    """
    started, model = time.perf_counter(), assign(resources.models, DEFAULT_MODEL)
    query = read_list_query(
        body, surface, resources.shop, t=resources.clock.now(), explain=explain, shown=shown
    )
    request = _Request(resources, model, query)
    candidates, slate = await _flow(request)
    item_table = resources.models.index(ITEM_TABLE)
    return page_answer(
        request.query, item_table, candidates, request.retrieved, slate, request.trace, started
    )


async def _flow(request: _Request) -> tuple[Candidates, Slate]:
    interpret(request)
    candidates = merge(request, await retrieve(request))
    facts = await hydrate(request, candidates)
    await asyncio.sleep(0)  # Whoever is to be refused is refused between two stages.
    left, facts = sellable(request, candidates.item_ids, facts)
    scored = score(request, candidates, left, facts)
    slate = arrange(request, candidates, scored, facts)
    await record(request, candidates, slate)
    return candidates, slate


def assign(models: ModelRegistry, name: str) -> Model:
    """Choose who answers."""
    model = models.get(name)
    if model is None:
        raise ApiError(404, "model", f"one of {', '.join(models.names())}", repr(name))
    return model


def interpret(request: _Request) -> None:
    """Read from the query what is meant by it, and find the rules that count now."""
    query, resources = request.query, request.resources
    request.rules = active_rules(resources.rules.value, query)
    if query.list_request is None or not query.text:
        return
    learned: Understanding | None = resources.models.index(UNDERSTANDING)
    if learned is None:
        request.trace.mark_degraded("interpret")
    with request.trace.fail_open("interpret"):
        interpreted = (learned or Understanding()).apply(
            query.text,
            query.market,
            reads_prices=resources.shop.item_role("price") is not None,
        )
        list_request = replace(query.list_request, interpreted=interpreted)
        request.query = replace(query, list_request=list_request)


async def retrieve(request: _Request) -> Retrieval | None:
    """Candidates of every source; None where the request brings them, or none can be had."""
    list_request = request.query.list_request
    if list_request is None or list_request.rest is not None:
        return None
    with request.trace.fail_open("retrieve") as told:
        request.retrieved = await _found(request)
        told["found"] = {name: len(found) for name, found in request.retrieved.found.items()}
        if request.retrieved.missing:
            told["missing"] = list(request.retrieved.missing)
            request.trace.mark_degraded("retrieve")
        return request.retrieved
    return None


def merge(request: _Request, retrieved: Retrieval | None) -> Candidates:
    """Candidates of all sources, each once; those of the request in the order given."""
    query = request.query
    if query.list_request is None:
        return Candidates(query.item_ids)
    if query.list_request.rest is not None:
        return continued_candidates(query.list_request.rest.item_ids)
    with request.trace.stage("merge"):
        if retrieved is None or (retrieved.missing and retrieved.is_empty):
            return popular_candidates(request.model)
        candidates = fused(retrieved, query.list_request.surface.sources)
        item_table: ItemTable = request.resources.models.index(ITEM_TABLE)
        pinned = [item for item in pins(request.rules) if item in item_table.row]
        return candidates.with_more("rules", pinned)


async def hydrate(request: _Request, candidates: Candidates) -> RequestContext | None:
    """Read what is known now; None where that cannot be had in time."""
    query, resources, item_ids = request.query, request.resources, candidates.item_ids
    if not item_ids:
        return RequestContext(t=query.t, query=query.text)
    asked = query if query.list_request is None else replace(query, item_ids=item_ids)
    seconds = HYDRATE_SECONDS + HYDRATE_SECONDS_PER_ITEM * len(item_ids)
    with request.trace.fail_open("hydrate"):
        async with asyncio.timeout(seconds * resources.settings.patience):
            facts = await resources.online_features.read(asked)
        request.query = replace(query, t=facts.t)
        facts = facts.with_fields(source_ranks=candidates.sources)
        return with_overrides(facts, query.overrides, resources.shop)
    return None


def sellable(
    request: _Request, item_ids: Sequence[str], facts: RequestContext | None
) -> tuple[Sequence[str], RequestContext | None]:
    """The candidates that may be shown, and the facts of these alone.

    While nothing newer can be read, an item is what it was when the indices were fitted.
    """
    resources, list_request = request.resources, request.query.list_request
    left, facts = drop_deleted(item_ids, facts, resources.deleted_items.intersection(item_ids))
    filters = () if list_request is None else list_request.filters
    checked, item_table = facts, resources.models.index(ITEM_TABLE)
    if facts is None and item_table is not None:
        checked = item_table.facts(left, request.query.t)
    elif facts is None and filters:
        request.trace.mark_degraded("filters")
    places = sellable_positions(left, checked, resources.shop, request.rules, filters)
    if len(places) == len(left):
        return left, facts
    return [left[n] for n in places], None if facts is None else facts.select(places)


def score(
    request: _Request,
    candidates: Candidates,
    left: Sequence[str],
    facts: RequestContext | None,
) -> Scored:
    """Score by the ranker; without one, or without facts, by retrieval or by popularity."""
    model, query = request.model, request.query
    if facts is not None and model.ranker is not None:
        with request.trace.fail_open("score"):
            return score_by_ranker(model.ranker, facts, request.resources.shop)
    elif facts is not None:
        request.trace.mark_degraded("score")
    if query.list_request is not None:
        return score_by_retrieval(candidates, left)
    return score_by_popularity(model, left)


def arrange(
    request: _Request, candidates: Candidates, scored: Scored, facts: RequestContext | None
) -> Slate:
    """Best first; a page of the shop by its rules too."""
    query = request.query
    if query.list_request is not None:
        with request.trace.fail_open("order_by_score"):
            return rerank(
                query,
                query.list_request,
                scored,
                candidates,
                facts,
                request.resources.shop,
                request.rules,
                trust=min(
                    query.list_request.surface.ranker_weight, request.retrieved.ranker_weight
                ),
            )
    return order_by_score(scored, candidates.item_ids)


async def record(request: _Request, candidates: Candidates, slate: Slate) -> None:
    """Keep the answer; where the sender shows it, make it count.

    Without items it counts as a search that found nothing, unless not every source was asked.
    """
    query, resources, trace = request.query, request.resources, request.trace
    found_nothing = query.reports_no_results and "retrieve" not in trace.degraded
    if query.shown and (slate.order or found_nothing):
        with trace.fail_open("record"):
            event = shown_event(query, slate)
            await run_with_timeout(
                RECORD_SECONDS * resources.settings.patience,
                resources.writers,
                lambda: resources.event_intake.record([event]),
            )
    # The answer goes first: the loop comes to this when it was sent, before it hears anything new.
    asyncio.get_running_loop().call_soon(_keep, request, candidates, slate)


def _keep(request: _Request, candidates: Candidates, slate: Slate) -> None:
    """What is logged and counted of an answer."""
    resources, trace = request.resources, request.trace
    trace.count()
    share = resources.settings.record_share
    try:
        served = served_event(request.query, candidates, slate, trace.degraded, share)
    except Exception:
        LOST_ANSWERS.inc()
        _logger.exception("an answer cannot be logged")
        return
    resources.answer_log.enqueue(served)


async def _found(request: _Request) -> Retrieval:
    """Read what is known of shopper and query, then ask the sources.

    Here and not in a thread: they are in memory and hold the interpreter, and to be sent for costs
    as much as they do.
    """
    query, resources = request.query, request.resources
    list_request = query.list_request
    assert list_request is not None
    async with asyncio.timeout(KNOWN_SECONDS * resources.settings.patience):
        known = await _known(request)
    return retrieve_candidates(resources.models, query, list_request, known)


async def _known(request: _Request) -> RequestContext | None:
    """What is known of shopper and query; None where that cannot be read."""
    query = request.query
    if query.user_id is None and query.key is None:
        return RequestContext(t=query.t)
    try:
        return await request.resources.online_features.read(query)
    except Exception as error:
        request.trace.mark_degraded("retrieve", error)
        return None
