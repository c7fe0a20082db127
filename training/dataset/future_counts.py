"""Counts that are too high: a dataset's counts against the log's, as it was before each request.

The log is asked anew and in another way than the join: each sampled row sums the events seen before
its instant.  Should the as-of condition be lost anywhere between log and dataset, counts are higher
than that.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_repo.home import DAY, Home, LeakError
from feature_repo.transformations import staged
from feature_repo.views import WINDOWS, CounterView, counter_views
from training.dataset.format import Dataset

RANKINGS = 300
MOST_SHARE = 0.01
"""Of the sampled rows: a correction that is not yet among the features leaves a count too high."""

_SEED = 17


@dataclass(frozen=True)
class Surplus:
    """A column, and how many of the sampled rows know more than the log said then."""

    column: str
    rows: int
    of: int


def check_future_counts(home: Home, data: Dataset) -> None:
    """Let a dataset pass whose counts are no higher than the log's before each request.

    Raises:
        LeakError: names the columns that count what came later.
    """
    found = surpluses(home, data)
    if found:
        told = ", ".join(f"{one.column} ({one.rows} of {one.of} rows)" for one in found)
        raise LeakError(
            f"These counts are higher than the log's before the request: {told}; expected the "
            "features as of each ranking.  Run `aisle transform` and build the dataset again; if "
            "it stays, the join has lost its as-of condition.  Nothing was learned."
        )


def surpluses(home: Home, data: Dataset) -> list[Surplus]:
    """The counts that are too high in more than a few of the rows of some rankings."""
    sample = _sample(data)
    keys = sample.keys.append_column("n", pa.array(np.arange(sample.size)))
    found = []
    with tempfile.TemporaryDirectory() as spill, staged(home, Path(spill) / "spill") as db:
        db.register("asked", keys)
        for view in counter_views():
            told = db.sql(_counts(view)).fetchnumpy()
            for feature in view.features:
                column = f"{view.name}__{feature}"
                if column in data.facts.columns:
                    # Null, before the first event, is less than any count.
                    log = np.ma.filled(told[feature].astype(np.float64), -1.0)
                    more = int((np.nan_to_num(sample.column(column), nan=-1.0) > log).sum())
                    found.append(Surplus(column, more, sample.size))
    return [one for one in found if one.rows > MOST_SHARE * one.of]


def _sample(data: Dataset) -> Dataset:
    """All rows of some rankings."""
    slates = np.unique(data.column("qid"))
    rng = np.random.default_rng(_SEED)
    chosen = rng.choice(slates, min(RANKINGS, slates.size), replace=False)
    return data.rows(np.isin(data.column("qid"), chosen))


def _counts(view: CounterView) -> str:
    """Of each asked row: the sum of each measure over each window, of events seen before it."""
    deltas = view.sql_file.read_text()
    sums = ", ".join(
        f"case when count(delta.seen_at) > 0 then "
        f"coalesce(sum(delta.{measure}){_within(days)}, 0) end as {measure}_{window}"
        for measure in view.measures
        for window, days in WINDOWS.items()
    )
    return f"""
        select asked.n, {sums}
        from asked
        left join ({deltas}) as delta
            on delta.{view.key} = asked.{view.key} and delta.seen_at < epoch_us(asked.t)
        group by asked.n
        order by asked.n
    """


def _within(days: int | None) -> str:
    """Only the buckets inside the window."""
    if days is None:
        return ""
    return f" filter (where delta.bucket > epoch_us(asked.t) // {DAY} - {days})"
