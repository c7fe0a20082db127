"""The ranker's rows: candidates of decisions, their features, and which of them were bought."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET, QUERY_KEY_VERSION
from feature_repo.request_features import Matrix
from feature_repo.request_features.context import RatePrior
from training.dataset import Dataset, Facts
from training.studies.next_purchase.candidates import Block, blocks
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.features import Lookups, features, matrix_of
from training.studies.next_purchase.history import Flags, Floats, History, Ints
from training.studies.next_purchase.order import first_items

FEATURE_SERVICE = "next_purchase"
Scores = Callable[[Matrix], Sequence[Floats]]
"""Several scores of the rows of a matrix, each of shape (R,)."""


def training_rows(lookups: Lookups, decisions: Decisions, negatives: int, seed: int) -> Dataset:
    """Return rows to learn from: the candidates that were bought, and some of the others.

    A decision without a bought candidate has no rows.

    Args:
        lookups: the history.
        decisions: in time order.
        negatives: maximum number of candidates of a decision that were not bought, a random sample.
        seed: of the sample.
    """
    rng = np.random.default_rng(seed)
    keys: list[pa.Table] = []
    matrices: list[Matrix] = []
    columns: tuple[str, ...] = ()
    for block in blocks(lookups.history, decisions, lookups.by_user):
        decision, item = block.candidates()
        bought = _bought(block, decision, item)
        sample = _sample(rng, decision, bought, negatives)
        values = features(block, lookups, decision[sample], item[sample])
        columns = tuple(values)
        matrices.append(matrix_of(values))
        keys.append(_keys(lookups.history, block, decision[sample], item[sample], bought[sample]))
    facts = Facts(columns, RatePrior(), FEATURE_SERVICE, QUERY_KEY_VERSION, {})
    return Dataset(facts, pa.concat_tables(keys), np.concatenate(matrices))


def rank(lookups: Lookups, decisions: Decisions, scores: Scores) -> tuple[list[Ints], Floats]:
    """Rank all items for D decisions: candidates by score, then the other items by popularity.

    Returns:
        For each of several scores the first K items of each decision, shape (D, K); and the share
        of each order that is among its candidates, shape (D,).
    """
    rankings: list[list[Ints]] = []
    reached: list[Floats] = []
    for block in blocks(lookups.history, decisions, lookups.by_user):
        decision, item = block.candidates()
        matrix = matrix_of(features(block, lookups, decision, item))
        popular = block.counts[28] / (block.counts[28].max(axis=1, keepdims=True) + 1)
        part = []
        for candidates in scores(matrix):
            all_scores = popular - 1 + float(np.min(candidates, initial=0.0))
            all_scores[decision, item] = candidates
            part.append(first_items(all_scores))
        rankings.append(part)
        bought = np.bincount(decision[_bought(block, decision, item)], minlength=len(block.indexes))
        reached.append(bought / [items.size for items in block.decisions.bought])
    return [np.concatenate(each) for each in zip(*rankings, strict=True)], np.concatenate(reached)


def _bought(block: Block, decision: Ints, item: Ints) -> Flags:
    bought = np.zeros(block.counts[None].shape, dtype=bool)
    for row, items in zip(bought, block.decisions.bought, strict=True):
        row[items] = True
    return bought[decision, item]


def _sample(rng: np.random.Generator, decision: Ints, bought: Flags, negatives: int) -> Ints:
    """Return the rows of the sample, in their order."""
    chance = np.where(bought, -1.0, rng.random(decision.size))
    order = np.lexsort((chance, decision))
    starts = np.searchsorted(decision, decision)
    draw = np.empty(decision.size, dtype=np.int64)
    draw[order] = np.arange(decision.size) - starts[order]
    positives = np.bincount(decision, weights=bought)[decision]
    return np.flatnonzero((positives > 0) & (draw < positives + negatives))


def _keys(history: History, block: Block, decision: Ints, item: Ints, bought: Flags) -> pa.Table:
    part = block.decisions
    user = pa.array(history.users).take(pa.array(part.user[decision]))
    t = part.t[decision]
    first = np.searchsorted(decision, decision)
    return pa.table(
        {
            "request_id": pa.compute.binary_join_element_wise(
                user, pa.array(t).cast("string"), " "
            ),
            "qid": block.indexes[decision],
            "user_id": user,
            "query_key": pa.nulls(decision.size, pa.string()),
            "market": pa.repeat(DEFAULT_MARKET, decision.size),
            "item_id": pa.array(history.items).take(pa.array(item)),
            "position": np.arange(decision.size) - first + 1,
            "t": pa.array(t).cast(pa.timestamp("us", "UTC")),
            "gain": bought.astype(np.float64),
            "split": part.split[decision].astype(object),
        }
    )
