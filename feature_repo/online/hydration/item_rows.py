"""What lies in the store of items, as the columns of a slate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.home import DAY
from feature_repo.online.hydration import merge
from feature_repo.online.hydration.merge import PART
from feature_repo.online.hydration.overlay import read_patches
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.request_features.context import Floats, as_numbers
from feature_repo.views import COUNTER_VIEWS

ATTRIBUTES, PERCENTILES = "item_attributes", "item_percentiles"
(_COUNTED,) = [view for view in COUNTER_VIEWS if view.entity == "item"]


@dataclass(slots=True, eq=False)
class StoredItem:
    """What lies in the store of one item; what it says is read once a day, as windows end then.

    Attributes:
        item_id: of the item.
        strings: its tile, its newest attributes, and its rows of attributes and percentiles.
        day: of what they were found to say; −1 before they were read.
        said: its texts, times and whether something is so, then its numbers as bytes.
    """

    item_id: str
    strings: Sequence[bytes | None]
    day: int = -1
    said: tuple[Any, ...] = ()


class ItemRows:
    """Reads items.  Threads may share it."""

    def __init__(
        self, rows: StoredRows, features: Mapping[str, Sequence[str]], numbers: Sequence[str]
    ) -> None:
        """Read stored `rows`.

        Args:
            rows: of all views.
            features: the features of each view that a ranking asks for.
            numbers: those of the attributes that are numbers.
        """
        self._rows = rows
        self._numbers = tuple(numbers)
        self._others = tuple(n for n in features[ATTRIBUTES] if n not in {*numbers, PART})
        self._percentiles = tuple(features[PERCENTILES])
        self._lists = tuple(f"{ATTRIBUTES}__{name}" for name in (*self._others, "present"))
        self._arrays = (
            *(f"{ATTRIBUTES}__{name}" for name in self._numbers),
            *(f"{PERCENTILES}__{'present' if n == PART else n}" for n in self._percentiles),
            *(f"{_COUNTED.name}__{n}" for n in (*_COUNTED.features, "present")),
        )

    def columns(self, items: Sequence[StoredItem], t: int) -> dict[str, Any]:
        """`<view>__<feature>` and `<view>__present` of N items as of an instant.

        Texts, times and whether something is so are lists; numbers are arrays, NaN where there is
        none.  Damaged strings count as absent and are logged.
        """
        day = t // DAY
        unread = [item for item in items if item.day != day]
        if unread:
            self._read(unread, t)
        *lists, packed = zip(*[i.said for i in items], strict=True) if items else self._nothing
        block = np.frombuffer(b"".join(packed)).reshape(len(items), len(self._arrays))
        return {
            **dict(zip(self._lists, map(list, lists), strict=True)),
            **dict(zip(self._arrays, np.ascontiguousarray(block.T), strict=True)),
        }

    @property
    def _nothing(self) -> tuple[tuple[Any, ...], ...]:
        return ((),) * (len(self._lists) + 1)

    def _read(self, items: Sequence[StoredItem], t: int) -> None:
        tiles, live, attributes, percentiles = zip(*[item.strings for item in items], strict=True)
        known = self._attributes([item.item_id for item in items], attributes, live, t)
        lists = [known[name] for name in self._others]
        present = [part is not None for part in known[PART]]
        own = np.array([as_numbers(known[name]) for name in self._numbers])
        counts = merge.counter_rows(_COUNTED, tiles, t)
        numbers = np.concatenate(
            [own.reshape(-1, len(items)), self._percentiles_of(percentiles, t), counts]
        )
        packed = [row.tobytes() for row in numbers.T]
        for item, *said in zip(items, *lists, present, packed, strict=True):
            item.day, item.said = t // DAY, tuple(said)

    def _attributes(
        self,
        item_ids: Sequence[str],
        raw: Sequence[bytes | None],
        live: Sequence[bytes | None],
        t: int,
    ) -> dict[str, Any]:
        columns = self._rows.read(ATTRIBUTES, raw, (*self._others, *self._numbers, PART), t)
        return merge.patched(columns, [*map(read_patches, item_ids, live)])

    def _percentiles_of(self, raw: Sequence[bytes | None], t: int) -> Floats:
        block = self._rows.numbers(PERCENTILES, raw, self._percentiles, t)
        part = self._percentiles.index(PART)
        block[part] = ~np.isnan(block[part])
        return block
