"""The ranker's rows: candidates of decisions, what was known of them, and which were bought."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET, QUERY_KEY_VERSION
from feature_repo.request_features import Matrix
from feature_repo.request_features.context import RatePrior
from training.dataset import Dataset, Facts
from training.studies.next_purchase.candidates import Block, blocks
from training.studies.next_purchase.dated import DatedArtifacts
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.features import Lookups, features, matrix_of
from training.studies.next_purchase.history import Flags, Floats, Ints
from training.studies.next_purchase.order import K, first_items
from training.studies.next_purchase.relations import Relations

FEATURE_SERVICE = "next_purchase"
Score = Callable[[Matrix], Floats]


@dataclass(frozen=True)
class Known:
    """Everything that decisions' candidates are made from."""

    lookups: Lookups
    relations: DatedArtifacts[Relations]

    def blocks(self, decisions: Decisions) -> Iterator[Block]:
        """Decisions in time order, a block at a time."""
        return blocks(self.lookups.history, decisions, self.relations, self.lookups.by_user)


def taught_rows(known: Known, decisions: Decisions, negatives: int, seed: int) -> Dataset:
    """Rows to learn from: the candidates that were bought, and some of those that were not.

    A decision none of whose candidates was bought teaches nothing and is left out.

    Args:
        known: what the candidates are made from.
        decisions: in time order.
        negatives: candidates of a decision that were not bought, at most, drawn at random.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    keys: list[pa.Table] = []
    matrices: list[Matrix] = []
    columns: tuple[str, ...] = ()
    for block in known.blocks(decisions):
        decision, item = block.candidates()
        bought = _bought(block, decision, item)
        kept = _drawn(rng, decision, bought, negatives)
        found = features(block, known.lookups, decision[kept], item[kept])
        columns = tuple(found)
        matrices.append(matrix_of(found))
        keys.append(_keys(known, block, decision[kept], item[kept], bought[kept]))
    facts = Facts(columns, RatePrior(), FEATURE_SERVICE, QUERY_KEY_VERSION, {})
    return Dataset(facts, pa.concat_tables(keys), np.concatenate(matrices))


def ranked(known: Known, decisions: Decisions, score: Score) -> Ints:
    """Shape (D, K): candidates by score, then all other items by popularity; the first K."""
    found = [np.empty((0, min(K, len(known.lookups.history.items))), dtype=np.int64)]
    for block in known.blocks(decisions):
        decision, item = block.candidates()
        scores = score(matrix_of(features(block, known.lookups, decision, item)))
        popular = block.counts[28] / (block.counts[28].max(axis=1, keepdims=True) + 1)
        everything = popular - 1 + float(np.min(scores, initial=0.0))
        everything[decision, item] = scores
        found.append(first_items(everything))
    return np.concatenate(found)


def reachable(known: Known, decisions: Decisions) -> Floats:
    """Shape (D,): share of each order that stands among its candidates."""
    shares = []
    for block in known.blocks(decisions):
        decision, item = block.candidates()
        bought = _bought(block, decision, item)
        there = np.bincount(decision[bought], minlength=block.places.size)
        shares.append(there / [items.size for items in block.decisions.bought])
    return np.concatenate(shares)


def _bought(block: Block, decision: Ints, item: Ints) -> Flags:
    bought = np.zeros(block.counts[None].shape, dtype=bool)
    for row, items in zip(bought, block.decisions.bought, strict=True):
        row[items] = True
    return bought[decision, item]


def _drawn(rng: np.random.Generator, decision: Ints, bought: Flags, negatives: int) -> Ints:
    """Rows that are kept, in their order."""
    chance = np.where(bought, -1.0, rng.random(decision.size))
    order = np.lexsort((chance, decision))
    starts = np.searchsorted(decision, decision)
    place = np.empty(decision.size, dtype=np.int64)
    place[order] = np.arange(decision.size) - starts[order]
    wanted = np.bincount(decision, weights=bought)[decision]
    return np.flatnonzero((wanted > 0) & (place < wanted + negatives))


def _keys(known: Known, block: Block, decision: Ints, item: Ints, bought: Flags) -> pa.Table:
    history, part = known.lookups.history, block.decisions
    user = pa.array(history.users).take(pa.array(part.user[decision]))
    t = part.t[decision]
    first = np.searchsorted(decision, decision)
    return pa.table(
        {
            "request_id": pa.compute.binary_join_element_wise(
                user, pa.array(t).cast("string"), " "
            ),
            "qid": block.places[decision],
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
