"""A request, from query to slate.

    assign → interpret → retrieve → merge → hydrate → score → rerank → decide → record

Each stage is a function; `_flow` calls them in order.  A stage that fails or is late is skipped,
named in `degraded` and counted: a shopper always gets a slate.  `/rank` has its candidates; for
a list of the shop, the candidate sources return them.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from feature_repo.request_features.context import RequestContext, with_overrides
from serving.candidates import (
    Retrieval,
    continued_candidates,
    popular_candidates,
    retrieve_candidates,
)
from serving.candidates import merge as merge_sources
from serving.contract import (
    RankAnswer,
    RankBody,
    RecommendBody,
    SearchBody,
    SlateAnswer,
)
from serving.flow.assignment import assign, forced, treat, trial_rules
from serving.flow.deciding import decide_slots
from serving.flow.interleaving import interleave
from serving.flow.request_state import RequestState
from serving.flow.reranking import rerank
from serving.flow.resources import Resources
from serving.flow.responses import page_answer, rank_answer
from serving.flow.shadow import with_shadow
from serving.monitoring import LOST_ANSWERS, run_with_timeout
from serving.query import read_list_query, read_query
from serving.ranking import (
    Scored,
    Slate,
    active_rules,
    drop_deleted,
    pinned_items,
    score_by_popularity,
    score_by_ranker,
    score_by_retrieval,
    sellable_positions,
)
from serving.recording import served_event, shown_event
from serving.state import DEFAULT_MODEL
from training.query_understanding import Understanding
from training.retrieval.catalogue import Candidates, ItemTable
from training.retrieval.indexes import ITEM_TABLE, UNDERSTANDING

HYDRATE_SECONDS, HYDRATE_SECONDS_PER_ITEM = 0.15, 0.0005
"""Five times the time of a read on an idle machine; a lost server is noticed sooner."""

RECORD_SECONDS = 0.1
SHOPPER_SECONDS = 0.2

_logger = logging.getLogger(__name__)


async def answer(
    resources: Resources,
    name: str,
    body: RankBody,
    *,
    explain: bool = False,
    shown: bool = False,
    variant: str = "",
) -> RankAnswer:
    """Rank the items of a request.

    Args:
        name: of the model.
        explain: answer with each item's feature values.
        shown: record the answer's impressions.
        variant: variants of experiments, as `experiment:variant,…`, in place of the shopper's.

    Raises:
        ApiError: 404, unknown model; 400, invalid request.
    """
    started, model = time.perf_counter(), assign(resources.models, name)
    query = read_query(body, resources.shop, t=resources.clock.now(), explain=explain, shown=shown)
    request = RequestState(resources, model, query, forced=forced(resources, variant))
    _, slate = await _flow(request)
    return rank_answer(request.query, slate, request.treatments, request.trace.degraded, started)


async def answer_page(
    resources: Resources,
    surface: str,
    body: SearchBody | RecommendBody,
    *,
    explain: bool = False,
    shown: bool = False,
    variant: str = "",
    rules: str = "",
) -> SlateAnswer:
    """Retrieve and rank the items of a list of the shop.

    Args:
        surface: `search`, or a surface of recommendations.
        explain: answer with each item's sources and feature values, and the stages.
        shown: record the answer's impressions.
        variant: variants of experiments, as `experiment:variant,…`, in place of the shopper's.
        rules: `off`, or the name of a draft, in place of the shop's rules.

    Raises:
        ApiError: 400, invalid request.
    """
    started, model = time.perf_counter(), assign(resources.models, DEFAULT_MODEL)
    query = read_list_query(
        body, surface, resources.shop, t=resources.clock.now(), explain=explain, shown=shown
    )
    request = RequestState(
        resources,
        model,
        query,
        forced=forced(resources, variant),
        trial=trial_rules(resources, rules),
    )
    candidates, slate = await _flow(request)
    item_table = resources.models.index(ITEM_TABLE)
    return page_answer(
        request.query,
        item_table,
        candidates,
        request.retrieval,
        slate,
        request.treatments,
        request.trace,
        started,
        slots=request.slots,
    )


async def _flow(request: RequestState) -> tuple[Candidates, Slate]:
    interpret(request)
    candidates = merge(request, await retrieve(request))
    context = await hydrate(request, candidates)
    if request.query.list_request is None:
        treat(request, context)
    await asyncio.sleep(0)  # Yield to the event loop so that overload checks can run.
    item_ids, context = filter_sellable(request, candidates.item_ids, context)
    request.context = context
    slate = interleave(request, candidates, context)
    if slate is None:
        scored = score(request, candidates, item_ids, context)
        slate = rerank(request, candidates, scored, context)
    request.slots = await decide_slots(request, context)
    await record(request, candidates, slate)
    return candidates, slate


def interpret(request: RequestState) -> None:
    """Interpret the text of the query, and select the rules that apply."""
    query, resources = request.query, request.resources
    request.rules = active_rules(request.shop_rules, query)
    if query.list_request is None or not query.text:
        return
    understanding: Understanding | None = resources.models.index(UNDERSTANDING)
    if understanding is None:
        request.trace.mark_degraded("interpret")
    with request.trace.fail_open("interpret"):
        interpreted = (understanding or Understanding()).apply(
            query.text,
            resources.shop.market(query.market),
            reads_prices=resources.shop.price_field is not None,
            synonyms=resources.synonyms.value,
        )
        list_request = replace(query.list_request, interpreted=interpreted)
        request.query = replace(query, list_request=list_request)


async def retrieve(request: RequestState) -> Retrieval | None:
    """Search every candidate source; None when the request has candidates, or on failure."""
    list_request = request.query.list_request
    if list_request is None or list_request.cursor is not None:
        return None
    with request.trace.fail_open("retrieve") as details:
        # In the event loop: the sources are in memory and hold the interpreter lock, and handing
        # them to a thread costs as much as they do.
        async with asyncio.timeout(SHOPPER_SECONDS * request.resources.settings.patience):
            shopper = await _read_shopper(request)
        treat(request, shopper)
        assert request.query.list_request is not None
        retrieval = retrieve_candidates(
            request.resources.models.index, request.query, request.query.list_request, shopper
        )
        request.retrieval = retrieval
        details["found"] = {name: len(rows) for name, rows in retrieval.results.items()}
        if retrieval.missing:
            details["missing"] = list(retrieval.missing)
            request.trace.mark_degraded("retrieve")
        return retrieval
    return None


def merge(request: RequestState, retrieval: Retrieval | None) -> Candidates:
    """Merge the candidates of all sources; candidates of the request keep their order."""
    query = request.query
    if query.list_request is None:
        return Candidates(query.item_ids)
    if query.list_request.cursor is not None:
        return continued_candidates(query.list_request.cursor.item_ids)
    with request.trace.stage("merge"):
        if retrieval is None or (retrieval.missing and retrieval.is_empty):
            return popular_candidates(request.model)
        candidates = merge_sources(retrieval, query.list_request.surface)
        if retrieval.sorted_rows is not None:
            return candidates
        item_table: ItemTable = request.resources.models.index(ITEM_TABLE)
        pinned = [item for item in pinned_items(request.rules) if item in item_table.row]
        return candidates.with_more("rules", pinned)


async def hydrate(request: RequestState, candidates: Candidates) -> RequestContext | None:
    """Read the features of the request; None when they cannot be read in time."""
    query, resources, item_ids = request.query, request.resources, candidates.item_ids
    if not item_ids:
        return RequestContext(t=query.t, query=query.text)
    with_items = query if query.list_request is None else replace(query, item_ids=item_ids)
    seconds = HYDRATE_SECONDS + HYDRATE_SECONDS_PER_ITEM * len(item_ids)
    with request.trace.fail_open("hydrate"):
        async with asyncio.timeout(seconds * resources.settings.patience):
            context = await resources.online_features.read(with_items)
            if resources.online_features.is_behind:
                request.trace.mark_degraded("events")
            if context.damaged:
                request.trace.mark_degraded("hydrate")
        request.query = replace(query, t=context.t)
        context = context.with_fields(source_ranks=candidates.sources)
        return with_overrides(context, query.overrides, resources.shop)
    return None


def filter_sellable(
    request: RequestState, item_ids: Sequence[str], context: RequestContext | None
) -> tuple[Sequence[str], RequestContext | None]:
    """Return the candidates that may be shown, and the context of these alone.

    Without a context, the item table decides.
    """
    resources, list_request = request.resources, request.query.list_request
    deleted_ids = resources.deleted_items.intersection(item_ids)
    item_ids, context = drop_deleted(item_ids, context, deleted_ids)
    filters = () if list_request is None else list_request.filters
    attributes, item_table = context, resources.models.index(ITEM_TABLE)
    if context is None and item_table is not None:
        attributes = item_table.facts(item_ids, request.query.t)
    elif context is None and filters:
        request.trace.mark_degraded("filters")
    positions = sellable_positions(item_ids, attributes, resources.shop, request.rules, filters)
    if len(positions) == len(item_ids):
        return item_ids, context
    remaining = [item_ids[n] for n in positions]
    return remaining, None if context is None else context.select(positions)


def score(
    request: RequestState,
    candidates: Candidates,
    item_ids: Sequence[str],
    context: RequestContext | None,
) -> Scored:
    """Score by the ranker; without it, or without a context, by retrieval or by popularity.

    A shop that has not published a ranker is not degraded; nor is a list that is not the ranker's.
    """
    model, query = request.model, request.query
    ranker = model.ranker_of(None if query.list_request is None else query.list_request.surface)
    if context is not None and ranker is not None:
        with request.trace.fail_open("score"):
            return score_by_ranker(ranker, context, request.resources.shop)
    elif context is not None and model.is_damaged:
        request.trace.mark_degraded("score")
    if query.list_request is not None:
        return score_by_retrieval(candidates, item_ids)
    return score_by_popularity(model, item_ids)


async def record(request: RequestState, candidates: Candidates, slate: Slate) -> None:
    """Queue the answer for the log; when the sender shows it, also record its impressions.

    An answer without items counts as a search without results, unless a source was missing.
    """
    query, resources, trace = request.query, request.resources, request.trace
    has_no_results = query.reports_no_results and "retrieve" not in trace.degraded
    if query.shown and (slate.order or has_no_results):
        with trace.fail_open("record"):
            event = shown_event(query, slate)
            await run_with_timeout(
                RECORD_SECONDS * resources.settings.patience,
                resources.writers,
                lambda: resources.event_intake.record([event]),
            )
    # The event loop sends the answer before it runs this callback.
    asyncio.get_running_loop().call_soon(_log_answer, request, candidates, slate, trace.took_ms)


def _log_answer(
    request: RequestState, candidates: Candidates, slate: Slate, took_ms: float
) -> None:
    resources, trace = request.resources, request.trace
    trace.observe_stages()
    share = resources.settings.record_share
    try:
        served = served_event(
            request.query, candidates, slate, request.treatments, trace.degraded, share, took_ms
        )
        served = with_shadow(served, request, slate)
    except Exception:
        LOST_ANSWERS.inc()
        _logger.exception("an answer cannot be logged")
        return
    resources.answer_log.enqueue(served)


async def _read_shopper(request: RequestState) -> RequestContext | None:
    """Read the features of shopper and query; None when they cannot be read."""
    query = request.query
    if query.is_anonymous and query.key is None:
        return RequestContext(t=query.t)
    try:
        return await request.resources.online_features.read(query)
    except Exception as error:
        request.trace.mark_degraded("retrieve", error)
        return None
