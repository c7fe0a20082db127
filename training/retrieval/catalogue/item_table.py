"""The item table: items for sale with their newest fields, in one order that all filters share."""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.home import ArtifactError, Home
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop, ShopField
from training.dataset import compacted
from training.retrieval.catalogue.encoded_field import EncodedField
from training.retrieval.catalogue.first_seen import first_seen
from training.retrieval.catalogue.ranked_list import Flags, Rows

FILE = "assortment.parquet"
Fields = Mapping[str, Any]
"""The fields of an item by column, and `is_deleted`."""

_NO_ROWS: Rows = np.empty(0, np.int64)

_NEWEST = """
select * exclude (event_timestamp, created_timestamp, event_times, part, is_deleted)
from read_parquet($rows, union_by_name = true)
qualify row_number() over (
    partition by item_id order by event_timestamp desc, created_timestamp desc
) = 1 and not is_deleted
order by item_id
"""


@dataclass(frozen=True)
class ItemTable:
    """N items and their fields: those of a fitted table, and the changes since then.

    A change leaves every item in its row, and new items follow in the order of their arrival; so
    rows found in one table are valid in all that derive from it.  A deleted item stays in its row.

    Attributes:
        table: the fitted items: item_id, sorted, and a column for each field of the shop.
        shop: declares the fields.
        changed: the newest fields of the items that changed, by row.
        added: the rows of new items, by id.
        sellable: cache: folded market → items that can be sold there; the key None covers every
            market that no item names.
    """

    table: pa.Table
    shop: Shop
    changed: Mapping[int, Fields] = field(default_factory=dict, repr=False)
    added: Mapping[str, int] = field(default_factory=dict, repr=False)
    sellable: dict[str | None, Flags] = field(default_factory=dict, repr=False, compare=False)
    _fitted: "ItemTable | None" = field(default=None, repr=False, compare=False)
    _coded: dict[str, EncodedField] = field(default_factory=dict, repr=False, compare=False)
    _numbers: dict[str, npt.NDArray[np.float64]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _rows_of_index: dict[str, tuple[Sequence[str], Sequence[str], Rows]] = field(
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

    @property
    def size(self) -> int:
        """Number of items, N."""
        return int(self.table.num_rows) + len(self.added)

    @cached_property
    def item_ids(self) -> list[str]:
        """Ids of the N items."""
        if self._fitted is not None:
            fitted = self._fitted.item_ids
            return [*fitted, *self.added] if self.added else fitted
        ids: list[str] = self.table["item_id"].to_pylist()
        return ids

    @cached_property
    def row(self) -> Mapping[str, int]:
        """Row of each id."""
        if self._fitted is not None:
            return ChainMap(self._fitted.row, self.added)  # type: ignore[arg-type]
        return {item_id: n for n, item_id in enumerate(self.item_ids)}

    @cached_property
    def titles(self) -> list[str]:
        """The titles of the fitted items; empty where the item or the shop has none."""
        if self._fitted is not None:
            return self._fitted.titles
        title = self.shop.item_role("title")
        return [""] * self.table.num_rows if title is None else self.texts(title)

    def title(self, item_id: str) -> str:
        """Return the newest title of an item; empty where there is none."""
        row, title = self.row.get(item_id), self.shop.item_role("title")
        if row is None or title is None:
            return ""
        return (
            as_text(self.changed[row].get(title.column))
            if row in self.changed
            else self.titles[row]
        )

    @cached_property
    def deleted_rows(self) -> Rows:
        """The rows of items that were deleted since the table was fitted."""
        rows = [row for row, fields in self.changed.items() if fields["is_deleted"]]
        return np.array(rows, np.int64) if rows else _NO_ROWS

    def rows(self, item_ids: Sequence[str]) -> Rows:
        """Return the rows of ids, -1 for items that the table does not have."""
        row = self.row if self._fitted is None else self._fitted.row
        rows = np.array([*map(row.get, item_ids, repeat(-1))], np.int64)
        if self.added:
            for n in np.flatnonzero(rows < 0).tolist():
                rows[n] = self.added.get(item_ids[n], -1)
        return rows

    def rows_of(self, index: str, item_ids: Sequence[str], added: Sequence[str] = ()) -> Rows:
        """Return the rows of all items of an index, then of those that it was given later.

        They are cached for the same list objects.
        """
        cached = self._rows_of_index.get(index)
        if cached is None or cached[0] is not item_ids or cached[1] is not added:
            fitted = cached[2][: len(item_ids)] if cached and cached[0] is item_ids else None
            if fitted is None or (fitted < 0).any():
                fitted = self.rows(item_ids)
            rows = np.concatenate([fitted, self.rows(added)]) if added else fitted
            cached = self._rows_of_index[index] = (item_ids, added, rows)
        return cached[2]

    def fields_of(self, item_ids: Sequence[str]) -> list[Fields | None]:
        """Return the newest fields of items; None for items that are not for sale."""
        fields = self._all_fields_of(item_ids)
        return [None if one is None or one.get("is_deleted") else one for one in fields]

    def _all_fields_of(self, item_ids: Sequence[str]) -> list[Fields | None]:
        rows = self.rows(item_ids)
        fitted = (rows >= 0) & (rows < self.table.num_rows)
        stored = self.table.take(pa.array(rows, mask=~fitted)).to_pylist()
        return [
            self.changed.get(row, one if is_fitted else None)
            for row, one, is_fitted in zip(rows.tolist(), stored, fitted.tolist(), strict=True)
        ]

    def facts(self, item_ids: Sequence[str], t: int) -> RequestContext:
        """Return the context of some items, with their newest fields."""
        fields = self.fields_of(item_ids)
        columns = {
            f"item_attributes__{name}": [None if one is None else one.get(name) for one in fields]
            for name in self.table.column_names
            if name != "item_id"
        }
        present = np.array([one is not None for one in fields], dtype=np.bool_)
        return RequestContext(
            t=t, item_ids=item_ids, items={**columns, "item_attributes__present": present}
        )

    def numbers(self, field: ShopField) -> npt.NDArray[np.float64]:
        """Return a number or time field, shape (N,), NaN where missing; cached."""
        name = field.column
        if name not in self._numbers and self._fitted is not None:
            fitted = self._fitted.numbers(field)
            self._numbers[name] = _with_numbers(fitted, *self._changed_values(name), self.size)
        elif name not in self._numbers:
            column = pc.cast(self.table[name], pa.float64(), safe=False)
            self._numbers[name] = column.to_numpy()
        return self._numbers[name]

    def coded(self, field: ShopField) -> EncodedField:
        """Return a category, list or bool field, encoded; cached."""
        name = field.column
        if name not in self._coded and self._fitted is not None:
            fitted = self._fitted.coded(field)
            self._coded[name] = fitted.with_values(*self._changed_values(name), self.size)
        elif name not in self._coded:
            self._coded[name] = EncodedField.of(self.table[name].to_pylist())
        return self._coded[name]

    def texts(self, field: ShopField) -> list[str]:
        """Return the texts of a text field of the fitted items, as `as_text` does."""
        return [*map(as_text, self.table[field.column].to_pylist())]

    def texts_of(self, field: ShopField, rows: Rows) -> list[str]:
        """Return the newest texts of some items in one field, as `as_text` does."""
        fitted = rows < self.table.num_rows
        stored = self.table[field.column].take(pa.array(rows, mask=~fitted)).to_pylist()
        return [
            as_text(self.changed[row].get(field.column) if row in self.changed else value)
            for row, value in zip(rows.tolist(), stored, strict=True)
        ]

    def with_fields(self, fields: Mapping[str, Fields]) -> "ItemTable":
        """Return the table after changes of K items, given all fields of each.

        The columns that are cached are copied with the changes; unchanged ones are shared.
        """
        added = dict(self.added)
        for item_id in fields:
            if item_id not in self.row:
                added[item_id] = self.table.num_rows + len(added)
        rows = np.array([added.get(i, self.row.get(i, -1)) for i in fields], np.int64)
        changes = dict(zip(rows.tolist(), fields.values(), strict=True))
        after = ItemTable(
            table=self.table,
            shop=self.shop,
            changed={**self.changed, **changes},
            added=added,
            _fitted=self._fitted or self,
            _rows_of_index=dict(self._rows_of_index),
        )
        before, size = self._all_fields_of([*fields]), after.size

        def is_unchanged(name: str) -> bool:
            pairs = zip(before, fields.values(), strict=True)
            return size == self.size and all(b and b.get(name) == f.get(name) for b, f in pairs)

        for name, numbers in self._numbers.items():
            values = [one.get(name) for one in fields.values()]
            same = is_unchanged(name)
            after._numbers[name] = numbers if same else _with_numbers(numbers, rows, values, size)
        for name, coded in self._coded.items():
            values = [one.get(name) for one in fields.values()]
            same = is_unchanged(name)
            after._coded[name] = coded if same else coded.with_values(rows, values, size)
        return after

    def _changed_values(self, name: str) -> tuple[Rows, list[Any]]:
        """Return the rows of all changed items, and one field of each."""
        rows = np.array([*self.changed], np.int64)
        return rows, [fields.get(name) for fields in self.changed.values()]


def _with_numbers(
    numbers: npt.NDArray[np.float64], rows: Rows, values: Sequence[Any], size: int
) -> npt.NDArray[np.float64]:
    changed = np.full(size, np.nan)
    changed[: numbers.size] = numbers
    changed[rows] = [np.nan if value is None else float(value) for value in values]
    return changed


def as_text(value: Any) -> str:
    """Return a field as text: a list is joined by spaces, a missing value is empty."""
    return " ".join(value) if isinstance(value, list) else str(value or "")
