"""Compare the ranker in the shadow with the one that shoppers saw, on logged answers.

Both scored the same candidates of the same requests.  Clicks follow what was shown, so NDCG of
clicks favours the ranker in use: a shadow above it is better, one somewhat below may be.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from feature_repo.home import DatasetError, Home
from feature_repo.transformations import LogSlice, opened, stage
from training.metrics import Interval, mean_interval, ndcg, slate_starts

_TOP = 10
_ITEMS = """
with

answers as (

    select
        event_id,
        request_id,
        shadow_version,
        model_version,
        coalesce(user_id, session_id, request_id) as shopper,
        unnest([item.item_id for item in items]) as item_id,
        unnest([item.score for item in items]) as score,
        unnest(from_json(shadow_scores, '["DOUBLE"]')) as shadow_score

    from read_parquet($served, hive_partitioning := false, union_by_name := true)
    where shadow_version = $version

),

clicked as (

    select request_id, item_id
    from stg_interactions
    where is_positive and request_id is not null
    group by all
    having sum(sign) > 0

)

select
    dense_rank() over (order by event_id) as qid,
    shopper,
    score,
    shadow_score,
    (clicked.item_id is not null)::double as gain

from answers
left join clicked using (request_id, item_id)
order by qid
"""


@dataclass(frozen=True)
class ShadowReport:
    """What the shadow would have changed.

    Attributes:
        version: of the ranker in the shadow.
        answers: with scores of both.
        same_first: share of answers with the same first item.
        same_top: mean share of the first ten items that both put there.
        clicked: answers with a click.
        difference: of ndcg@10 of clicks, shadow minus shown, by shopper; None without a click.
    """

    version: str
    answers: int
    same_first: float
    same_top: float
    clicked: int
    difference: Interval | None

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.difference is None:
            return "No answer with scores of both has a click yet."
        low, high = self.difference.low, self.difference.high
        if low > 0:
            return "The shadow orders clicked items better, although shoppers saw the other order."
        if high < 0:
            return "Shoppers clicked what the ranker in use put first; the shadow orders it lower."
        return "No difference that the clicks can tell yet."

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"sentence": self.sentence}


def compare_shadow(home: Home, version: str) -> ShadowReport:
    """Compare on the compacted log, as of the last refresh.

    Raises:
        DatasetError: no answer has scores of this version.
    """
    log, spill = LogSlice.whole(home), home.root / "shadow_comparison"
    served = [str(path) for path in log.paths("served") if _has_shadow(path)]
    columns: Mapping[str, npt.NDArray[Any]] = {}
    with opened(log, spill) as db:
        for table in ("stg_rankings", "stg_interactions") if served else ():
            stage(db, table)
        if served:
            rows = db.sql(_ITEMS, params={"served": served, "version": version}).to_arrow_table()
            columns = {name: rows.column(name).to_numpy() for name in rows.column_names}
    if not len(columns.get("qid", ())):
        raise DatasetError(
            f"Expected logged answers that {version} scored in the shadow, found none. Publish it "
            "with `aisle train --model shadow`, let the service answer, and `aisle refresh`."
        )
    return _report(version, columns)


def _has_shadow(path: Path) -> bool:
    """Whether a file was written by a version that knows of shadows."""
    return "shadow_version" in pq.read_schema(path).names


def _report(version: str, columns: Mapping[str, npt.NDArray[Any]]) -> ShadowReport:
    """Compare R rows, sorted by qid: shopper, score, shadow_score and gain."""
    qid, gain = columns["qid"], columns["gain"]
    starts = slate_starts(qid)
    pairs = zip(
        np.split(columns["score"], starts[1:]),
        np.split(columns["shadow_score"], starts[1:]),
        strict=True,
    )
    shared = [(_best(a, 1) & _best(b, 1), _best(a, _TOP) & _best(b, _TOP), a) for a, b in pairs]
    has_click = np.add.reduceat(gain, starts) > 0
    difference = None
    if has_click.any():
        values = ndcg(columns["shadow_score"], gain, qid) - ndcg(columns["score"], gain, qid)
        difference = mean_interval(values, columns["shopper"][starts].astype(str))
    return ShadowReport(
        version,
        len(starts),
        float(np.mean([len(first) for first, _, _ in shared])),
        float(np.mean([len(top) / min(_TOP, len(scores)) for _, top, scores in shared])),
        int(np.count_nonzero(has_click)),
        difference,
    )


def _best(scores: npt.NDArray[np.float64], number: int) -> frozenset[int]:
    """Return the positions of the greatest scores; of equal ones the first."""
    return frozenset(np.argsort(-scores, kind="stable")[:number].tolist())
