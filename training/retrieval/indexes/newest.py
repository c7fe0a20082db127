"""The newest items of the shop, by category."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.home import ArtifactError, Home
from training.retrieval.catalogue import ItemChanges, ItemTable, RankedList, Scores, first_seen
from training.retrieval.indexes.kinds import NEWEST
from training.retrieval.indexes.top_lists import EVERYWHERE, TopLists

FILE = "first_seen.parquet"

_NEWEST = """
with

scored as (

    select $everywhere as market, item_id, first_seen_at as value
    from first_seen
    where item_id in (select item_id from for_sale)

),

{lists}
"""


@dataclass(frozen=True)
class Newest:
    """Items by the instant of their first event, newest first.

    Attributes:
        lists: by category.
        first_seen: item_id and first_seen_at, µs, of every item, deleted ones too.
        later: by id, the same of items that came later.
    """

    lists: TopLists
    first_seen: pa.Table
    later: Mapping[str, int] = field(default_factory=dict)
    _fitted_ids: list[str] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def fit(cls, home: Home, item_table: ItemTable) -> "Newest":
        """Read the first event of each item."""
        seen = first_seen(home)
        parameters = {"everywhere": EVERYWHERE, "first_seen": seen}
        return cls(TopLists.fit(home, item_table, _NEWEST, parameters), seen)

    def search(self, market: str, size: int, category: str | None = None) -> RankedList:
        """Return the list of a category, for every market."""
        return self.lists.search(market, size, category)

    def with_changes(self, changes: ItemChanges) -> "Newest":
        """Return the lists with new items, and with items in their new categories."""
        is_changed = pc.is_in(self.first_seen["item_id"], pa.array(changes.item_ids, pa.string()))
        fitted = self.first_seen.filter(is_changed)
        first_seen_at = {
            **changes.first_seen_at,
            **dict(zip(*fitted.to_pydict().values(), strict=True)),
        }
        lists = self.lists.with_changes(changes, first_seen_at.get)
        later = {**changes.first_seen_at, **self.later}
        return replace(self, lists=lists, later=later, _fitted_ids=self._ids())

    def instants(self, item_table: ItemTable) -> Scores:
        """Return when each of the N items was first seen, µs, shape (N,); NaN where unknown."""
        instants = np.full(item_table.size, np.nan)
        rows = item_table.rows([*self.later])
        instants[rows[rows >= 0]] = np.array([*self.later.values()], np.float64)[rows >= 0]
        rows = item_table.rows_of(NEWEST, self._ids())
        fitted = self.first_seen["first_seen_at"].to_numpy().astype(np.float64)
        instants[rows[rows >= 0]] = fitted[rows >= 0]
        return instants

    def _ids(self) -> list[str]:
        """Return the ids of the fitted items: the same list each time, so that rows are cached."""
        if not self._fitted_ids and self.first_seen.num_rows:
            self._fitted_ids.extend(self.first_seen["item_id"].to_pylist())
        return self._fitted_ids

    def save(self, folder: Path) -> None:
        """Write the lists and the instants into a build folder."""
        self.lists.save(folder)
        pq.write_table(self.first_seen, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Newest":
        """Read the lists and the instants.

        Raises:
            ArtifactError: a file is absent or damaged.
        """
        try:
            first_seen = pq.read_table(folder / FILE, columns=["item_id", "first_seen_at"])
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(
                f"{folder / FILE}: expected the first events of items: {error}; run `aisle index`."
            ) from None
        return cls(TopLists.load(folder), first_seen)
