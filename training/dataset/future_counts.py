"""Target leakage through counts: compare a dataset's counts with the log before each request.

The check does not use the join: for each sampled row it sums the events seen before the request.
Higher counts in the dataset mean that the as-of condition was lost.  A shopper's counts are at most
those of the user and of the session together.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from feature_repo.home import DAY, Home, LeakError
from feature_repo.request_features.context import Floats
from feature_repo.shop import Shop
from feature_repo.transformations import row_sql, staged
from feature_repo.views import WINDOWS, CounterView, counter_views
from training.dataset.format import Dataset

RANKINGS = 300
MOST_SHARE = 0.01
"""Tolerated share of the sampled rows: a correction that the features lack leaves a count too
high."""

_ADDED = {"user_engagement": "session_engagement"}
"""The view whose counts a request may add to another's."""

_SEED = 17


@dataclass(frozen=True)
class Surplus:
    """A column, and the number of sampled rows with more events than the log had then."""

    column: str
    rows: int
    of: int


def check_future_counts(home: Home, data: Dataset) -> None:
    """Check that no count of a dataset is higher than the log's before each request.

    Raises:
        LeakError: names the columns that count later events.
    """
    excess = surpluses(home, data)
    if excess:
        counts = ", ".join(f"{one.column} ({one.rows} of {one.of} rows)" for one in excess)
        raise LeakError(
            f"These counts are higher than the log's before the request: {counts}; expected the "
            "features as of each ranking.  Run `aisle transform` and build the dataset again; if "
            "the error persists, the join has lost its as-of condition.  Nothing was learned."
        )


def surpluses(home: Home, data: Dataset) -> list[Surplus]:
    """Return the counts that are too high in more than a few sampled rows."""
    sample = _sample(data)
    keys = sample.keys.append_column("n", pa.array(np.arange(sample.size)))
    excess = []
    with tempfile.TemporaryDirectory() as spill, staged(home, Path(spill) / "spill") as db:
        db.register("sampled", keys)
        views = {view.name: view for view in counter_views() if view.key in keys.column_names}
        counts = {name: _counted(db, view, home) for name, view in views.items()}
        for name, view in views.items():
            most = _sums([counts[of] for of in (name, _ADDED.get(name)) if of in counts])
            for feature in view.features:
                column = f"{name}__{feature}"
                if column in data.facts.columns:
                    # Missing, before the first event, is less than any count.
                    more = np.nan_to_num(sample.column(column), nan=-1.0) > most[feature]
                    excess.append(Surplus(column, int(more.sum()), sample.size))
    return [one for one in excess if one.rows > MOST_SHARE * one.of]


def _sample(data: Dataset) -> Dataset:
    """Select all rows of some random rankings."""
    slates = np.unique(data.column("qid"))
    rng = np.random.default_rng(_SEED)
    chosen = rng.choice(slates, min(RANKINGS, slates.size), replace=False)
    return data.rows(np.isin(data.column("qid"), chosen))


def _counted(db: duckdb.DuckDBPyConnection, view: CounterView, home: Home) -> dict[str, Floats]:
    """Return the log's counts of each sampled row by feature, NaN where missing."""
    counts = db.sql(_counts(view, Shop.load(home.shop_toml))).fetchnumpy()
    return {name: np.ma.filled(counts[name].astype(np.float64), np.nan) for name in view.features}


def _sums(tables: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """Return the sums of the counts by feature, −1 where all are missing."""
    return {
        feature: np.where(
            np.all([np.isnan(table[feature]) for table in tables], axis=0),
            -1.0,
            np.nansum([table[feature] for table in tables], axis=0),
        )
        for feature in tables[0]
    }


def _counts(view: CounterView, shop: Shop) -> str:
    """SQL: for each sampled row, sum each measure over each window, of events seen before it."""
    deltas = row_sql(view, shop)
    sums = ", ".join(
        f"case when count(delta.seen_at) > 0 then "
        f"coalesce(sum(delta.{measure}){_within(days)}, 0) end as {measure}_{window}"
        for measure in view.measures
        for window, days in WINDOWS.items()
    )
    return f"""
        select sampled.n, {sums}
        from sampled
        left join ({deltas}) as delta
            on delta.{view.key} = sampled.{view.key} and delta.seen_at < epoch_us(sampled.t)
        group by sampled.n
        order by sampled.n
    """


def _within(days: int | None) -> str:
    """SQL: select the buckets inside the window."""
    if days is None:
        return ""
    return f" filter (where delta.bucket > epoch_us(sampled.t) // {DAY} - {days})"
