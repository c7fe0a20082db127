"""What is for sale: the items with their fields as last known, in one order all filters share."""

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
from training.retrieval.catalogue.ranked_list import Flags, Rows

FILE = "assortment.parquet"
FEW = 8
"""One item in so many: fewer are counted one by one, more by a look at all."""

FOLDABLE = ("category", "list", "bool")
"""Types whose values can be counted."""

_NEWEST = """
select * exclude (event_timestamp, created_timestamp, part, is_deleted)
from read_parquet($rows, union_by_name = true)
qualify row_number() over (
    partition by item_id order by event_timestamp desc, created_timestamp desc
) = 1 and not is_deleted
order by item_id
"""


@dataclass(frozen=True)
class Coded:
    """A field of texts of N items, as numbers.

    Attributes:
        values: the V distinct texts, sorted.
        codes: shape (M,), which text each of the M mentions is, item by item.
        sizes: shape (N,), how many mentions each item has.
    """

    values: list[str]
    codes: Rows
    sizes: Rows

    @cached_property
    def code(self) -> dict[str, list[int]]:
        """By folded text, the codes of the texts that fold to it."""
        found: dict[str, list[int]] = {}
        for number, value in enumerate(self.values):
            found.setdefault(value.casefold(), []).append(number)
        return found

    @cached_property
    def rows(self) -> Rows:
        """Shape (M,): whose mention it is."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    def counts(self, kept: Flags) -> npt.NDArray[np.int64]:
        """Shape (V,): how many of the kept items have each text."""
        rows = np.flatnonzero(kept)
        is_few = FEW * rows.size < kept.size
        mentions = self._mentions(rows) if is_few else kept[self.rows]
        return np.bincount(self.codes[mentions], minlength=len(self.values))

    def _mentions(self, rows: Rows) -> Rows:
        """The places among the M of what some items mention."""
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
        sellable: by market that items name, folded, which items can be sold there, and by None in
            any other; filled as it is asked for.
    """

    table: pa.Table
    shop: Shop
    sellable: dict[str | None, Flags] = field(default_factory=dict, repr=False, compare=False)
    _coded: dict[str, Coded] = field(default_factory=dict, repr=False, compare=False)
    _numbers: dict[str, npt.NDArray[np.float64]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _placed: dict[str, tuple[Sequence[str], Rows]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def fit(cls, home: Home) -> "ItemTable":
        """The items of a home that are not deleted; none before its first refresh."""
        shop = Shop.load(home.shop_toml)
        files = sorted(str(path) for path in (home.features / "item_attributes").rglob("*.parquet"))
        if not files:
            names = ["item_id", *(f.column for f in shop.item_fields)]
            return cls(pa.table({name: pa.nulls(0, pa.string()) for name in names}), shop)
        with duckdb.connect() as db:
            return cls(db.sql(_NEWEST, params={"rows": files}).to_arrow_table(), shop)

    def save(self, folder: Path) -> None:
        """Write the items into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.table, folder / FILE)

    @classmethod
    def load(cls, folder: Path, shop: Shop) -> "ItemTable":
        """Read the items.

        Raises:
            ArtifactError: the file is absent, damaged, or of other fields than the shop's.
        """
        needed = ["item_id", *(f.column for f in shop.item_fields)]
        try:
            return cls(pq.read_table(folder / FILE, columns=needed).select(needed), shop)
        except (OSError, pa.ArrowException, KeyError) as error:
            raise ArtifactError(f"{folder / FILE}: expected the shop's items: {error}.") from None

    @cached_property
    def item_ids(self) -> list[str]:
        """The N ids."""
        ids: list[str] = self.table["item_id"].to_pylist()
        return ids

    @cached_property
    def row(self) -> dict[str, int]:
        """Place of each id."""
        return {item_id: n for n, item_id in enumerate(self.item_ids)}

    @cached_property
    def titles(self) -> list[str]:
        """N titles; empty where an item, or the shop, has none."""
        title = self.shop.item_role("title")
        return [""] * len(self.item_ids) if title is None else self.texts(title)

    def rows(self, item_ids: Sequence[str]) -> Rows:
        """Places of ids, -1 for those that are not for sale."""
        return np.array([*map(self.row.get, item_ids, repeat(-1))], np.int64)

    def rows_of(self, index: str, item_ids: Sequence[str]) -> Rows:
        """The same of all items of an index, kept as long as it has this very list of them."""
        known = self._placed.get(index)
        if known is None or known[0] is not item_ids:
            known = self._placed[index] = (item_ids, self.rows(item_ids))
        return known[1]

    def facts(self, item_ids: Sequence[str], t: int) -> RequestContext:
        """What was known of some items when this was fitted."""
        rows = self.rows(item_ids)
        taken = self.table.take(pa.array(rows, mask=rows < 0))
        columns = {
            f"item_attributes__{name}": taken[name].to_pylist()
            for name in taken.column_names
            if name != "item_id"
        }
        return RequestContext(
            t=t, item_ids=item_ids, items={**columns, "item_attributes__present": rows >= 0}
        )

    def numbers(self, field: ShopField) -> npt.NDArray[np.float64]:
        """Shape (N,): a number or time field, NaN where missing; kept once made."""
        if field.column not in self._numbers:
            column = pc.cast(self.table[field.column], pa.float64(), safe=False)
            self._numbers[field.column] = column.to_numpy()
        return self._numbers[field.column]

    def coded(self, field: ShopField) -> Coded:
        """A category, list or bool field as numbers; kept once made."""
        if field.column not in self._coded:
            self._coded[field.column] = _code(self.table[field.column].to_pylist())
        return self._coded[field.column]

    def texts(self, field: ShopField) -> list[str]:
        """N texts of a field of any type of text, values of a list one after the other."""
        values = self.table[field.column].to_pylist()
        return [" ".join(v) if isinstance(v, list) else str(v or "") for v in values]


def _code(values: Sequence[object]) -> Coded:
    named = [str(v).lower() if isinstance(v, bool) else v for v in values]
    laid = ItemValues.of(named)
    distinct = sorted(laid.distinct)
    place = {value: number for number, value in enumerate(distinct)}
    codes = np.array([place[value] for value in laid.distinct], np.int64)[laid.codes]
    return Coded(distinct, codes, laid.sizes)
