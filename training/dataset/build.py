"""Build the dataset: every slate that was shown, with its features at that time and its labels.

Feast's historical join reads the features strictly before each ranking; the code that serves
requests turns them into the model's matrix.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.events.contract import QUERY_KEY_VERSION
from feature_repo.home import DatasetError, Home, LeakError, NotEnoughError, Shortage, to_text
from feature_repo.request_features import Matrix, RequestContext, feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior, as_values
from feature_repo.shop import Shop
from feature_repo.transformations import State
from feature_repo.views import PURCHASE_SERVICE, RANKING_SERVICE
from training.dataset.format import Dataset, DatasetWriter, Facts
from training.dataset.future_counts import check_future_counts
from training.dataset.future_fields import check_future_fields
from training.dataset.gains import Gains
from training.dataset.labels import compacted, labelled_rankings, missing_labels
from training.dataset.lazy import LazyDataset
from training.dataset.logged_candidates import with_logged_sources, with_unshown_candidates
from training.dataset.orders import labelled_orders, missing_orders
from training.dataset.point_in_time import historical_features
from training.dataset.prior import fit_prior
from training.dataset.split import TRAIN, split_rankings
from training.dataset.sufficiency import check_sufficiency
from training.metrics import slate_starts

__all__ = ["Dataset", "DatasetReport", "Progress", "build_dataset"]

Progress = Callable[[int, int | None], None]

SLATES_A_GROUP = 1000
_Shown = tuple[RequestContext, int]
"""The context of all candidates of a slate, and the number of its first items that were shown."""

_Labelled = tuple[pa.Table, pa.Table]
"""The labelled rows of each ranking, and all its candidates: the same rows, then the others."""


@dataclass(frozen=True)
class DatasetReport:
    """Figures of a built dataset."""

    path: Path
    rankings: dict[str, int]
    rows: int
    columns: int
    clicked_rankings: int
    first: str
    last: str
    prior: RatePrior

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {**asdict(self), "path": str(self.path)}


def build_dataset(
    home: Home, out: Path, progress: Progress | None = None, gains: Gains | None = None
) -> DatasetReport:
    """Write the dataset of the whole compacted log to the Parquet file `out`.

    Raises:
        NotEnoughError: the log holds no ranking, or the training part no click.
        LeakError: an item field contains the future, or counts are higher than the log's before
            each ranking.
        DatasetError: the features are incomplete or damaged.
    """
    shop, service = Shop.load(home.shop_toml), service_of(home)
    rows, candidates = _READERS[service](home, gains)
    check_future_fields(home, shop)
    train = rows.filter(pc.equal(rows["split"], TRAIN))
    prior = fit_prior(train["item_id"], pc.greater(train["gain"], 0))
    if math.isnan(prior.click_rate):
        check_sufficiency(rows, service)
    columns, features = feature_columns(shop, service), _whole_features(home)
    facts = Facts(
        columns,
        prior,
        service,
        QUERY_KEY_VERSION,
        _by_split(rows),
        _roles(shop, columns),
        features.origin,
    )
    slates = with_logged_sources(home, rows, historical_features(home, candidates))
    _write(out, facts, rows, slates, shop, progress)
    try:
        check_future_counts(home, LazyDataset.open(out))
    except LeakError:
        out.unlink()
        raise
    return _report(out, facts, rows)


def _whole_features(home: Home) -> State:
    features = State.read(home.features)
    if features is None:
        raise DatasetError(
            f"{home.features}: expected the files of one whole run, found changed or missing ones. "
            "Run `aisle refresh`: it computes them again."
        )
    return features


def service_of(home: Home) -> str:
    """Return the feature service of the ranker that a log teaches.

    Slates that were shown teach clicks.  A log without enough of them may teach next purchases.

    Raises:
        NotEnoughError: there are no slates, and too few orders.
    """
    without_orders = missing_orders(home)
    if not without_orders and missing_labels(home):
        return PURCHASE_SERVICE
    if without_orders and compacted(home, "interaction") and not compacted(home, "ranking"):
        raise NotEnoughError([*missing_labels(home), *without_orders])
    return RANKING_SERVICE


def missing_for_ranker(home: Home) -> Sequence[Shortage]:
    """Return what a log lacks to teach any ranker; slates or orders suffice."""
    missing = missing_labels(home)
    without_orders = missing_orders(home) if missing else ()
    return [*missing, *without_orders] if without_orders else []


def _shown_slates(home: Home, gains: Gains | None) -> _Labelled:
    rows = numbered(labelled_rankings(home, gains))
    return rows, with_unshown_candidates(home, rows)


def _orders(home: Home, _: Gains | None) -> _Labelled:
    candidates = labelled_orders(home)
    return candidates.filter(pc.invert(candidates["is_context"])), candidates


_READERS: Mapping[str, Callable[[Home, Gains | None], _Labelled]] = {
    RANKING_SERVICE: _shown_slates,
    PURCHASE_SERVICE: _orders,
}


def numbered(rows: pa.Table) -> pa.Table:
    """Add `qid`, the ranking's number in (time, id) order, and its split."""
    requests = rows["request_id"].combine_chunks().dictionary_encode()
    qid = requests.indices.to_numpy().astype(np.int64)
    splits = split_rankings(int(qid[-1]) + 1)[qid] if qid.size else np.empty(0, dtype=str)
    return rows.append_column("qid", pa.array(qid)).append_column("split", pa.array(splits))


def _write(
    out: Path,
    facts: Facts,
    rows: pa.Table,
    slates: Iterator[RequestContext],
    shop: Shop,
    progress: Progress | None,
) -> None:
    """Write matrices and categories of whole slates, some slates in each row group."""
    schema = rows.schema.append(pa.field("category", pa.string()))
    bounds = np.r_[slate_starts(rows["qid"]), rows.num_rows]
    total = bounds.size - 1
    with DatasetWriter(out, facts, schema) as writer:
        for first in range(0, total, SLATES_A_GROUP):
            last = min(first + SLATES_A_GROUP, total)
            shown = np.diff(bounds[first : last + 1]).tolist()
            group = list(zip(islice(slates, last - first), shown, strict=True))
            keys = rows[bounds[first] : bounds[last]]
            keys = keys.append_column(schema.field("category"), _categories(group, shop))
            writer.write(keys, _matrix(group, shop, facts, first, total, progress))


def _matrix(
    group: list[_Shown],
    shop: Shop,
    facts: Facts,
    done: int,
    total: int,
    progress: Progress | None,
) -> Matrix:
    matrices = []
    for number, (slate, shown) in enumerate(group, start=done + 1):
        matrix = feature_matrix(slate, shop, facts.prior, facts.feature_service)
        matrices.append(matrix[:shown])
        if progress and (number % 50 == 0 or number == total):
            progress(number, total)
    return np.concatenate(matrices)


def _categories(group: list[_Shown], shop: Shop) -> pa.Array:
    """Return the first category of each item at the request; null if it has none."""
    field = shop.item_role("category")
    if field is None:
        return pa.nulls(sum(shown for _, shown in group), pa.string())
    column = f"item_attributes__{field.column}"
    values = [as_values(value) for slate, n in group for value in slate.items[column][:n]]
    return pa.array([value[0] if value else None for value in values], pa.string())


def _roles(shop: Shop, columns: Sequence[str]) -> dict[str, str]:
    """Return the feature columns that have a role in the evaluation."""
    price = shop.item_role("price")
    column = None if price is None else f"item_attributes__{price.column}"
    return {"price": column} if column is not None and column in columns else {}


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
