"""A slate on its way through the stages: candidates, then facts, then scores, then an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from feature_repo.request_features import Matrix
from feature_repo.request_features.context import RequestContext
from serving.ranking.exploration import Draw

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Candidates with scores.

    Attributes:
        item_ids: N candidates.
        scores: shape (N,), higher is better.
        version: of the artifact that scored; None where nothing did.
        feature_service: what it was trained on, where it reads features.
        columns: the F names of the matrix's columns.
        matrix: shape (N, F), what the ranker read; None where it read nothing.
    """

    item_ids: Sequence[str]
    scores: Scores
    version: str | None = None
    feature_service: str | None = None
    columns: tuple[str, ...] = ()
    matrix: Matrix | None = None


@dataclass(frozen=True)
class Slate:
    """The answer: items best first, `order` giving each one's place among the candidates.

    Attributes:
        dropped: candidates that may not be shown.
        propensities: by place, how likely the item was to be shown where it is; 1 where absent.
        rest: the ids that follow on later pages, in their order.
        draw: what chance was drawn from; None where it had no say.
    """

    scored: Scored
    order: Sequence[int]
    dropped: Sequence[str] = ()
    propensities: Mapping[int, float] = field(default_factory=dict)
    rest: Sequence[str] = ()
    draw: Draw | None = None


def drop_deleted(
    candidates: Sequence[str], facts: RequestContext | None, withdrawn: frozenset[str]
) -> tuple[Sequence[str], RequestContext | None]:
    """The candidates that are still there, and the facts of these alone.

    Features look at a candidate among the others of its slate; one that is never shown must not be
    among them, or training could not tell what was seen.

    Args:
        candidates: N item ids.
        facts: of the candidates; say which are deleted.
        withdrawn: the deleted ones where there are no facts.
    """
    deleted = withdrawn if facts is None else _deleted(facts)
    if not deleted:
        return candidates, facts
    places = [n for n, item_id in enumerate(candidates) if item_id not in deleted]
    if len(places) == len(candidates):
        return candidates, facts
    return [candidates[n] for n in places], None if facts is None else facts.select(places)


def order_by_score(scored: Scored, candidates: Sequence[str]) -> Slate:
    """Best first; equal scores keep the order given; candidates without a score were dropped."""
    kept = frozenset(scored.item_ids)
    return Slate(
        scored,
        np.argsort(-scored.scores, kind="stable").tolist(),
        [item_id for item_id in candidates if item_id not in kept],
    )


def _deleted(facts: RequestContext) -> frozenset[str]:
    flags = facts.item_numbers("item_attributes__is_deleted")
    return frozenset([facts.item_ids[n] for n in np.flatnonzero(flags == 1).tolist()])
