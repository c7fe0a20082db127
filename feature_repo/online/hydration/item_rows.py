"""Stored items as the columns of a slate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.home import DAY
from feature_repo.online.hydration import merge
from feature_repo.online.hydration.entity_strings import EntityStrings
from feature_repo.online.hydration.overlay import read_item_patches
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.request_features.context import Floats, as_numbers
from feature_repo.shop import Shop
from feature_repo.views import NUMERIC, PART, ViewSpec


@dataclass(slots=True, eq=False)
class StoredItem:
    """The strings of one item; they are decoded once per day, because windows end at midnight.

    Attributes:
        item_id: of the item.
        strings: its tiles, its newest live values and its rows, as `EntityStrings` orders them.
        day: of the decoded values; −1 before the first decoding.
        values: its lists' values, then its numbers as bytes.
    """

    item_id: str
    strings: Sequence[bytes | None]
    day: int = -1
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class _View:
    """The features of one view of stored rows, by the way they are read."""

    name: str
    numbers: tuple[str, ...]
    others: tuple[str, ...]
    live_position: int | None
    """Position of its live values in the list over all views; None for a view without them."""


class ItemRows:
    """Decodes items.  Threads may share it."""

    def __init__(
        self,
        rows: StoredRows,
        features: Mapping[str, Sequence[str]],
        strings: EntityStrings,
        shop: Shop,
    ) -> None:
        """Create a decoder.

        Args:
            rows: of all views.
            features: the features of each view that a ranking reads.
            strings: which strings an item has.
            shop: declares the fields.
        """
        self._rows, self._strings = rows, strings
        live = [spec.name for spec in strings.live]
        self._views = tuple(_view(spec, features[spec.name], shop, live) for spec in strings.stored)
        self._lists = tuple(
            f"{view.name}__{name}"
            for view in self._views
            for name in (*view.others, *(("present",) if view.live_position is not None else ()))
        )
        self._arrays = (
            *(
                f"{view.name}__{'present' if name == PART else name}"
                for view in self._views
                for name in view.numbers
            ),
            *(f"{c.name}__{n}" for c in strings.counters for n in (*c.features, "present")),
        )

    def columns(self, items: Sequence[StoredItem], t: int) -> dict[str, Any]:
        """Return `<view>__<feature>` and `<view>__present` of N items as of an instant, µs.

        Texts, times and booleans are lists; numbers are arrays, NaN where missing.  Damaged
        strings count as absent and are logged.
        """
        day = t // DAY
        stale = [item for item in items if item.day != day]
        if stale:
            self._decode(stale, t)
        *lists, packed = zip(*[i.values for i in items], strict=True) if items else self._no_items
        block = np.frombuffer(b"".join(packed)).reshape(len(items), len(self._arrays))
        return {
            **dict(zip(self._lists, map(list, lists), strict=True)),
            **dict(zip(self._arrays, np.ascontiguousarray(block.T), strict=True)),
        }

    @property
    def _no_items(self) -> tuple[tuple[Any, ...], ...]:
        return ((),) * (len(self._lists) + 1)

    def _decode(self, items: Sequence[StoredItem], t: int) -> None:
        columns = [*zip(*[item.strings for item in items], strict=True)]
        tiles, columns = (
            columns[: len(self._strings.counters)],
            columns[len(self._strings.counters) :],
        )
        live, rows = columns[: len(self._strings.live)], columns[len(self._strings.live) :]
        ids = [item.item_id for item in items]
        lists: list[Sequence[Any]] = []
        blocks: list[Floats] = []
        for view, raw in zip(self._views, rows, strict=True):
            if view.live_position is None:
                others, block = self._stored(view, raw, t)
            else:
                others, block = self._patched(view, ids, raw, live[view.live_position], t)
            lists += others
            blocks.append(block.reshape(-1, len(items)))
        for counter, strings in zip(self._strings.counters, tiles, strict=True):
            blocks.append(merge.counter_rows(counter, strings, t))
        packed = [row.tobytes() for row in np.concatenate(blocks).T]
        for item, *values in zip(items, *lists, packed, strict=True):
            item.day, item.values = t // DAY, tuple(values)

    def _patched(
        self,
        view: _View,
        item_ids: Sequence[str],
        raw: Sequence[bytes | None],
        live: Sequence[bytes | None],
        t: int,
    ) -> tuple[list[Sequence[Any]], Floats]:
        """Return the lists of a view with live values, its presence last, and its numbers."""
        raw, patches = read_item_patches(item_ids, raw, live)
        columns = self._rows.read(view.name, raw, (*view.others, *view.numbers, PART), t)
        changes = {n: changed for n, changed in enumerate(patches) if changed}
        times = self._rows.event_times(view.name, [raw[n] for n in changes], t)
        merged = merge.patched(columns, changes, times)
        present = [part is not None for part in merged[PART]]
        numbers = np.array([as_numbers(merged[name]) for name in view.numbers])
        return [*(merged[name] for name in view.others), present], numbers

    def _stored(
        self, view: _View, raw: Sequence[bytes | None], t: int
    ) -> tuple[list[Sequence[Any]], Floats]:
        """Return the lists of a view without live values, and its numbers with the presence."""
        block = self._rows.numbers(view.name, raw, view.numbers, t)
        part = view.numbers.index(PART)
        block[part] = ~np.isnan(block[part])
        if not view.others:
            return [], block
        others = self._rows.read(view.name, raw, view.others, t)
        return [others[name] for name in view.others], block


def _view(spec: ViewSpec, features: Sequence[str], shop: Shop, live: Sequence[str]) -> _View:
    kinds = {field.name: field.kind for field in spec.fields_of(shop)}
    if spec.name in live:
        numbers = tuple(n for n in features if kinds.get(n) == "number")
        others = tuple(n for n in features if n not in {*numbers, PART})
        return _View(spec.name, numbers, others, live.index(spec.name))
    numbers = tuple(n for n in features if n == PART or kinds[n] in NUMERIC)
    return _View(spec.name, numbers, tuple(n for n in features if n not in numbers), None)
