"""Scored candidates, and the slate that is cut from their order."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from feature_repo.home import DAY
from feature_repo.request_features import Matrix
from serving.query import Query
from serving.ranking.exploration import Draw, Explored

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Candidates with scores.

    Attributes:
        item_ids: N candidates.
        scores: shape (N,), higher is better.
        version: of the artifact that scored them; None without one.
        feature_service: of the ranker that scored them; None without one.
        columns: F names of the matrix's columns.
        matrix: shape (N, F), the ranker's input; None without a ranker.
    """

    item_ids: Sequence[str]
    scores: Scores
    version: str | None = None
    feature_service: str | None = None
    columns: tuple[str, ...] = ()
    matrix: Matrix | None = None


@dataclass(frozen=True)
class Slate:
    """The items of an answer.

    Attributes:
        order: positions of the items among the scored candidates, best first.
        dropped: candidates that were excluded.
        propensities: by position, probability that the item is shown in its slot; 1 where absent.
        next_ids: items of the later pages, in their order.
        draw: the random draw that changed the order; None without one.
        teams: by position, the variant that took the item's slot in a draft of two.
        other_version: of the second ranker of such a draft, whose scores are not `scored`.
    """

    scored: Scored
    order: Sequence[int]
    dropped: Sequence[str] = ()
    propensities: Mapping[int, float] = field(default_factory=dict)
    next_ids: Sequence[str] = ()
    draw: Draw | None = None
    teams: Mapping[int, str] = field(default_factory=dict)
    other_version: str | None = None


def order_by_score(scored: Scored, item_ids: Sequence[str]) -> Slate:
    """Return all scored items, best first; equal scores keep the order of the request.

    Args:
        scored: the candidates that may be shown.
        item_ids: all candidates; those without a score are `dropped`.
    """
    scored_ids = frozenset(scored.item_ids)
    return Slate(
        scored,
        np.argsort(-scored.scores, kind="stable").tolist(),
        [item_id for item_id in item_ids if item_id not in scored_ids],
    )


def cut_page(scored: Scored, explored: Explored, size: int, page: int) -> Slate:
    """Return a page of an explored order; exploration is recorded on the first page alone."""
    start = (page - 1) * size
    shown, following = explored.order[start : start + size], explored.order[start + size :]
    return Slate(
        scored,
        shown,
        propensities=explored.propensities,
        next_ids=[scored.item_ids[n] for n in following],
        draw=explored.draw if page == 1 else None,
    )


def list_seed(query: Query) -> int:
    """Return the seed of a list's exploration: 63 bits, equal for all its pages within a day."""
    return _seed(*_list_key(query))


def draft_seed(query: Query, experiment: str) -> int:
    """Return the seed of the draft of two rankers: 63 bits.

    It is equal for all pages of a list within a day; a ranking of given candidates has its own.
    """
    if query.list_request is None:
        return _seed(experiment, query.request_id)
    return _seed(experiment, *_list_key(query))


def _list_key(query: Query) -> tuple[str, ...]:
    who = query.session_id or query.user_id or query.request_id
    what = (query.surface or "", query.key or "", query.market)
    return (who, *what, str(query.t // DAY))


def _seed(*parts: str) -> int:
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1
