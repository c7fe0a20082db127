"""The dataset: every slate that was shown, with what was known then and what was wanted of it.

Labels are joined to the features as they were strictly before each ranking, through Feast's
historical join, and turned into the model's matrix by the code that serves.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.errors import DatasetError
from feature_repo.home import Home
from feature_repo.instants import to_text
from feature_repo.query_key import QUERY_KEY_VERSION
from feature_repo.rate_prior import RatePrior
from feature_repo.request_features import Matrix, SlateFacts, feature_columns, feature_matrix
from feature_repo.shop import Shop
from training.dataset_file import Dataset, Facts, write_dataset
from training.gains import Gains
from training.known import known_facts
from training.labels import labelled_rankings
from training.metrics import slate_starts
from training.prior import fit_prior
from training.split import TRAIN, split_rankings

__all__ = ["FEATURE_SERVICE", "Dataset", "DatasetReport", "Progress", "build_dataset"]

Progress = Callable[[int, int | None], None]

SLATES_A_GROUP = 2000
FEATURE_SERVICE = "ranking_v1"


@dataclass(frozen=True)
class DatasetReport:
    """What was built, for people and machines."""

    path: Path
    rankings: dict[str, int]
    rows: int
    columns: int
    clicked_rankings: int
    first: str
    last: str
    prior: RatePrior

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "path": str(self.path)}


def build_dataset(
    home: Home, out: Path, progress: Progress | None = None, gains: Gains | None = None
) -> DatasetReport:
    """Write the dataset of everything in the compacted log to the Parquet file `out`.

    Raises:
        DatasetError: the log holds no ranking, or the training part no click.
    """
    shop, rows = Shop.load(home.shop_toml), _numbered(labelled_rankings(home, gains))
    taught = rows.filter(pc.equal(rows["split"], TRAIN))
    prior = fit_prior(taught["item_id"], pc.greater(taught["gain"], 0))
    if math.isnan(prior.click_rate):
        raise DatasetError(
            f"The training part of {home.log} has {taught.num_rows} impressions and no click on "
            "them; a ranker needs interactions that name their ranking."
        )
    facts = Facts(feature_columns(shop), prior, FEATURE_SERVICE, QUERY_KEY_VERSION, _by_split(rows))
    slates = known_facts(home, rows)
    write_dataset(out, facts, rows, _matrices(slates, shop, prior, rows, progress))
    return _report(out, facts, rows)


def _numbered(rows: pa.Table) -> pa.Table:
    """Add qid, the ranking's number in (time, id) order, and its split."""
    requests = rows["request_id"].combine_chunks().dictionary_encode()
    qid = requests.indices.to_numpy().astype(np.int64)
    splits = split_rankings(int(qid[-1]) + 1)[qid] if qid.size else np.empty(0, dtype=str)
    return rows.append_column("qid", pa.array(qid)).append_column("split", pa.array(splits))


def _matrices(
    slates: Iterator[SlateFacts], shop: Shop, prior: RatePrior, rows: pa.Table,
    progress: Progress | None,
) -> Iterator[Matrix]:  # fmt: skip
    """Matrices of whole slates, stacked to row groups."""
    group: list[Matrix] = []
    total = slate_starts(rows["qid"]).size
    for done, slate in enumerate(slates, start=1):
        group.append(feature_matrix(slate, shop, prior))
        if len(group) == SLATES_A_GROUP or done == total:
            yield np.concatenate(group)
            group = []
        if progress and (done % 50 == 0 or done == total):
            progress(done, total)


def _by_split(rows: pa.Table) -> dict[str, int]:
    first = rows.filter(pa.array(np.diff(rows["qid"].to_numpy(), prepend=-1) > 0))
    counts = pc.value_counts(first["split"]).to_pylist()
    return {count["values"]: count["counts"] for count in counts}


def _report(out: Path, facts: Facts, rows: pa.Table) -> DatasetReport:
    instants = rows["t"].cast(pa.int64())
    clicked = pc.count_distinct(rows.filter(pc.greater(rows["gain"], 0))["qid"])
    return DatasetReport(
        path=out,
        rankings=facts.rankings,
        rows=rows.num_rows,
        columns=len(facts.columns),
        clicked_rankings=clicked.as_py(),
        first=to_text(instants[0].as_py()),
        last=to_text(instants[-1].as_py()),
        prior=facts.prior,
    )
