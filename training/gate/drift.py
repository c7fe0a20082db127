"""The features of now must look like those that the ranker was trained on.

The validation split is compared with now, which is the newest half of the test split; only features
are read there, no outcome.  The two halves of the training split and the validation split show how
much features drift in this shop without harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np

from training.dataset import TEST, TRAIN, VALIDATE, Dataset, LazyDataset
from training.gate.layout import listed
from training.gate.limits import MISSING_SHARE, PSI, PSI_OF_BEFORE
from training.gate.result import GuardrailResult
from training.metrics import LEAST_CLUSTERS, slate_starts
from training.ranker import users_of

DRIFT = "drift"
_TENTHS, _MOST_ROWS = 10, 30_000
_CALENDAR = "calendar__"
"""Columns that follow from the time alone: now is always another time."""

_SHIFTS = """
with periods as (
    select
        case
            when qid < $middle then 'first'
            when split = 'train' then 'before'
            when split = 'validate' then 'recent'
            when qid >= $now then 'now'
        end as period,
        {columns}
    from read_parquet($path)
    where qid % $every = 0 and (split in ('train', 'validate') or qid >= $now)
),

long as (unpivot periods on * exclude (period) into name feature value x),

edges as (
    select feature, quantile_disc(x, {tenths}) as edge
    from long
    where period = 'recent' and not isnan(x)
    group by feature
),

binned as (
    select feature, period, if(isnan(x), -1, {bin}) as bin
    from long
    left join edges using (feature)
),

counts as (
    select
        feature,
        bin,
        count(*) filter (period = 'first') as first,
        count(*) filter (period = 'before') as before,
        count(*) filter (period = 'recent') as recent,
        count(*) filter (period = 'now') as now
    from binned
    group by feature, bin
),

shares as (
    select
        feature,
        bin,
        (columns(['first', 'before', 'recent', 'now']) + .5)
        / sum(columns(['first', 'before', 'recent', 'now']) + .5) over of_feature as '\\0'
    from counts
    window of_feature as (partition by feature)
)

select
    feature,
    sum((now - recent) * ln(now / recent)) as psi,
    greatest(
        sum((recent - before) * ln(recent / before)),
        sum((before - first) * ln(before / first))
    ) as psi_before,
    coalesce(sum(now) filter (bin = -1), 0) as missing,
    coalesce(sum(recent) filter (bin = -1), 0) as missing_recent,
    coalesce(sum(before) filter (bin = -1), 0) as missing_before
from shares
group by feature
order by feature
"""
"""SQL: one row for each feature.  The bins are the tenths of the validation split, and one of
missing values; half a row is added to each bin, so that an empty one has a finite logarithm."""


@dataclass(frozen=True)
class Shift:
    """How a feature's distribution changed.

    Attributes:
        psi: population stability index from the validation split to now.
        psi_before: the same between the halves of the training split, or from the newer half to the
            validation split if that is larger.
        missing, missing_recent, missing_before: share of missing values now, in the validation
            split, and in the newer half of the training split.
    """

    feature: str
    psi: float
    psi_before: float
    missing: float
    missing_recent: float
    missing_before: float

    @property
    def is_broken(self) -> bool:
        """Whether values are missing now that used to be there."""
        earlier = abs(self.missing_recent - self.missing_before)
        return self.missing - self.missing_recent > max(MISSING_SHARE, earlier)

    def is_shifted(self, noise: float) -> bool:
        """Whether it changed more than chance, and more than it used to change."""
        return self.psi > max(PSI, PSI_OF_BEFORE * self.psi_before) + noise


def check_drift(path: Path, gain_shares: Mapping[str, float]) -> GuardrailResult:
    """Check that no feature of a ranker is broken or shifted now.

    Args:
        path: of the dataset.
        gain_shares: feature → its share of the gain of the trees' splits.
    """
    data = LazyDataset.open(path)
    read = [name for name, share in gain_shares.items() if share and not name.startswith(_CALENDAR)]
    middle, now = _middle_slate(data, TRAIN), _middle_slate(data, TEST)
    users = _users(data, now)
    if not read or min(users) < LEAST_CLUSTERS:
        reason = f"Fewer than {LEAST_CLUSTERS} users in the validation split or now."
        return GuardrailResult.not_measured(DRIFT, reason)
    # The expectation of the index for two samples of one distribution (Yurdakul and Naranjo, 2020).
    noise = 2 * _TENTHS * sum(1 / count for count in users)
    shifts = feature_shifts(path, read, middle, now)
    broken = [one for one in shifts if one.is_broken]
    shifted = [one for one in shifts if one.is_shifted(noise) and one not in broken]
    worst = max(shifts, key=lambda one: one.psi)
    reasons = [
        *(["Broken, missing now: " + listed([*map(_missing, broken)])] if broken else []),
        *(["Shifted, by PSI: " + listed([*map(_index, shifted)])] if shifted else []),
    ]
    return GuardrailResult.of(
        DRIFT,
        not reasons,
        f"{'; '.join(reasons)}." if reasons else f"{len(shifts)} features look as in training.",
        worst.psi,
        max(PSI, PSI_OF_BEFORE * worst.psi_before) + noise,
        features=[
            asdict(one) | {"gain_share": gain_shares[one.feature]} for one in (*broken, *shifted)
        ],
    )


def feature_shifts(path: Path, columns: Sequence[str], middle: int, now: int) -> list[Shift]:
    """Return the shift of each column of a dataset.

    Args:
        path: of the dataset.
        columns: features.
        middle, now: `qid` of the first slate in the newer half of the training split, and of now.
    """
    sql = _SHIFTS.format(
        columns=", ".join(f'"{name}"' for name in columns),
        tenths=[n / _TENTHS for n in range(1, _TENTHS)],
        bin=" + ".join(f"coalesce((x > edge[{n}])::int, 0)" for n in range(1, _TENTHS)),
    )
    with duckdb.connect() as db:
        rows = db.execute("select count(*) from read_parquet($path)", {"path": str(path)})
        every = 1 + rows.fetchall()[0][0] // _MOST_ROWS
        values = {"path": str(path), "middle": middle, "now": now, "every": every}
        return [Shift(*row) for row in db.execute(sql, values).fetchall()]


def _middle_slate(data: Dataset, split: str) -> int:
    """Return the `qid` of the first slate in the newer half of a split."""
    slates = np.unique(data.column("qid")[data.column("split") == split])
    return int(slates[slates.size // 2])


def _users(data: Dataset, now: int) -> tuple[int, int]:
    """Return the number of users in the validation split and now."""
    starts = slate_starts(data.column("qid"))
    users, split, qid = users_of(data), data.column("split")[starts], data.column("qid")[starts]
    return np.unique(users[split == VALIDATE]).size, np.unique(users[qid >= now]).size


def _missing(one: Shift) -> str:
    return f"{one.feature} ({one.missing_recent:.0%} before, {one.missing:.0%} now)"


def _index(one: Shift) -> str:
    return f"{one.feature} ({one.psi:.2f})"
