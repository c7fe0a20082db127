"""Target leakage through item fields: values that were computed from later interactions.

No single row shows the leak, and an honest field, such as a price, predicts clicks too.  But an
honest field correlates only weakly with the clicks after each update; a field computed from these
clicks follows them for every item and every update.
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
FEWEST_VALUES, FEWEST_CLICKS = 50, 30
"""Minimum numbers of values of a field, and of interactions after them; with fewer, any correlation
may be chance."""

_VALUES = """
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
    """An item field and its correlation with the interactions that follow.

    Attributes:
        correlation: Pearson's, within items, of a value with the number of interactions until the
            next value of the field, within one day at most.
    """

    field: str
    type: str
    correlation: float


def check_future_fields(home: Home, shop: Shop) -> None:
    """Check that no item field of a log contains the future.

    Raises:
        LeakError: names the fields that do.
    """
    leaking = future_fields(home, shop)
    if leaking:
        described = ", ".join(
            f"{one.field} (correlation {one.correlation:.3f} with the next {one.type}s)"
            for one in leaking
        )
        raise LeakError(
            f"These item fields contain what shoppers did afterwards: {described}; expected values "
            f"from before the event.  Remove them from {home.shop_toml.name}, or send them later; "
            "nothing was learned."
        )


def future_fields(home: Home, shop: Shop) -> list[FutureField]:
    """Return the number fields that follow later interactions, each with its closest type."""
    items, interactions = compacted(home, "item"), compacted(home, "interaction")
    if not items or not interactions:
        return []
    leaking = []
    with duckdb.connect() as db:
        interactions_by_type = {
            type_: db.execute(_ACTED, {"interactions": interactions, "type": type_}).fetchnumpy()
            for type_ in POSITIVE_TYPES
        }
        for field in shop.items_of("number"):
            pointer = "/" + field.name.replace("~", "~0").replace("/", "~1")
            parameters = {"items": items, "path": pointer}
            values = db.execute(_VALUES, parameters).fetchnumpy()
            by_type = [
                FutureField(field.name, type_, _correlation(values, events))
                for type_, events in interactions_by_type.items()
                if values["t"].size >= FEWEST_VALUES and events["t"].size
            ]
            leaking += sorted(by_type, key=lambda one: -one.correlation)[:1]
    return [one for one in leaking if one.correlation > SUSPICIOUS_CORRELATION]


def _correlation(values: Mapping[str, Any], interactions: Mapping[str, Any]) -> float:
    """Correlate values with the interactions until the next value; 0 after too few of these."""
    item, t, numbers = values["item"], values["t"], np.asarray(values["value"], np.float64)
    again = np.r_[(item[1:] == item[:-1]), False]
    until = np.minimum(np.where(again, np.r_[t[1:], 0], t + DAY), t + DAY)
    total = AsOfSum(
        interactions["item"],
        interactions["t"],
        np.ones(interactions["t"].size),
    )
    following = total.before(item, until) - total.before(item, t)
    if following.sum() < FEWEST_CLICKS:
        return 0.0
    x, y = _within(numbers, item), _within(following, item)
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / scale if scale > 0 else 0.0


def _within(values: Floats, item: npt.NDArray[np.int64]) -> Floats:
    """Subtract the mean of each item."""
    _, code = np.unique(item, return_inverse=True)
    means = np.bincount(code, values) / np.bincount(code)
    return np.asarray(values - means[code])
