"""A request, from question to slate.

    assign → interpret → retrieve → merge → hydrate → score → rerank → record

Each stage is a function; `answer` only calls them in order.  A stage that fails or is late is left
out, named in `degraded` and counted: a shopper always gets a slate.  So far the candidates are
those of the request, which makes `retrieve` and `merge` one short function each.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from feature_repo.errors import AisleError
from feature_repo.overrides import with_overrides
from feature_repo.slate_facts import SlateFacts
from serving.bodies import RankAnswer, RankBody, RankedItem
from serving.deadlines import within
from serving.errors import RefusedError
from serving.metrics import DEGRADED, timed
from serving.model_shelf import Model, ModelShelf
from serving.question import Question, read_question
from serving.recorder import served_event, shown_event
from serving.resources import Resources
from serving.score import by_popularity, by_ranker
from serving.slate import Scored, Slate, rerank, without_deleted

HYDRATE_SECONDS, HYDRATE_SECONDS_PER_ITEM = 0.15, 0.0005
"""Five times what reading takes on a quiet machine; a server that is gone is noticed sooner."""

RECORD_SECONDS = 0.1

_logger = logging.getLogger(__name__)


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
        RefusedError: 404, no such model; 400, an impossible request.
    """
    started = time.perf_counter()
    degraded: list[str] = []
    model = assign(resources.models, name)
    question = interpret(body, t=resources.clock.now(), explain=explain, shown=shown)
    candidates = merge(retrieve(question))
    facts = await hydrate(resources, question, candidates, degraded)
    question = question if facts is None else replace(question, t=facts.t)
    left, facts = without_deleted(candidates, facts, resources.withdrawn.among(candidates))
    scored = score(resources, model, left, facts, degraded)
    slate = rerank(scored, candidates)
    await record(resources, question, slate, degraded)
    for stage in degraded:
        DEGRADED.labels(stage).inc()
    return _answer(question, slate, degraded, started)


def assign(models: ModelShelf, name: str) -> Model:
    """Choose who answers."""
    model = models.get(name)
    if model is None:
        raise RefusedError(404, "model", f"one of {', '.join(models.names())}", repr(name))
    return model


def interpret(body: RankBody, *, t: int, explain: bool, shown: bool) -> Question:
    """Understand who asks for what."""
    with timed("interpret"):
        return read_question(body, t=t, explain=explain, shown=shown)


def retrieve(question: Question) -> list[Sequence[str]]:
    """Candidates of every source: of the request itself, so far."""
    return [question.item_ids]


def merge(sources: Sequence[Sequence[str]]) -> list[str]:
    """Candidates of all sources, each once, in the order first met."""
    return list(dict.fromkeys(item_id for source in sources for item_id in source))


async def hydrate(
    resources: Resources,
    question: Question,
    candidates: Sequence[str],
    degraded: list[str],
) -> SlateFacts | None:
    """Read what is known now; None where that cannot be had in time."""
    if not candidates:
        return SlateFacts(t=question.t, query=question.query)
    seconds = HYDRATE_SECONDS + HYDRATE_SECONDS_PER_ITEM * len(candidates)
    with timed("hydrate"):
        try:
            facts = await within(seconds, resources.readers, lambda: resources.live.read(question))
            return with_overrides(facts, question.overrides, resources.shop)
        except Exception as error:
            _note("hydrate", error)
    degraded.append("hydrate")
    return None


def score(
    resources: Resources,
    model: Model,
    candidates: Sequence[str],
    facts: SlateFacts | None,
    degraded: list[str],
) -> Scored:
    """Score by the ranker; by popularity where there is none, or nothing is known."""
    with timed("score"):
        if facts is not None and model.ranker is not None:
            try:
                return by_ranker(model.ranker, facts, resources.shop)
            except Exception as error:
                _note("score", error)
        if facts is not None:
            degraded.append("score")
        return by_popularity(model, candidates)


async def record(
    resources: Resources, question: Question, slate: Slate, degraded: list[str]
) -> None:
    """Keep the answer; where the sender shows it, make it count."""
    with timed("record"):
        if question.shown and slate.order:
            try:
                event = shown_event(question, slate)
                await within(
                    RECORD_SECONDS, resources.writers, lambda: resources.intake.record([event])
                )
            except Exception as error:
                _note("record", error)
                degraded.append("record")
        share = resources.settings.record_share
        resources.recorder.offer(served_event(question, slate, degraded, share))


def _answer(question: Question, slate: Slate, degraded: list[str], started: float) -> RankAnswer:
    scored = slate.scored
    explained = question.explain
    return RankAnswer(
        took=round((time.perf_counter() - started) * 1000, 3),
        items=[
            RankedItem(
                scored.item_ids[n],
                float(scored.scores[n]),
                _features(scored, n) if explained else None,
            )
            for n in slate.order
        ],
        request_id=question.request_id,
        model_version=scored.version,
        feature_service=scored.feature_service,
        degraded=degraded,
        dropped=list(slate.dropped),
    )


def _features(scored: Scored, n: int) -> dict[str, float | None]:
    if scored.matrix is None:
        return {}
    row = scored.matrix[n].astype(np.float64).tolist()
    return {
        name: value if value == value else None  # noqa: PLR0124
        for name, value in zip(scored.columns, row, strict=True)
    }


def _note(stage: str, error: Exception) -> None:
    """Say what a stage failed of; what is expected of a server that is away is said elsewhere."""
    if not isinstance(error, AisleError | TimeoutError):
        _logger.error("%s failed", stage, exc_info=error)
