"""The stage `interleave`: one slate from the orders of both variants of an experiment.

Both rankers score the same candidates by features that were read once.  The relevance, boosts and
diversity of each variant make its order.  A draft of both, of the kind that the experiment
declares, fills the first page, or all slots of a ranking of given candidates; the items below
follow in the order of the control.  Pinned items then take their slots and belong to no variant.
Such a page is not explored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from feature_repo.request_features.context import RequestContext
from serving.flow.assignment import assign
from serving.flow.request_state import RequestState
from serving.flow.reranking import list_order
from serving.ranking import (
    Draw,
    Explored,
    Slate,
    cut_page,
    draft_seed,
    order_by_score,
    pin_items,
    pinned_slots,
    score_by_ranker,
)
from serving.state import Model
from training.experiments import (
    INTERLEAVED,
    Draft,
    Experiment,
    Variant,
    optimized_draft,
    team_draft,
)
from training.retrieval.catalogue import Candidates

DraftFunction = Callable[[tuple[Sequence[int], Sequence[int]], int, int], Draft]

_DRAFTS: dict[str, DraftFunction] = {"team": team_draft, "optimized": optimized_draft}


def interleave(
    request: RequestState,
    candidates: Candidates,
    context: RequestContext | None,
) -> Slate | None:
    """Return a slate of both variants; None where no interleaving treats the request.

    Where one of the rankers does not score, the answer is an ordinary one and no exposure.
    """
    treatment = next((each for each in request.treatments if each.variant is INTERLEAVED), None)
    if treatment is None:
        return None
    with request.trace.fail_open("interleave"):
        slate = _interleaved(request, treatment.experiment, candidates, context)
        if slate is not None:
            return slate
    request.treatments = [each for each in request.treatments if each is not treatment]
    return None


def _interleaved(
    request: RequestState,
    experiment: Experiment,
    candidates: Candidates,
    context: RequestContext | None,
) -> Slate | None:
    """Score by both rankers and draft; None without features, or for a list that none orders."""
    list_request, shop = request.query.list_request, request.resources.shop
    if context is None or request.retrieval.sorted_rows is not None:
        return None
    surface = None if list_request is None else list_request.surface
    rankers = [_model_of(each, request).ranker_of(surface) for each in experiment.variants]
    scored = [score_by_ranker(each, context, shop) for each in rankers if each is not None]
    if len(scored) < len(rankers):
        return None
    seed, draft = draft_seed(request.query, experiment.name), _DRAFTS[experiment.draft]
    if list_request is None:
        slate, other = (order_by_score(each, candidates.item_ids) for each in scored)
        page = draft((slate.order, other.order), len(slate.order), seed)
        slate = replace(slate, order=page.items, propensities=_propensities(page), draw=Draw(seed))
    else:
        rules = [request.rules.changed(each.diversity, None) for each in experiment.variants]
        control, other_order = (
            list_order(request, candidates, one, context, own)
            for one, own in zip(scored, rules, strict=True)
        )
        pins = pinned_slots(request.rules, context.item_ids)
        page, order = _draft_page(draft, (control, other_order), pins, list_request.size, seed)
        explored = Explored(order, _propensities(page), Draw(seed))
        slate = cut_page(scored[0], explored, list_request.size, list_request.page)
    return replace(slate, teams=_teams(page, experiment), other_version=scored[1].version)


def _draft_page(
    draft: DraftFunction,
    orders: tuple[list[int], list[int]],
    pins: Mapping[int, int],
    size: int,
    seed: int,
) -> tuple[Draft, list[int]]:
    """Draft the slots of a page that no pinned item takes; return the draft and the whole order.

    Args:
        draft: as the experiment declares it.
        orders: of the control and of the candidate.
        pins: item → slot.
        size: of the page.
        seed: of the draft.
    """
    control, candidate = ([n for n in order if n not in pins] for order in orders)
    slots = sum(n not in pins for n in pin_items(orders[0], pins)[:size])
    page = draft((control, candidate), slots, seed)
    drafted = frozenset(page.items)
    rest = [n for n in control if n not in drafted]
    return page, pin_items([*page.items, *rest], pins)


def _model_of(variant: Variant, request: RequestState) -> Model:
    """Return the model of a variant; without its own, that of the request."""
    return (
        request.model if variant.model is None else assign(request.resources.models, variant.model)
    )


def _propensities(page: Draft) -> dict[int, float]:
    return dict(zip(page.items, page.propensities, strict=True))


def _teams(page: Draft, experiment: Experiment) -> dict[int, str]:
    """Return the name of the variant that took each item."""
    names = [variant.name for variant in experiment.variants]
    sides = zip(page.items, page.sides, strict=True)
    return {item: names[side] for item, side in sides if side is not None}
