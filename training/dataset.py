"""The dataset: every slate that was shown, with what was known then and what was wanted of it.

Labels are joined to the features as they were strictly before each ranking, through Feast's
historical join, and turned into the model's matrix by the code that serves.  The file is Parquet,
rows in (t, request id, position) order; its metadata carries what was fitted on the way.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.errors import DatasetError
from feature_repo.home import Home
from feature_repo.instants import to_text
from feature_repo.query_key import QUERY_KEY_VERSION
from feature_repo.rate_prior import RatePrior
from feature_repo.request_features import Matrix, SlateFacts, feature_columns, feature_matrix
from feature_repo.shop import Shop
from training.known import known_facts
from training.labels import labelled_rankings
from training.metrics import slate_starts
from training.prior import fit_prior
from training.split import TRAIN, split_rankings

Progress = Callable[[int, int | None], None]

KEYS = ("request_id", "qid", "user_id", "query_key", "market", "item_id", "position", "t", "gain",
        "split")  # fmt: skip
SLATES_A_GROUP = 2000
FEATURE_SERVICE = "ranking_v1"
_META = b"aisle"


@dataclass(frozen=True)
class Facts:
    """What a dataset's metadata says.

    Attributes:
        columns: the F feature columns, in order.
        prior: click-rate prior, fitted on the training part.
        feature_service: the service the features are of.
        query_key_version: of the function that made the query keys.
        rankings: number of rankings by split.
    """

    columns: tuple[str, ...]
    prior: RatePrior
    feature_service: str
    query_key_version: int
    rankings: dict[str, int]


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


@dataclass(frozen=True)
class Dataset:
    """A dataset, or some rows of it, in memory: R rows, Q slates.

    Attributes:
        keys: R rows of `KEYS`.
        matrix: shape (R, F) float32.
    """

    facts: Facts
    keys: pa.Table
    matrix: Matrix

    @classmethod
    def load(cls, path: Path) -> "Dataset":
        """Read a dataset.

        Raises:
            DatasetError: absent, not one of ours, or a column is missing.
        """
        facts = read_facts(path)
        table = pq.read_table(path)
        missing = [name for name in (*KEYS, *facts.columns) if name not in table.column_names]
        if missing:
            raise DatasetError(f"{path} lacks the columns {missing}; build the dataset again.")
        matrix = np.empty((table.num_rows, len(facts.columns)), dtype=np.float32)
        for place, name in enumerate(facts.columns):
            matrix[:, place] = table.column(name).to_numpy()
        return cls(facts, table.select(KEYS), matrix)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Shape (R,): a key column, or a feature by its name."""
        if name in self.facts.columns:
            return self.matrix[:, self.facts.columns.index(name)]
        values: npt.NDArray[Any] = self.keys.column(name).to_numpy()
        return values

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "Dataset":
        """The chosen rows."""
        return Dataset(self.facts, self.keys.filter(pa.array(chosen)), self.matrix[chosen])

    def part(self, *splits: str) -> "Dataset":
        """The rows of some splits."""
        return self.rows(np.isin(self.column("split").astype(str), splits))


def read_facts(path: Path) -> Facts:
    """The metadata alone.

    Raises:
        DatasetError: absent or not one of ours.
    """
    try:
        table = json.loads((pq.read_schema(path).metadata or {})[_META])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError):
        raise DatasetError(f"{path}: expected a dataset; build one with `aisle train`.") from None
    prior = RatePrior(**{k: math.nan if v is None else v for k, v in table.pop("prior").items()})
    return Facts(columns=tuple(table.pop("columns")), prior=prior, **table)


def build_dataset(home: Home, out: Path, progress: Progress | None = None) -> DatasetReport:
    """Write the dataset of everything in the compacted log to the Parquet file `out`.

    Raises:
        DatasetError: the log holds no ranking, or the training part no click.
    """
    shop, rows = Shop.load(home.shop_toml), _numbered(labelled_rankings(home))
    taught = rows.filter(pc.equal(rows["split"], TRAIN))
    prior = fit_prior(taught["item_id"], pc.greater(taught["gain"], 0))
    if math.isnan(prior.click_rate):
        raise DatasetError(
            f"The training part of {home.log} has {taught.num_rows} impressions and no click on "
            "them; a ranker needs interactions that name their ranking."
        )
    facts = Facts(feature_columns(shop), prior, FEATURE_SERVICE, QUERY_KEY_VERSION, _by_split(rows))
    slates = known_facts(home, rows)
    _write(out, facts, rows, _matrices(slates, shop, prior, rows, progress))
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
        if progress and done % 50 == 0:
            progress(done, total)


def _write(out: Path, facts: Facts, rows: pa.Table, matrices: Iterator[Matrix]) -> None:
    """Write key and feature columns; the file is whole or absent."""
    out.parent.mkdir(parents=True, exist_ok=True)
    keys = rows.select(KEYS)
    features = [pa.field(name, pa.float32()) for name in facts.columns]
    schema = pa.schema([*keys.schema, *features]).with_metadata({_META: _encoded(facts)})
    half, start = out.with_name(f".{out.name}.part"), 0
    with pq.ParquetWriter(half, schema, compression="zstd") as writer:
        for matrix in matrices:
            part = keys.slice(start, matrix.shape[0])
            columns = [column.combine_chunks() for column in part.columns]
            writer.write_table(pa.table([*columns, *map(pa.array, matrix.T)], schema=schema))
            start += matrix.shape[0]
    half.replace(out)


def _encoded(facts: Facts) -> bytes:
    table = asdict(facts)
    table["prior"] = {k: None if math.isnan(v) else v for k, v in table["prior"].items()}
    return json.dumps(table).encode()


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
