"""The item table: items for sale with their newest fields, in one order that all filters share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.home import ArtifactError, Home
from feature_repo.request_features.context import ItemValues, RequestContext
from feature_repo.shop import Shop, ShopField
from training.dataset import compacted
from training.retrieval.catalogue.first_seen import first_seen
from training.retrieval.catalogue.ranked_list import Flags, Rows

FILE = "assortment.parquet"
FEW = 8
"""If fewer than one item in so many is selected, count only the selected items."""

FOLDABLE = ("category", "list", "bool")
"""Types with countable values."""

_NEWEST = """
select * exclude (event_timestamp, created_timestamp, event_times, part, is_deleted)
from read_parquet($rows, union_by_name = true)
qualify row_number() over (
    partition by item_id order by event_timestamp desc, created_timestamp desc
) = 1 and not is_deleted
order by item_id
"""


@dataclass(frozen=True)
class EncodedField:
    """A text field of N items, encoded as numbers.

    Attributes:
        values: the V distinct texts, sorted.
        codes: shape (M,), the index in `values` of each of the items' M texts, item by item.
        sizes: shape (N,), number of texts of each item.
    """

    values: list[str]
    codes: Rows
    sizes: Rows

    @cached_property
    def code(self) -> dict[str, list[int]]:
        """Codes of the texts by folded text."""
        codes: dict[str, list[int]] = {}
        for number, value in enumerate(self.values):
            codes.setdefault(value.casefold(), []).append(number)
        return codes

    @cached_property
    def rows(self) -> Rows:
        """Shape (M,): the item of each text."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    def counts(self, selected: Flags) -> npt.NDArray[np.int64]:
        """Count the selected items that have each text, shape (V,)."""
        rows = np.flatnonzero(selected)
        is_few = FEW * rows.size < selected.size
        positions = self._positions(rows) if is_few else selected[self.rows]
        return np.bincount(self.codes[positions], minlength=len(self.values))

    def _positions(self, rows: Rows) -> Rows:
        """Return the positions among the M of the texts of some items."""
        sizes = self.sizes[rows]
        skipped = self._ends[rows] - np.cumsum(sizes)
        return np.arange(sizes.sum()) + np.repeat(skipped, sizes)

    @cached_property
    def _ends(self) -> Rows:
        return np.cumsum(self.sizes)


@dataclass(frozen=True)
class ItemTable:
    """N items and their fields.

    Attributes:
        table: N rows: item_id, and a column for each field of the shop.
        shop: declares the fields.
        sellable: cache: folded market → items that can be sold there; the key None covers every
            market that no item names.
    """

    table: pa.Table
    shop: Shop
    sellable: dict[str | None, Flags] = field(default_factory=dict, repr=False, compare=False)
    _coded: dict[str, EncodedField] = field(default_factory=dict, repr=False, compare=False)
    _numbers: dict[str, npt.NDArray[np.float64]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _rows_of_index: dict[str, tuple[Sequence[str], Rows]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def fit(cls, home: Home) -> "ItemTable":
        """Read the items of a home that are not deleted; none before its first refresh.

        A shop that sends no item events has items without fields.
        """
        shop = Shop.load(home.shop_toml)
        files = sorted(str(path) for path in (home.features / "item_attributes").rglob("*.parquet"))
        has_item_events = bool(compacted(home, "item"))
        if files and has_item_events:
            with duckdb.connect() as db:
                return cls(db.sql(_NEWEST, params={"rows": files}).to_arrow_table(), shop)
        items = pa.nulls(0, pa.string()) if has_item_events else first_seen(home)["item_id"]
        missing = pa.nulls(len(items), pa.string())
        columns = {field.column: missing for field in shop.item_fields}
        return cls(pa.table({"item_id": items, **columns}), shop)

    def save(self, folder: Path) -> None:
        """Write the items into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.table, folder / FILE)

    @classmethod
    def load(cls, folder: Path, shop: Shop) -> "ItemTable":
        """Read the items.

        Raises:
            ArtifactError: the file is absent or damaged, or has other fields than the shop.
        """
        needed = ["item_id", *(f.column for f in shop.item_fields)]
        try:
            return cls(pq.read_table(folder / FILE, columns=needed).select(needed), shop)
        except (OSError, pa.ArrowException, KeyError) as error:
            raise ArtifactError(f"{folder / FILE}: expected the shop's items: {error}.") from None

    @cached_property
    def item_ids(self) -> list[str]:
        """Ids of the N items."""
        ids: list[str] = self.table["item_id"].to_pylist()
        return ids

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of each id."""
        return {item_id: n for n, item_id in enumerate(self.item_ids)}

    @cached_property
    def titles(self) -> list[str]:
        """N titles; empty where the item or the shop has none."""
        title = self.shop.item_role("title")
        return [""] * len(self.item_ids) if title is None else self.texts(title)

    def rows(self, item_ids: Sequence[str]) -> Rows:
        """Return the rows of ids, -1 for items that are not for sale."""
        return np.array([*map(self.row.get, item_ids, repeat(-1))], np.int64)

    def rows_of(self, index: str, item_ids: Sequence[str]) -> Rows:
        """Return the rows of all items of an index; cached for the same list object."""
        cached = self._rows_of_index.get(index)
        if cached is None or cached[0] is not item_ids:
            cached = self._rows_of_index[index] = (item_ids, self.rows(item_ids))
        return cached[1]

    def facts(self, item_ids: Sequence[str], t: int) -> RequestContext:
        """Return the context of some items, with their fields when the table was fitted."""
        rows = self.rows(item_ids)
        table = self.table.take(pa.array(rows, mask=rows < 0))
        columns = {
            f"item_attributes__{name}": table[name].to_pylist()
            for name in table.column_names
            if name != "item_id"
        }
        return RequestContext(
            t=t, item_ids=item_ids, items={**columns, "item_attributes__present": rows >= 0}
        )

    def numbers(self, field: ShopField) -> npt.NDArray[np.float64]:
        """Return a number or time field, shape (N,), NaN where missing; cached."""
        if field.column not in self._numbers:
            column = pc.cast(self.table[field.column], pa.float64(), safe=False)
            self._numbers[field.column] = column.to_numpy()
        return self._numbers[field.column]

    def coded(self, field: ShopField) -> EncodedField:
        """Return a category, list or bool field, encoded; cached."""
        if field.column not in self._coded:
            self._coded[field.column] = _code(self.table[field.column].to_pylist())
        return self._coded[field.column]

    def texts(self, field: ShopField) -> list[str]:
        """Return N texts of a text field; the values of a list are joined by spaces."""
        values = self.table[field.column].to_pylist()
        return [" ".join(v) if isinstance(v, list) else str(v or "") for v in values]


def _code(values: Sequence[object]) -> EncodedField:
    named = [str(v).lower() if isinstance(v, bool) else v for v in values]
    encoded = ItemValues.of(named)
    distinct = sorted(encoded.distinct)
    code_of = {value: number for number, value in enumerate(distinct)}
    codes = np.array([code_of[value] for value in encoded.distinct], np.int64)[encoded.codes]
    return EncodedField(distinct, codes, encoded.sizes)
