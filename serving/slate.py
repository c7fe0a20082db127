"""A slate on its way through the stages: candidates, then facts, then scores, then an order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.request_features import Matrix
from feature_repo.slate_facts import SlateFacts

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
    """The answer: items best first, `order` giving each one's place among the candidates."""

    scored: Scored
    order: Sequence[int]
    dropped: Sequence[str] = ()


def rerank(
    scored: Scored, facts: SlateFacts | None, withdrawn: frozenset[str] = frozenset()
) -> Slate:
    """Best first; equal scores keep the order given; deleted items are dropped.

    Args:
        scored: candidates with scores.
        facts: say which items are deleted.
        withdrawn: the deleted items where there are no facts.
    """
    best_first = np.argsort(-scored.scores, kind="stable").tolist()
    deleted = withdrawn if facts is None else _deleted(facts)
    return Slate(
        scored,
        [n for n in best_first if scored.item_ids[n] not in deleted],
        [item_id for item_id in scored.item_ids if item_id in deleted],
    )


def _deleted(facts: SlateFacts) -> frozenset[str]:
    flags = facts.item_numbers("item_attributes__is_deleted")
    return frozenset(
        item_id for item_id, flag in zip(facts.item_ids, flags, strict=True) if flag == 1
    )
