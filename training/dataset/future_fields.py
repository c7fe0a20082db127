"""Item fields that tell the future: told again and again, each time what shoppers will do next.

No single row shows it, and a good field predicts clicks as well.  But a price or a promotion moves
clicks among much chance; only a field that was made from them afterwards moves with them item by
item, time by time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from feature_repo.events.contract import POSITIVE_TYPES
from feature_repo.home import DAY, Home, LeakError
from feature_repo.shop import Shop
from training.dataset.labels import compacted
from training.metrics import AsOfSum

Floats = npt.NDArray[np.float64]

SUSPICIOUS_CORRELATION = 0.9
FEWEST_TOLD, FEWEST_CLICKS = 50, 30
"""Values told of one field, and interactions that followed; of fewer, chance makes anything."""

_TOLD = """
select
    (hash(item_id) >> 1)::bigint as item,
    epoch_us(seen_at) as t,
    try_cast(fields ->> $path as double) as value

from read_parquet($items)
where try_cast(fields ->> $path as double) is not null
order by item, t
"""

_ACTED = """
select (hash(item_id) >> 1)::bigint as item, epoch_us(event_time) as t
from read_parquet($interactions)
where type = $type and corrects is null
"""


@dataclass(frozen=True)
class FutureField:
    """An item field, and how closely it moves with the interactions that come next.

    Attributes:
        correlation: Pearson's, within items, of a value with the number of interactions until the
            next value is told, a day at most.
    """

    field: str
    type: str
    correlation: float


def check_future_fields(home: Home, shop: Shop) -> None:
    """Let a log pass whose item fields know only the past.

    Raises:
        LeakError: names the fields that do not.
    """
    found = future_fields(home, shop)
    if found:
        told = ", ".join(
            f"{one.field} (correlation {one.correlation:.3f} with the next {one.type}s)"
            for one in found
        )
        raise LeakError(
            f"These item fields tell what shoppers did afterwards: {told}; expected what was known "
            f"when they were told.  Take them out of {home.shop_toml.name}, or tell them later; "
            "nothing was learned."
        )


def future_fields(home: Home, shop: Shop) -> list[FutureField]:
    """The number fields that move with what comes next, by the interaction they know best."""
    items, interactions = compacted(home, "item"), compacted(home, "interaction")
    if not items or not interactions:
        return []
    found = []
    with duckdb.connect() as db:
        acted = {
            type_: db.execute(_ACTED, {"interactions": interactions, "type": type_}).fetchnumpy()
            for type_ in POSITIVE_TYPES
        }
        for field in shop.items_of("number"):
            pointer = "/" + field.name.replace("~", "~0").replace("/", "~1")
            given = {"items": items, "path": pointer}
            told = db.execute(_TOLD, given).fetchnumpy()
            known = [
                FutureField(field.name, type_, _correlation(told, events))
                for type_, events in acted.items()
                if told["t"].size >= FEWEST_TOLD and events["t"].size
            ]
            found += sorted(known, key=lambda one: -one.correlation)[:1]
    return [one for one in found if one.correlation > SUSPICIOUS_CORRELATION]


def _correlation(told: Mapping[str, Any], acted: Mapping[str, Any]) -> float:
    """0 where too little followed."""
    item, t, value = told["item"], told["t"], np.asarray(told["value"], np.float64)
    again = np.r_[(item[1:] == item[:-1]), False]
    until = np.minimum(np.where(again, np.r_[t[1:], 0], t + DAY), t + DAY)
    happened = AsOfSum(acted["item"], acted["t"], np.ones(acted["t"].size))
    came = happened.before(item, until) - happened.before(item, t)
    if came.sum() < FEWEST_CLICKS:
        return 0.0
    x, y = _within(value, item), _within(came, item)
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / scale if scale > 0 else 0.0


def _within(values: Floats, item: npt.NDArray[np.int64]) -> Floats:
    """Less the mean of the item."""
    _, code = np.unique(item, return_inverse=True)
    means = np.bincount(code, values) / np.bincount(code)
    return np.asarray(values - means[code])
