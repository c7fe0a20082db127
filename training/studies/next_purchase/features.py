"""Features of a candidate: of the item, the user and both, from strictly before the decision."""

from dataclasses import dataclass

import numpy as np

from feature_repo.home import DAY
from feature_repo.request_features import Matrix
from training.studies.next_purchase.candidates import HALF_LIFE_DAYS, WINDOWS_DAYS, Block
from training.studies.next_purchase.history import GUEST, Floats, History, Ints
from training.studies.next_purchase.occurrences import Occurrences


@dataclass(frozen=True)
class Lookups:
    """A history with its indexes.

    Attributes:
        by_item, by_user, by_pair: its rows by item, by user, and by both.
        ordinal: shape (P,), which of its user's baskets a row is of, from 0.
    """

    history: History
    by_item: Occurrences
    by_user: Occurrences
    by_pair: Occurrences
    ordinal: Ints

    @classmethod
    def of(cls, history: History) -> "Lookups":
        """Sort the history by each key; guests share one."""
        return cls(
            history,
            Occurrences(history.item),
            Occurrences(history.user),
            Occurrences(_pair(history, history.user, history.item)),
            _ordinals(history),
        )


def features(block: Block, lookups: Lookups, decision: Ints, item: Ints) -> dict[str, Floats]:
    """Return name → shape (R,): features of R candidates, NaN where there is no value.

    Args:
        block: the decisions.
        lookups: the history.
        decision, item: shape (R,), the candidates.
    """
    users = _users(block, lookups)
    values = {
        **_popularity(block, decision, item),
        **_items(block, lookups, decision, item),
        **{name: of_user[decision] for name, of_user in users.items()},
        **_pairs(block, lookups, decision, item),
    }
    orders = values["user_orders"]
    values["pair_share"] = values["pair_orders"] / orders
    values["pair_share_since_first"] = values["pair_orders"] / values["pair_orders_since_first"]
    values["pair_overdue"] = values["pair_days_since"] / _some(values["pair_interval_days"])
    values["price_ratio"] = values["item_price"] / _some(values["user_mean_price"])
    return values


def matrix_of(values: dict[str, Floats]) -> Matrix:
    """Return the features as columns, shape (R, F) float32."""
    return np.stack(list(values.values()), axis=1).astype(np.float32)


def _popularity(block: Block, decision: Ints, item: Ints) -> dict[str, Floats]:
    """Return purchases as shares of all purchases of the window, whatever the season."""
    shares = {
        days: counts[decision, item] / np.maximum(counts.sum(axis=1), 1.0)[decision]
        for days, counts in block.counts.items()
    }
    named = {f"item_share_{'all' if d is None else f'{d}d'}": shares[d] for d in WINDOWS_DAYS}
    least = 1e-5
    named["item_trend_week"] = (shares[7] + least) / (shares[28] + least)
    named["item_trend_month"] = (shares[28] + least) / (shares[91] + least)
    return named


def _items(block: Block, lookups: Lookups, decision: Ints, item: Ints) -> dict[str, Floats]:
    history, rows_seen = lookups.history, block.decisions.rows_seen[decision]
    times = lookups.by_item.count(item, rows_seen)
    first = lookups.by_item.row(item, np.where(times > 0, 0, -1))
    last = lookups.by_item.row(item, times - 1)
    t = block.decisions.t[decision]
    return {
        "item_age_days": _at(first, (t - history.bought_at[first]) / DAY),
        "item_days_since": _at(last, (t - history.bought_at[last]) / DAY),
        "item_price": _at(last, history.price[last]),
    }


def _users(block: Block, lookups: Lookups) -> dict[str, Floats]:
    """Shape (B,) each."""
    own, history, size = block.own, lookups.history, block.indexes.size
    rows = np.bincount(own.decision, minlength=size).astype(np.float64)
    orders = _orders(block, lookups)
    since, longest = np.full(size, np.nan), np.full(size, np.nan)
    np.fmin.at(since, own.decision, own.age_days)
    np.fmax.at(longest, own.decision, own.age_days)
    distinct = np.diff(own.decayed(None).indptr)
    return {
        "user_orders": _some(orders),
        "user_items_per_order": rows / _some(orders),
        "user_days_since": since,
        "user_interval_days": (longest - since) / _some(orders - 1),
        "user_repeat_share": 1 - distinct / _some(rows),
        "user_mean_price": _mean(history.price[own.row], own.decision, size),
    }


def _pairs(block: Block, lookups: Lookups, decision: Ints, item: Ints) -> dict[str, Floats]:
    history, part = lookups.history, block.decisions
    key = _pair(history, part.user[decision], item)
    rows_seen, t = part.rows_seen[decision], part.t[decision]
    times = lookups.by_pair.count(key, rows_seen)
    first = lookups.by_pair.row(key, np.where(times > 0, 0, -1))
    last = lookups.by_pair.row(key, times - 1)
    orders = _orders(block, lookups)
    since_first = _at(first, (t - history.bought_at[first]) / DAY)
    since_last = _at(last, (t - history.bought_at[last]) / DAY)
    return {
        "pair_orders": times.astype(np.float64),
        "pair_decayed": block.own.decayed(HALF_LIFE_DAYS).toarray()[decision, item],
        "pair_days_since": since_last,
        "pair_orders_since": _at(last, orders[decision] - lookups.ordinal[last] - 1),
        "pair_orders_since_first": _at(first, orders[decision] - lookups.ordinal[first]),
        "pair_interval_days": (since_first - since_last) / _some(times - 1.0),
        "pair_price": _at(last, history.price[last]),
    }


def _orders(block: Block, lookups: Lookups) -> Floats:
    """Return the number of earlier orders of each user, shape (B,)."""
    orders = np.zeros(block.indexes.size)
    np.maximum.at(orders, block.own.decision, lookups.ordinal[block.own.row] + 1.0)
    return orders


def _some(counts: Floats) -> Floats:
    """Return counts as divisors: NaN in place of zero."""
    return np.where(counts > 0, counts, np.nan)


def _mean(values: Floats, group: Ints, size: int) -> Floats:
    """Return the means of the numbers of each group, shape (size,)."""
    valid = ~np.isnan(values)
    sums = np.bincount(group[valid], weights=values[valid], minlength=size)
    return sums / _some(np.bincount(group[valid], minlength=size).astype(np.float64))


def _at(row: Ints, values: Floats) -> Floats:
    """Return the values where there is a row, else NaN."""
    return np.where(row >= 0, values, np.nan)


def _pair(history: History, user: Ints, item: Ints) -> Ints:
    return np.where(user == GUEST, GUEST, user * len(history.items) + item)


def _ordinals(history: History) -> Ints:
    """Number the baskets of each user from 0, in the order of `seen_at`.

    Returns:
        Shape (P,): the number of each purchase's basket.
    """
    _, first_row, basket = np.unique(history.basket, return_index=True, return_inverse=True)
    order = np.lexsort((first_row, history.user[first_row]))
    user = history.user[first_row][order]
    starts = np.flatnonzero(np.r_[True, user[1:] != user[:-1]])
    ordinal = np.empty(order.size, dtype=np.int64)
    ordinal[order] = np.arange(order.size) - np.repeat(starts, np.diff(np.r_[starts, order.size]))
    return ordinal[basket]
