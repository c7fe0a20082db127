"""Choose the arm of a bandit for one request."""

from collections.abc import Mapping

from feature_repo.events.contract import DECISION, Decision, InteractionEvent, arm_key
from feature_repo.online.hydration import ArmCounts
from feature_repo.request_features.context import RequestContext
from serving.contract import Slot, new_id
from serving.query import Query
from training.bandits import Bandit, Text, draw, posteriors, win_probabilities, with_floor


def cell_of(
    bandit: Bandit, query: Query, texts: Mapping[str, str], context: RequestContext | None
) -> int:
    """Return the position of a request's cell in the bandit's context.

    Args:
        bandit: the declaration.
        query: the request.
        texts: that its sender gives.
        context: features of the shopper, the query and the market; None where they are missing.
    """
    named = {**texts, "market": query.market}
    own = [each.name for each in bandit.context.dimensions if isinstance(each, Text)]
    values: dict[str, object] = {name: named.get(name) for name in own}
    if context is not None:
        values |= {**context.market_row, **context.query_row, **context.user}
    return bandit.context.position(values)


def choose(
    bandit: Bandit, query: Query, cell: int, counts: ArmCounts | None
) -> tuple[Slot, InteractionEvent]:
    """Draw an arm; return the decision for the sender, and as it is logged.

    Args:
        bandit: the declaration.
        query: the request.
        cell: of the request.
        counts: of `bandit.keys(cell)`; None where they cannot be read.
    """
    probabilities, state = _probabilities(bandit, query, cell, counts)
    decision_id, label = new_id(), bandit.context.cells[cell].label
    position = draw(probabilities, bandit.name, decision_id)
    arm, propensity = bandit.arms[position], min(probabilities[position], 1.0)
    decision = Decision(
        arm_key(bandit.name, label, arm),
        propensity,
        reward_until=query.t + bandit.window,
        request_id=None if query.list_request is None else query.request_id,
    )
    event = InteractionEvent(
        event_id=decision_id,
        event_time=query.t,
        item_id=arm,
        type=DECISION,
        user_id=query.user_id,
        session_id=query.session_id,
        decision=decision,
    )
    slot = Slot(arm=arm, decision_id=decision_id, propensity=propensity, context=label, state=state)
    return slot, event


def _probabilities(
    bandit: Bandit, query: Query, cell: int, counts: ArmCounts | None
) -> tuple[list[float], str]:
    if not bandit.is_on(query.t, query.market):
        return [float(arm == bandit.default) for arm in bandit.arms], "off"
    if counts is None:
        return [1 / len(bandit.arms)] * len(bandit.arms), "uniform"
    wins = win_probabilities(posteriors(bandit, cell, counts))
    return with_floor(wins, bandit.floor), "on"
